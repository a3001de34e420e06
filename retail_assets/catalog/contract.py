"""The source contract: which tables and columns are ingested, as declared in the dbt project's `sources`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

# What raw adds to a source's columns.
MODIFIED_AT = "_modified_at"  # the row's own time of change, as `modified` says; null where there is none
CHANGED_AT = "_changed_at"  # when the version counts as changed; always in the window that first saw it
LOADED_AT = "_loaded_at"  # when it was read; files of one reading in the order in which they were written
ROW_HASH = "_row_hash"  # hash of all the source's columns: equal rows are the same version
DELETED_AT = "_deleted_at"  # start of the window that found the row deleted; null while it is there

ADDED_COLUMNS = {
    MODIFIED_AT: "timestamp",
    CHANGED_AT: "timestamp",
    LOADED_AT: "timestamp",
    ROW_HASH: "bigint",
    DELETED_AT: "timestamp",
}

_LARGEST_AMOUNT = "100000000000000"

# A column's `without` begins like this if no model reads it, or if another column has the same information.
NOTHING_LOST = "nothing is lost"

# The type of key columns in raw, by the kind of a system's keys.
KEY_TYPES = {"number": "bigint", "text": "varchar"}

_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")


@dataclass(frozen=True)
class SourceColumn:
    """A column of a source table, by its name in raw."""

    name: str
    data_type: str
    description: str
    pii: bool
    source_column: str | None = None
    limits: tuple[str, str] | None = None
    without: str = ""  # what is lost if a source does not have the column; empty if the column is required
    default: str | None = None  # the column's value then; None: null
    is_key: bool = False  # identifies something: text in a system whose keys are text
    references: str | None = None  # the table that it refers to
    is_time: bool = False  # when the event happened that the row records
    is_quantity: bool = False  # a number of pieces, or of another unit of sale
    is_email: bool = False  # an e-mail address, by which a person is found

    @property
    def is_required(self) -> bool:
        """Whether a table without the column cannot be loaded."""
        return not self.without

    @property
    def bounds(self) -> tuple[str, str] | None:
        """The least and the greatest plausible value, if there are bounds: the contract's, or the type's.

        A quantity or price beyond them would overflow in calculations. A date far from all others would make
        every table with a row per day far too long.
        """
        decimal = _DECIMAL.fullmatch(self.data_type)
        if self.limits or not decimal:
            return self.limits
        digits = int(decimal[1]) - int(decimal[2])
        return (f"-{_LARGEST_AMOUNT}", _LARGEST_AMOUNT) if digits >= len(_LARGEST_AMOUNT) else None

    @property
    def arrow_type(self) -> "pa.DataType":
        return _arrow_type(self.data_type)

    @property
    def source_name(self) -> str:
        """The column's name in the source, in snake_case."""
        return snake_case(self.source_column or self.name)


