"""Rows that cannot become rows of raw, each set aside by itself: `raw_<system>._refused_rows`.

`versions_sql` gives every row of a reading; of a row that cannot be one of the contract's types the
column `_refused` says why, and what was there instead. `sifted` takes such rows out of the batches;
`settle` brings the table of refusals, and raw, up to date with what the reading found. The same row
refused again is the same refusal; one that was mended, or is gone, is a refusal no more (`_deleted_at`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from retail_assets.catalog.contract import (
    CHANGED_AT,
    DELETED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ROW_HASH,
    SourceTable,
)
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.versions import REFUSED, is_later, key_sql, text, timestamp
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

TABLE = "_refused_rows"
# Rows are refused one by one up to so many of a table in one reading: more are no matter of rows.
MOST_ROWS = 100_000
# A table of which so many rows are read, and all are refused, is refused.
MANY = 20
ROWS_AT_ONCE = 500

# Of a refused row: what the contract's table and key are, what is wrong, and when it changed and was seen.
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
        """Whether nothing counts in the row's place. One with a key in which no column is wrong was refused
        for another row of the same key, which does."""
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

    def sifted(self, table: SourceTable, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The batches without the rows that are refused, which are kept here.

        Raises `SourceError` if there are too many for a matter of rows.
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

    def _keep(self, table: SourceTable, rows: pa.Table) -> None:
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
    """The tables of which rows are refused at present."""
    return {name for (name,) in execute(f"select distinct table_name from {schema}.{TABLE} where {_open()}")}


def times_of(schema: str, at_most: int, execute: Execute) -> Mapping[str, Sequence[datetime]]:
    """When the rows changed that are refused at present, by table; of each the oldest ones."""
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
    """Bring a table's refusals up to date with a reading.

    `read_again` is a condition on `_refused_rows`: the refusals that the reading would have found again.
    `is_current` says whether the reading tells how its rows are now, as a database does, and not how they
    were, as an old file does. A version in raw that is older than a refused one of the same key is not what
    the source says any more: it is marked as deleted, so that no row is both staged and refused.

    Each statement may be run again; a reading that is cut off after any of them is made good by the next.
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
    same_key = f"{key_sql(table, lambda name: f'cast(raw.{name} as varchar)')} = refused.row_key"
    if not is_current:
        execute(f"""
            update {refused} as refused set {DELETED_AT} = {start}
            where {is_open} and exists (
                select 1 from {raw} as raw
                where raw.{DELETED_AT} is null and {same_key} and {is_later("raw", "refused")}
            )
        """)
    is_older = f"raw.{LOADED_AT} < refused.{LOADED_AT}" if is_current else is_later("refused", "raw")
    execute(f"""
        update {raw} as raw set {DELETED_AT} = {start}
        where raw.{DELETED_AT} is null and exists (
            select 1 from {refused} as refused
            where {is_open} and refused.column_name is not null and {same_key} and {is_older}
        )
    """)


def summaries(schema: str, execute: Execute) -> Sequence[Summary]:
    """What is refused at present, by table and reason."""
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
                        order by {LOADED_AT} desc, origin, {ROW_HASH}
                    ) as place
                from {schema}.{TABLE}
                where {_open()}
            )
            select
                table_name, column_name, reason, row_count, amount_in_all, row_key, value, origin
            from counted
            where place = 1
            order by table_name, row_count desc, column_name, reason
        """)
    ]


def chunks(refusals: Sequence[Refusal]) -> Iterator[Sequence[Refusal]]:
    """As many at a time as one statement names."""
    return (refusals[start : start + ROWS_AT_ONCE] for start in range(0, len(refusals), ROWS_AT_ONCE))


def _open() -> str:
    return f"{DELETED_AT} is null"


def _hashes(refusals: Iterable[Refusal]) -> str:
    return ", ".join(str(each.row_hash) for each in refusals)


def _add(table: SourceTable, refusals: Sequence[Refusal], window: Window, execute: Execute) -> None:
    """Add those that are not known. A row that was mended and is wrong again as before is refused again."""
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
