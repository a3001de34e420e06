"""The account of a run's rows, from the metadata of its materializations.

Raw tables have the numbers of rows read, of new versions, and of rows found deleted; quarantine has those of
the run's window, by reason. So a command's summary has the same numbers as the UI.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.catalog.contract import CHANGED_AT, SourceTable, source_tables
from retail_assets.resources.warehouse import Execute
from retail_assets.settings import SYSTEMS
from retail_assets.windows import Window

# The names of raw tables' metadata.
READ = "dagster/partition_row_count"
NEW = "rows_new"
DELETED = "rows_deleted"
OUTSIDE = "rows_outside"
REFUSED = "rows_refused"
# What is no fault and yet worth knowing, a sentence a line.
TOLD = "worth_knowing"
# A table's rows in all.
IN_ALL = "dagster/row_count"
# That of the quarantine: a table of what the run's window has in it.
QUARANTINED = "quarantined"


@dataclass
class Rows:
    """Numbers of rows, of one table or of several."""

    read: int = 0
    new: int = 0
    deleted: int = 0
    quarantined: int = 0
    refused: int = 0
    outside: int = 0

    def __add__(self, other: "Rows") -> "Rows":
        return Rows(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Rows)))


@dataclass(frozen=True)
class Quarantined:
    """Rows that are in quarantine for one reason; their amount where their table has one."""

    table: str
    reason: str
    rows: int
    amount: Decimal | None


@dataclass
class RowAccount:
    """The account of a run's rows, by table (`erp.customer`)."""

    tables: dict[str, Rows] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    in_quarantine: int = 0
    """Rows that are in quarantine in all, also those of earlier windows and the refused."""

    @property
    def total(self) -> Rows:
        """All tables together."""
        return sum(self.tables.values(), Rows())

    def add(self, key: dg.AssetKey, metadata: Mapping[str, dg.MetadataValue[Any]]) -> None:
        """Count an asset's materialization: once, though a run has one for each partition."""
        if QUARANTINED in metadata:
            told = metadata[QUARANTINED]
            assert isinstance(told, dg.TableMetadataValue)
            for record in told.records:
                self._add_quarantined(record.data)
            self.in_quarantine = int(metadata[IN_ALL].value or 0) if IN_ALL in metadata else 0
        if READ in metadata and NEW in metadata:
            names = {"read": READ, "new": NEW, "deleted": DELETED, "refused": REFUSED, "outside": OUTSIDE}
            counted = {
                name: int(metadata[each].value or 0) for name, each in names.items() if each in metadata
            }
            table = table_name(key)
            self.tables[table] = self.tables.get(table, Rows()) + Rows(**counted)
        if TOLD in metadata:
            self.told[table_name(key)] = str(metadata[TOLD].value)

    def refuse(self, key: dg.AssetKey, why: str) -> None:
        """Add a table that was refused, or from which a file or rows were."""
        self.refused[table_name(key)] = why

    def _add_quarantined(self, record: Mapping[str, Any]) -> None:
        amount = Decimal(record["amount"]) if record["amount"] else None
        found = Quarantined(str(record["table"]), str(record["reason"]), int(record["rows"]), amount)
        self.quarantined.append(found)
        self.tables[found.table] = self.tables.get(found.table, Rows()) + Rows(quarantined=found.rows)


def table_name(key: dg.AssetKey) -> str:
    """`erp.customer` of the asset `raw_erp/customer`."""
    return ".".join(key.path).removeprefix("raw_")


def quarantined_rows(
    manifest: Mapping[str, Any], window: Window, relation: str, execute: Execute
) -> dict[str, dg.MetadataValue[Any]]:
    """Metadata of the quarantine: the rows in it that changed in the window, by table and reason."""
    records = [
        dg.TableRecord(
            {
                "table": each.table,
                "reason": each.reason,
                "rows": each.rows,
                "amount": "" if each.amount is None else str(each.amount),
            }
        )
        for each in quarantined(manifest, window, relation, execute)
    ]
    columns = [dg.TableColumn(name) for name in ("table", "reason", "rows", "amount")]
    return {QUARANTINED: dg.MetadataValue.table(records, dg.TableSchema(columns))}


def quarantined(
    manifest: Mapping[str, Any], window: Window, relation: str, execute: Execute
) -> list[Quarantined]:
    """The rows in quarantine that changed in the window, by table and reason.

    Their amount is in the table's own currency. Rows that were refused are raw's to tell.
    """
    reasons = execute(
        f"select model_name, reason, count(*), cast(sum(amount) as varchar) from {relation}"
        f" where not is_refused and {in_window(CHANGED_AT, window)} group by 1, 2 order by 1, 2"
    )
    sources = sources_of(manifest, {model for model, *_ in reasons})
    return [
        Quarantined(
            f"{sources[model].system}.{sources[model].name}",
            reason,
            int(rows),
            Decimal(amount) if amount else None,
        )
        for model, reason, rows, amount in reasons
    ]


def in_window(column: str, window: Window) -> str:
    """The condition, in SQL, that a time without a zone, in UTC, lies in a window."""
    start, end = (f"timestamp '{bound:%Y-%m-%d %H:%M:%S}'" for bound in window)
    return f"({column} >= {start} and {column} < {end})"


def sources_of(manifest: Mapping[str, Any], models: Iterable[str]) -> Mapping[str, SourceTable]:
    """The source table that each staging model is of."""
    tables = {table.unique_id: table for system in SYSTEMS for table in source_tables(manifest, system)}
    nodes = {
        node["name"]: unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    return {model: tables[_source(manifest, nodes[model])] for model in models}


def _source(manifest: Mapping[str, Any], unique_id: str) -> str:
    """The first source on the way up from a model."""
    parents: Sequence[str] = [unique_id]
    while not any(each.startswith("source.") for each in parents):
        parents = [parent for each in parents for parent in manifest["nodes"][each]["depends_on"]["nodes"]]
    return next(each for each in parents if each.startswith("source."))
