"""Refused rows: rows that cannot be loaded into raw, kept in `raw_<system>._refused_rows`.

`versions_sql` gives every row of a reading; if a value is not of the contract's type, the column `_refused`
has the reason and the value. `sifted` takes such rows out of the batches. `settle` updates the table of
refused rows, and raw, after a reading. A row that is refused again is the same refusal; if it was corrected,
or is gone, the refusal is closed (`_deleted_at`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceTable,
)
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.versions import REFUSED, is_later, stored_key, timestamp
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "_refused_rows"
# If a reading refuses more rows of a table than this, the table as a whole is refused.
MOST_ROWS = 100_000
# If all rows of a table are refused, and there are at least so many, the table as a whole is refused.
MANY = 20
ROWS_AT_ONCE = 500
DUPLICATE = (
    "another row has the same key, and counts: the one that changed last, or else has the greater values,"
    " column by column"
)

# The columns of `_refused_rows`: the contract's table and the key, what is wrong, and when it changed and was
# seen.
COLUMNS = {
    "table_name": "varchar",
    # As quarantine writes it: `order_id=1, line=2`; null without a key; personal data as a hash.
    "row_key": "varchar",
    "column_name": "varchar",  # what is wrong is in; null if it is the row as a whole
    "value": "varchar",  # at most 100 characters; null for personal data
    "reason": "varchar",
    "amount": "decimal(38,6)",  # of the column that the contract marks as the row's amount, if it can be read
    "origin": "varchar",  # the file's path; null for a database
    ROW_HASH: "bigint",  # of the row as the source has it
    MODIFIED_AT: "timestamp",  # the row's own time of change; null if that cannot be read
    CHANGED_AT: "timestamp",  # within the window that saw it first
    LOADED_AT: "timestamp",
    DELETED_AT: "timestamp",  # start of the window that found it mended or gone; null while it is refused
}


@dataclass(frozen=True)
class Refusal:
    """A row that was refused, as `_refused_rows` has it."""

    table_name: str
    row_key: str | None
    column_name: str | None
    value: str | None
    reason: str
    amount: Decimal | None
    origin: str | None
    row_hash: int
    modified_at: datetime | None
    changed_at: datetime
    loaded_at: datetime

    @property
    def is_lost(self) -> bool:
        """Whether the row's data is lost. A row in which no column is wrong was refused as a duplicate, and
        another row of the same key counts."""
        return self.column_name is not None or self.row_key is None


@dataclass(frozen=True)
class Summary:
    """Rows that are refused for one reason: how many, and one of them."""

    table_name: str
    column_name: str | None
    reason: str
    rows: int
    amount: Decimal | None
    row_key: str | None
    value: str | None
    origin: str | None


@dataclass
class Refusals:
    """What one reading of a system refused, by table."""

    by_table: dict[str, list[Refusal]] = field(default_factory=dict)

    def of(self, table: SourceTable) -> Sequence[Refusal]:
        """The table's refused rows of this reading."""
        return self.by_table.get(table.name, ())

    def add(self, table: SourceTable, refused: Iterable[Refusal]) -> None:
        """Keep rows that were found to be refused after they were loaded."""
        self.by_table.setdefault(table.name, []).extend(refused)

    def sifted(self, table: SourceTable, batches: "Iterable[pa.Table]") -> "Iterator[pa.Table]":
        """The batches without their refused rows, which are kept here.

        Raises `SourceError` if there are more than `MOST_ROWS`.
        """
        for batch in batches:
            if REFUSED not in batch.column_names:
                yield batch
                continue
            refused = batch.column(REFUSED)
            if refused.null_count < batch.num_rows:
                self._keep(table, batch.filter(refused.is_valid()))
                batch = batch.filter(refused.is_null())
            yield batch.drop_columns([REFUSED])

    def _keep(self, table: SourceTable, rows: "pa.Table") -> None:
        kept = self.by_table.setdefault(table.name, [])
        for row in rows.select([REFUSED, ROW_HASH, MODIFIED_AT, CHANGED_AT, LOADED_AT]).to_pylist():
            added = {name.removeprefix("_"): value for name, value in row.items() if name != REFUSED}
            kept.append(Refusal(table.name, **row[REFUSED], **added))
        if len(kept) > MOST_ROWS:
            raise SourceError(
                f"{table.system}: more than {MOST_ROWS:,} rows of {table.source_table} cannot be read, such"
                f" as {described(kept[0])}. Nothing of the table was loaded and what was there stays. Mend"
                " the column at the source, or its type in _sources.yml."
            )


def create_table(schema: str, execute: Execute) -> None:
    """Create the schema's table of refusals."""
    columns = ", ".join(f"{name} {data_type}" for name, data_type in COLUMNS.items())
    execute(f"create table if not exists {schema}.{TABLE} ({columns})")


def has_refusals(schema: str, execute: Execute) -> set[str]:
    """The tables with open refusals."""
    return {name for (name,) in execute(f"select distinct table_name from {schema}.{TABLE} where {_open()}")}


