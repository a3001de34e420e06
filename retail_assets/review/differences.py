"""How the tables of two DuckDB files differ: columns, rows by their keys, sums by day, with examples.

All of it is computed in DuckDB, which may put what does not fit into memory on disk.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from retail_assets.verification.comparison import LAYERS, OF_THE_CLOCK

EXAMPLES = 3
DAYS = 14
_NUMBERS = ("DECIMAL", "DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT", "SMALLINT", "TINYINT")
# Numbers that are names: nobody adds them up.
_NAMES = ("_id", "_key", "_hash", "_number", "_year", "_month", "latitude", "longitude")

Columns = Mapping[str, str]
"""Types by name."""


@dataclass(frozen=True)
class Sum:
    """The sum of a column, before and after."""

    column: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Day:
    """A day on which rows differ, with the sums that do."""

    day: Any
    rows_before: int
    rows_after: int
    sums: Sequence[Sum]


@dataclass(frozen=True)
class Example:
    """A row by its key, and what became of its values; no values of one that came or went."""

    key: Mapping[str, Any]
    what: str
    values: Sequence[Sum] = ()


@dataclass
class TableDifference:
    """A table that is not the same."""

    table: str
    is_new: bool = False
    is_gone: bool = False
    added: Columns = field(default_factory=dict)
    dropped: Columns = field(default_factory=dict)
    retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rows_before: int = 0
    rows_after: int = 0
    changed_rows: int = 0
    added_rows: int = 0
    removed_rows: int = 0
    sums: Sequence[Sum] = ()
    day_column: str = ""
    days: Sequence[Day] = ()
    more_days: int = 0
    examples: Sequence[Example] = ()

    @property
    def has_other_columns(self) -> bool:
        return bool(self.is_new or self.is_gone or self.added or self.dropped or self.retyped)

    @property
    def has_other_rows(self) -> bool:
        return bool(self.changed_rows or self.added_rows or self.removed_rows)

    def __bool__(self) -> bool:
        return self.has_other_columns or self.has_other_rows


@dataclass(frozen=True)
class Compared:
    """What came of a comparison."""

    tables: int
    differences: Sequence[TableDifference]


def compared(before: Path, after: Path, keys: Mapping[str, Sequence[str]]) -> Compared:
    """Two warehouses. `keys` are expressions that name a row, by table; without, all of its columns do."""
    with duckdb.connect() as connection:
        for name, path in (("before", before), ("after", after)):
            connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")
        ours, theirs = _tables(connection, "after"), _tables(connection, "before")
        names = sorted({*ours, *theirs})
        found = [
            _Table(connection, name, theirs.get(name, {}), ours.get(name, {}), keys.get(name, ())).compare()
            for name in names
        ]
    return Compared(len(names), [each for each in found if each])


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> Mapping[str, Columns]:
    """The tables of all layers with their columns, but for notes and the times of loading."""
    found: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(f"""
        select schema_name, table_name, column_name, data_type
        from duckdb_columns() where database_name = '{database}'
        and (schema_name, table_name) in (
            select (schema_name, table_name) from duckdb_tables() where database_name = '{database}'
        )
        order by schema_name, table_name, column_index
    """).fetchall():
        is_passing = schema.startswith("raw_") and schema.endswith("_staging")
        is_note = table.startswith("_") or column in OF_THE_CLOCK
        if schema.startswith(LAYERS) and not is_passing and not is_note:
            found.setdefault(f"{schema}.{table}", {})[column] = kind
    return found


class _Table:
    """One table in both files."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        before: Columns,
        after: Columns,
        key: Sequence[str],
    ):
        self._connection = connection
        self._name = name
        self._before = before
        self._after = after
        self._key = key

    def compare(self) -> TableDifference:
        found = TableDifference(self._name, is_new=not self._before, is_gone=not self._after)
        found.rows_before = self._count("before") if self._before else 0
        found.rows_after = self._count("after") if self._after else 0
        if found.is_new or found.is_gone:
            return found
        found.added = {name: kind for name, kind in self._after.items() if name not in self._before}
        found.dropped = {name: kind for name, kind in self._before.items() if name not in self._after}
        found.retyped = {
            name: (kind, self._after[name])
            for name, kind in self._before.items()
            if name in self._after and self._after[name] != kind
        }
        if self._common and self._differ():
            self._describe(found)
        return found

    @cached_property
    def _common(self) -> Sequence[str]:
        return [name for name in self._after if name in self._before]

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        """Expressions that name a row, by the names that they are shown under."""
        columns = {*self._common}
        known = {self._label(each): each for each in self._key if self._is_of(each, columns)}
        return known or {name: _quoted(name) for name in self._common}

    def _label(self, expression: str) -> str:
        """The columns of an expression, in short."""
        words = re.findall(r"\w+", expression)
        return ", ".join(name for name in self._common if name in words)

    def _is_of(self, expression: str, columns: set[str]) -> bool:
        """Whether an expression can be computed from the columns that both have."""
        if expression.strip('"') in columns:
            return True
        try:
            names = ", ".join(map(_quoted, sorted(columns)))
            self._connection.execute(
                f"select {expression} from (select {names} from after.{self._name}) limit 0"
            )
            return True
        except duckdb.Error:
            return False

    @cached_property
    def _measures(self) -> Sequence[str]:
        return [
            name
            for name in self._common
            if self._after[name].startswith(_NUMBERS)
            and self._before[name].startswith(_NUMBERS)
            and not name.endswith(_NAMES)
            and not name.startswith("_")
            and name not in self._keys
        ]

    @cached_property
    def _day(self) -> str:
        """The column of a row's day: the first date, or time, of its key if there is one."""
        for kind in ("DATE", "TIMESTAMP"):
            for names in (self._keys, self._common):
                for name in names:
                    if self._after.get(name, "").startswith(kind) and not name.startswith("_"):
                        return name
        return ""

    def _count(self, side: str) -> int:
        ((count,),) = self._ask(f"select count(*) from {side}.{self._name}")
        return int(count)

    def _differ(self) -> bool:
        """By a sum of hashes, which is quick."""
        row = ", ".join(map(_quoted, self._common))
        sums = {
            self._ask(f"select count(*), sum(hash({row})::hugeint) from {side}.{self._name}")[0]
            for side in ("before", "after")
        }
        return len(sums) > 1

    def _describe(self, found: TableDifference) -> None:
        row = ", ".join(map(_quoted, self._common))
        for name, one, other in (("gone", "before", "after"), ("come", "after", "before")):
            self._connection.execute(f"""
                create or replace temp table {name} as
                select {row} from {one}.{self._name} except all select {row} from {other}.{self._name}
            """)
        key = " and ".join(
            f"gone.key_{number} is not distinct from come.key_{number}" for number, _ in enumerate(self._keys)
        )
        for name in ("gone", "come"):
            keys = ", ".join(f"{each} as key_{number}" for number, each in enumerate(self._keys.values()))
            self._connection.execute(
                f"create or replace temp table {name}_keys as select {keys}, * from {name}"
            )
        self._pairs = f"from gone_keys as gone inner join come_keys as come on {key}"
        counts = [
            f"(select count(*) from {one}_keys as {one}"
            f" where exists (select 1 from {other}_keys as {other} where {key}))"
            for one, other in (("gone", "come"), ("come", "gone"))
        ]
        ((gone, come, *changed),) = self._ask(
            f"select (select count(*) from gone), (select count(*) from come), {', '.join(counts)}"
        )
        if gone == come == 0:
            return
        found.changed_rows = min(changed)
        found.removed_rows, found.added_rows = gone - found.changed_rows, come - found.changed_rows
        found.sums = [each for each in self._sums("before", "after") if each.before != each.after]
        if self._day:
            found.day_column = self._day
            every = list(self._days())
            found.days, found.more_days = every[:DAYS], max(0, len(every) - DAYS)
        found.examples = list(self._examples(key))

    def _sums(self, before: str, after: str) -> Iterator[Sum]:
        if not self._measures:
            return
        sums = ", ".join(f"sum({_quoted(name)})" for name in self._measures)
        ((*ours,),) = self._ask(f"select {sums} from {after}.{self._name}")
        ((*theirs,),) = self._ask(f"select {sums} from {before}.{self._name}")
        for name, one, other in zip(self._measures, theirs, ours, strict=True):
            yield Sum(name, *_same(one, other))

    def _days(self) -> Iterator[Day]:
        """The newest first."""
        day = f"cast({_quoted(self._day)} as date)"
        sums = "".join(f", sum({_quoted(name)})" for name in self._measures)
        touched = f"select {day} from gone union select {day} from come"
        found = {
            side: {
                each: values
                for each, *values in self._ask(f"""
                    select {day}, count(*){sums} from {side}.{self._name}
                    where {day} in ({touched}) group by 1
                """)
            }
            for side in ("before", "after")
        }
        nothing = [0, *[None] * len(self._measures)]
        for each in sorted({*found["before"], *found["after"]}, reverse=True):
            one, other = found["before"].get(each, nothing), found["after"].get(each, nothing)
            pairs = (
                Sum(name, *_same(*values))
                for name, *values in zip(self._measures, one[1:], other[1:], strict=True)
            )
            yield Day(each, one[0], other[0], [pair for pair in pairs if pair.before != pair.after])

    def _examples(self, key: str) -> Iterator[Example]:
        others = [name for name in self._common if name not in self._keys]
        keys = ", ".join(f"come.key_{number}" for number, _ in enumerate(self._keys))
        order = ", ".join(str(number) for number, _ in enumerate(self._keys, start=1))
        values = "".join(f", gone.{_quoted(name)}, come.{_quoted(name)}" for name in others)
        for row in self._ask(f"select {keys}{values} {self._pairs} order by {order} limit {EXAMPLES}"):
            named = dict(zip(self._keys, row, strict=False))
            rest = row[len(self._keys) :]
            pairs = zip(others, rest[::2], rest[1::2], strict=True)
            yield Example(
                named, "changed", [Sum(name, one, other) for name, one, other in pairs if one != other]
            )
        for name, other, what in (("gone", "come", "removed"), ("come", "gone", "added")):
            keys = ", ".join(f"{name}.key_{number}" for number, _ in enumerate(self._keys))
            for row in self._ask(f"""
                select {keys} from {name}_keys as {name}
                where not exists (select 1 from {other}_keys as {other} where {key})
                order by {order} limit {EXAMPLES}
            """):
                yield Example(dict(zip(self._keys, row, strict=True)), what)

    def _ask(self, query: str) -> list[Any]:
        return self._connection.execute(query).fetchall()


def _same(one: Any, other: Any) -> tuple[Any, Any]:
    """Sums of doubles, whose last digits come of the order in which they were added, as one value."""
    is_double = isinstance(one, float) and isinstance(other, float)
    if is_double and abs(one - other) <= 1e-9 * max(abs(one), abs(other)):
        return one, one
    return one, other


def _quoted(name: str) -> str:
    return f'"{name}"'
