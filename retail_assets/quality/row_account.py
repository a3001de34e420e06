"""What became of the rows that a run read: counted from what its assets say of themselves.

Raw tables say how many rows were read, how many versions of them are new, and how many rows were found
deleted; the quarantine says what of the run's window is in it, by reason. A command says what the UI does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceTable,
    source_tables,
)
from retail_assets.resources.warehouse import Execute
from retail_assets.settings import SYSTEMS
from retail_assets.windows import Window

# The metadata of raw tables, by what is told of it.
READ = "dagster/partition_row_count"
NEW = "rows_new"
DELETED = "rows_deleted"
OUTSIDE = "rows_outside"
# That of the quarantine: a table of what the run's window has in it.
QUARANTINED = "quarantined"


@dataclass
class Rows:
    """Numbers of rows, of one table or of several."""

    read: int = 0
    new: int = 0
    deleted: int = 0
    quarantined: int = 0
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
    """What became of the rows of a run, table by table (`erp.customer`)."""

    tables: dict[str, Rows] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

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
        if READ in metadata and NEW in metadata:
            names = {"read": READ, "new": NEW, "deleted": DELETED, "outside": OUTSIDE}
            counted = {
                name: int(metadata[each].value or 0) for name, each in names.items() if each in metadata
            }
            table = table_name(key)
            self.tables[table] = self.tables.get(table, Rows()) + Rows(**counted)

    def refuse(self, key: dg.AssetKey, why: str) -> None:
        """A table of which something was refused: all of it, a file, or rows."""
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

    Their amount is what the table's `meta.amount` says, in the table's own currency.
    """
    changed = _in(CHANGED_AT, window)
    reasons = execute(
        f"select model_name, reason, count(*) from {relation} where {changed} group by 1, 2 order by 1, 2"
    )
    sources = sources_of(manifest, {model for model, *_ in reasons})
    amounts = _amounts(sources, _keys_of(manifest), window, relation, execute)
    found = []
    for model, reason, rows in reasons:
        amount = amounts.get((model, reason))
        table = f"{sources[model].system}.{sources[model].name}"
        found.append(Quarantined(table, reason, int(rows), Decimal(amount) if amount else None))
    return found


def _amounts(
    sources: Mapping[str, SourceTable],
    keys: Mapping[str, Sequence[str]],
    window: Window,
    relation: str,
    execute: Execute,
) -> Mapping[tuple[str, str], str]:
    """The amounts by model and reason, in one query over the tables that have some."""
    queries = [
        f"""
        select quarantine.model_name, quarantine.reason, cast(sum(newest.amount) as varchar)
        from {relation} as quarantine
        inner join ({_newest(table, keys[model], window)}) as newest on newest.row_key = quarantine.row_key
        where quarantine.model_name = '{model}' and {_in(f"quarantine.{CHANGED_AT}", window)}
        group by 1, 2
        """
        for model, table in sources.items()
        if table.amount
    ]
    if not queries:
        return {}
    return {(model, reason): amount or "" for model, reason, amount in execute(" union all ".join(queries))}


def _newest(table: SourceTable, key: Sequence[str], window: Window) -> str:
    """The newest versions. `key` is what the staging model calls the key, as quarantine writes it."""
    # The key as text, and the newest version, as dbt_project/macros/staging.sql has them.
    row_key = " || ', ' || ".join(
        f"'{name}=' || cast({column} as varchar)" for name, column in zip(key, table.primary_key, strict=True)
    )
    return f"""
        select {row_key} as row_key, {table.amount} as amount
        from {table.schema}.{table.name}
        where {_in(CHANGED_AT, window)} and {DELETED_AT} is null
        qualify row_number() over (
            partition by {", ".join(table.primary_key)}
            order by {MODIFIED_AT} desc nulls last, {LOADED_AT} desc, {ROW_HASH}
        ) = 1
    """


def _in(column: str, window: Window) -> str:
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


def _keys_of(manifest: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """The names of each model's key."""
    nodes = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return {
        node["name"]: [key] if isinstance(key, str) else key
        for node in nodes
        if (key := node["config"].get("unique_key"))
    }


def _source(manifest: Mapping[str, Any], unique_id: str) -> str:
    """The first source on the way up from a model."""
    parents: Sequence[str] = [unique_id]
    while not any(each.startswith("source.") for each in parents):
        parents = [parent for each in parents for parent in manifest["nodes"][each]["depends_on"]["nodes"]]
    return next(each for each in parents if each.startswith("source."))