def times_of(schema: str, at_most: int, execute: Execute) -> Mapping[str, Sequence[datetime]]:
    """The times of change of the rows with open refusals, by table: the oldest `at_most` ones of each."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for name, moment in execute(f"""
        select table_name, {MODIFIED_AT}
        from {schema}.{TABLE}
        where {_open()} and {MODIFIED_AT} is not null
        group by table_name, {MODIFIED_AT}
        qualify row_number() over (partition by table_name order by {MODIFIED_AT}) <= {at_most}
    """):
        found[name].append(moment.replace(tzinfo=UTC))
    return found


def settle(
    refusals: Refusals,
    table: SourceTable,
    window: Window,
    read_again: str,
    *,
    is_current: bool,
    execute: Execute,
) -> None:
    """Update a table's refusals after a reading.

    `read_again` is a condition on `_refused_rows`: the refused rows that the reading would have met again.
    `is_current`: rows are read as they are now, as from a database, and not as of an earlier day, as from an
    old file. A version in raw that is older than a refused one of the same key is outdated: it is marked as
    deleted, so that no row is both staged and refused.

    Every statement is idempotent. If a run is killed between two of them, the next one completes the work.
    """
    now = refusals.of(table)
    _add(table, now, window, execute)
    start = timestamp(window.start)
    raw, refused = f"{table.schema}.{table.name}", f"{table.schema}.{TABLE}"
    is_open = f"refused.table_name = {text(table.name)} and refused.{DELETED_AT} is null"
    seen = f" and {ROW_HASH} not in ({_hashes(now)})" if now else ""
    execute(
        f"update {refused} as refused set {DELETED_AT} = {start} where {is_open} and ({read_again}){seen}"
    )
    same_key = f"{stored_key(table, 'raw')} = refused.row_key"
    if not is_current:
        execute(f"""
            update {refused} set {DELETED_AT} = {start}
            where table_name = {text(table.name)} and {DELETED_AT} is null and {ROW_HASH} in (
                select refused.{ROW_HASH}
                from {refused} as refused
                inner join {raw} as raw on {same_key}
                where {is_open} and raw.{DELETED_AT} is null and {is_later("raw", "refused")}
            )
        """)
    version = [*table.primary_key, ROW_HASH]
    is_older = f"raw.{LOADED_AT} < refused.{LOADED_AT}" if is_current else is_later("refused", "raw")
    execute(f"""
        update {raw} set {DELETED_AT} = {start}
        where {DELETED_AT} is null and ({", ".join(version)}) in (
            select {", ".join(f"raw.{name}" for name in version)}
            from {raw} as raw
            inner join {refused} as refused on {same_key}
            where {is_open} and raw.{DELETED_AT} is null
                and refused.column_name is not null and {is_older}
        )
    """)


def summaries(schema: str, execute: Execute) -> Sequence[Summary]:
    """The open refusals, by table and reason."""
    return [
        Summary(*row)
        for row in execute(f"""
            with counted as (
                select
                    *,
                    count(*) over (partition by table_name, column_name, reason) as row_count,
                    sum(amount) over (partition by table_name, column_name, reason) as amount_in_all,
                    row_number() over (
                        partition by table_name, column_name, reason
                        order by {LOADED_AT} desc nulls last, origin, {ROW_HASH}
                    ) as place
                from {schema}.{TABLE}
                where {_open()}
            )
            select
                table_name, column_name, reason, row_count, amount_in_all, row_key, value, origin
            from counted
            where place = 1
            order by table_name, row_count desc nulls last, column_name, reason
        """)
    ]


def chunks(refusals: Sequence[Refusal]) -> Iterator[Sequence[Refusal]]:
    """The refusals in parts that fit into one statement."""
    return (refusals[start : start + ROWS_AT_ONCE] for start in range(0, len(refusals), ROWS_AT_ONCE))


def _open() -> str:
    return f"{DELETED_AT} is null"


def _hashes(refusals: Iterable[Refusal]) -> str:
    return ", ".join(str(each.row_hash) for each in refusals)


def _add(table: SourceTable, refusals: Sequence[Refusal], window: Window, execute: Execute) -> None:
    """Add new refusals, and reopen those of rows that were corrected and are wrong again in the same way."""
    if not refusals:
        return
    name = f"{table.schema}.{TABLE}"
    mine = f"table_name = {text(table.name)}"
    for part in chunks(refusals):
        some = {each.row_hash: each for each in part}
        known = f"{mine} and {ROW_HASH} in ({_hashes(some.values())})"
        known_hashes = {row_hash for (row_hash,) in execute(f"select {ROW_HASH} from {name} where {known}")}
        execute(f"""
            update {name} set
                {DELETED_AT} = null,
                {CHANGED_AT} = {timestamp(window.start)},
                {LOADED_AT} = {timestamp(next(iter(some.values())).loaded_at)}
            where {known} and {DELETED_AT} is not null
        """)
        new = [each for row_hash, each in some.items() if row_hash not in known_hashes]
        if new:
            execute(f"insert into {name} ({', '.join(COLUMNS)}) values {', '.join(map(_values, new))}")


def _values(refusal: Refusal) -> str:
    values: list[Any] = [
        refusal.table_name,
        refusal.row_key,
        refusal.column_name,
        refusal.value,
        refusal.reason,
        refusal.amount,
        refusal.origin,
        refusal.row_hash,
        refusal.modified_at,
        refusal.changed_at,
        refusal.loaded_at,
        None,
    ]
    return f"({', '.join(map(_literal, values))})"


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return text(value)
    if isinstance(value, datetime):
        return timestamp(value)
    return str(value)


def described(refused: Refusal | Summary) -> str:
    """Why, with the value, the row's key, and where it stands."""
    holds = f"{refused.value!r}: " if refused.value is not None else ""
    where = f"in {refused.origin}" if refused.origin else ""
    row = ", ".join(filter(None, [refused.row_key or "a row without a key", where]))
    return f"{holds}{refused.reason} ({row})"