def snake_case(name: str) -> str:
    """`SalesOrderID` is `sales_order_id`: how raw names a source's columns."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


class Names:
    """The names in a source, to be looked up by the contract's spelling.

    `sales_order_id` matches itself, else `SalesOrderID`, else a name that differs in case, spaces or
    underscores (`salesorderid`, `Sales Order ID`). The closest spelling wins.
    """

    def __init__(self, names: Iterable[str]):
        self._exact = exact = list(names)
        folded = {_folded(name): name for name in reversed(exact)}
        self._found = folded | {snake_case(name.strip()): name for name in exact} | {n: n for n in exact}

    def has(self, name: str) -> bool:
        """Whether the source has a name in exactly this spelling."""
        return name in self._exact

    def find(self, wanted: str) -> str | None:
        """The name as the source writes it, or None."""
        found = self._found
        return found.get(wanted) or found.get(snake_case(wanted)) or found.get(_folded(wanted))

    def rivals(self, wanted: str) -> Sequence[str]:
        """All names whose spelling is as close as that of the one found, if there are several.

        `SubTotal` and `Sub_Total` may both be `sub_total`: nobody but the source's owner knows which.
        """
        found = self.find(wanted)
        if found is None or found == wanted:
            return []
        alike = (lambda name: snake_case(name.strip()), _folded)
        for spelling in alike:
            if spelling(found) == spelling(wanted):
                rivals = [name for name in self._exact if spelling(name) == spelling(wanted)]
                return rivals if len(rivals) > 1 else []
        return []


def _folded(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _arrow_type(data_type: str) -> "pa.DataType":
    # Not at the top: the definitions load often, and need no Arrow.
    import pyarrow as pa

    decimal = _DECIMAL.fullmatch(data_type)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    types = {
        "bigint": pa.int64(),
        "varchar": pa.string(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us"),
        "date": pa.date32(),
        "double": pa.float64(),
    }
    return types[data_type]


@dataclass(frozen=True)
class SourceTable:
    """A table that the deployment ingests, as `_sources.yml` declares it."""

    system: str
    kind: Literal["sql", "files"]
    name: str
    schema: str
    source_table: str
    description: str
    primary_key: tuple[str, ...]
    modified: tuple[str, ...]
    load: Literal["window", "snapshot"]
    columns: tuple[SourceColumn, ...]
    parent: str | None
    unique_id: str
    amount: str | None = None
    without: str = ""  # what is lost if a source does not have the table
    is_optional: bool = False  # few sources have it: no warning if it is missing
    is_irregular: bool = False  # rows come at times, such as while offers run: no day expects any
    timezone: str | None = None  # of times that name no zone, if it differs from the system's
    absent: frozenset[str] = frozenset()  # columns that this source does not have
    person: str | None = None  # how the consumer keys of its rows begin, if each describes a person; or empty
    unless: str | None = None  # a column: rows in which it says something describe no person

    @property
    def full_name(self) -> str:
        """The table's name among those of all systems."""
        return f"{self.system}.{self.name}"

    @property
    def time(self) -> str | None:
        """The column with the time of the event that a row records, if this source has it."""
        return next(
            (each.name for each in self.columns if each.is_time and each.name not in self.absent), None
        )

    @property
    def arrow_schema(self) -> "pa.Schema":
        """The source's columns, without those that raw adds."""
        import pyarrow as pa

        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    @property
    def raw_schema(self) -> "pa.Schema":
        """The raw table's columns."""
        import pyarrow as pa

        added = (pa.field(name, _arrow_type(data_type)) for name, data_type in ADDED_COLUMNS.items())
        required = {*self.primary_key, ROW_HASH}
        return pa.schema(
            [field.with_nullable(field.name not in required) for field in (*self.arrow_schema, *added)]
        )

    @property
    def deletes_are_seen(self) -> bool:
        """Whether a row that is missing from a reading is known to be deleted."""
        return self.load == "snapshot" or self.parent is not None


def _limits(bounds: Sequence[Any] | None) -> tuple[str, str] | None:
    if bounds is None:
        return None
    least, greatest = map(str, bounds)
    return least, greatest


def source_tables(manifest: Mapping[str, Any], system: str) -> Sequence[SourceTable]:
    """The tables of a system, parents before their children."""
    tables = [_table(node) for node in manifest["sources"].values() if node["source_name"] == system]
    return sorted(tables, key=lambda table: (table.parent is not None, table.name))


def _table(node: Mapping[str, Any]) -> SourceTable:
    meta = {**node["source_meta"], **node["config"]["meta"]}
    modified = meta.get("modified", [])
    return SourceTable(
        system=node["source_name"],
        kind=meta["kind"],
        name=node["name"],
        schema=node["schema"],
        source_table=meta["source_table"],
        description=node["description"],
        primary_key=tuple(meta["primary_key"]),
        modified=(modified,) if isinstance(modified, str) else tuple(modified),
        load=meta["load"],
        columns=tuple(_column(column, meta.get("bounds", {})) for column in node["columns"].values()),
        parent=meta.get("parent"),
        unique_id=node["unique_id"],
        amount=meta.get("amount"),
        without=meta.get("without", {}).get(node["name"], ""),
        is_optional=bool(meta.get("optional")),
        is_irregular=bool(meta.get("irregular")),
        person=meta.get("person"),
        unless=meta.get("unless"),
    )


def _column(column: Mapping[str, Any], bounds: Mapping[str, Any]) -> SourceColumn:
    meta = column["config"].get("meta", {})
    default = meta.get("default")
    return SourceColumn(
        name=column["name"],
        data_type=column["data_type"],
        description=column["description"],
        pii=bool(meta.get("pii")),
        source_column=meta.get("source_column"),
        limits=_limits(bounds.get(column["name"])),
        without=meta.get("without", ""),
        default=None if default is None else str(default),
        is_key=bool(meta.get("key") or meta.get("references")) and column["data_type"] == KEY_TYPES["number"],
        references=meta.get("references"),
        is_time=bool(meta.get("time")),
        is_quantity=bool(meta.get("quantity")),
        is_email=meta.get("pii") == "email",
    )
