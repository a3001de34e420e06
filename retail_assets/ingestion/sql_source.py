"""Reading tables of a SQL database as Arrow, whatever the database.

SQLite is read through ADBC (sqlite.py); other databases through SQLAlchemy, in batches. Both give batches of
the types that the contract declares, with decimals exact and times in UTC. A row of which a value is none of
its type is given as a refused one.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from retail_assets.catalog.contract import MODIFIED_AT, SourceColumn, SourceTable, snake_case
from retail_assets.ingestion import databases, readings, refusals, sqlite
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.readings import Readings
from retail_assets.ingestion.reconciliation import counts_sql
from retail_assets.ingestion.scope import Range, Scope, condition, is_exact, scope_of, spans
from retail_assets.ingestion.source import BATCH_ROWS, Source
from retail_assets.ingestion.values import caster, kinds_of
from retail_assets.ingestion.versions import own_time, timestamp, versions_sql
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

# What DuckDB reads like a table.
_Rows: TypeAlias = pa.RecordBatch | pa.RecordBatchReader
# So many refused rows of other days are looked up again with every reading.
LOOKED_UP = 50
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class LocatedTable:
    """A contract's table as it was found in the database."""

    contract: SourceTable
    table: sa.Table

    @property
    def times(self) -> Sequence[sa.ColumnElement[Any]]:
        """The columns that tell when a row changed."""
        return [self.table.c[name] for name in self.contract.modified]


class SqlSource(Source):
    """One database of a source system."""

    is_current = True

    def __init__(
        self,
        system: str,
        url: str,
        *,
        zone: str = "UTC",
        overlap: timedelta = timedelta(),
        beginning: datetime | None = None,
    ):
        """`zone` is that of times which name none. Windows are read from `overlap` before their start on, and
        the one that starts at the retailer's `beginning` from the beginning of time on."""
        self.system = system
        self._url = url
        self._zone = zone
        self._overlap = overlap
        self._beginning = beginning
        self._engine = databases.engine_of(system, url)
        self._file = databases.file_of(url)
        self._duckdb = duckdb.connect()
        self._located: dict[str, LocatedTable] = {}
        self._readings: Mapping[str, Readings] = {}
        self._refused_at: Mapping[str, Sequence[datetime]] = {}

    def check(self) -> None:
        self._tables_of(None)

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        self._readings = readings.recall(schema, emptied, execute)
        self._refused_at = refusals.times_of(schema, LOOKED_UP, execute)

    def remember(
        self, tables: Sequence[SourceTable], missed: Sequence[SourceTable], window: Window, execute: Execute
    ) -> None:
        done, left_out = (
            [table.name for table in some if table.load == "window"] for some in (tables, missed)
        )
        if done or left_out:
            schema = next(iter([*tables, *missed])).schema
            readings.remember(schema, window, done, left_out, self._readings, execute)

    def locate(self, table: SourceTable) -> bool:
        schema, _, name = table.source_table.rpartition(".")
        for candidate in (schema or None, None):
            found = {_folded(each): each for each in self._tables_of(candidate)}
            if _folded(name) in found:
                self._located[table.name] = self._described(table, found[_folded(name)], candidate)
                return True
        return False

    def _tables_of(self, schema: str | None) -> list[str]:
        """All tables and views; none of a schema that is not there."""
        if self._file:
            databases.refuse_missing(self.system, self._file)
        try:
            actual = self._actual_schema(schema)
            if schema and not actual:
                return []
            views = self._inspector.get_view_names(schema=actual)
            if self._engine.dialect.name == "postgresql":
                views = [*views, *self._inspector.get_materialized_view_names(schema=actual)]
            return [*views, *self._inspector.get_table_names(schema=actual)]
        except sa.exc.SQLAlchemyError as error:
            raise databases.failure(self.system, self._url, error) from None

    @cached_property
    def _inspector(self) -> sa.Inspector:
        """It remembers what it has asked for."""
        return sa.inspect(self._engine)

    def _actual_schema(self, schema: str | None) -> str | None:
        """A schema's name as the database writes it."""
        if schema is None:
            return None
        return next(
            (each for each in self._inspector.get_schema_names() if each.lower() == schema.lower()), None
        )

    def _described(self, contract: SourceTable, name: str, schema: str | None) -> LocatedTable:
        schema = self._actual_schema(schema)
        there = self._inspector.get_columns(name, schema)
        by_name = {_folded(column["name"]): column for column in there}
        by_name |= {snake_case(column["name"]): column for column in there}
        columns, missing = [], []
        for column in contract.columns:
            found = by_name.get(column.source_name) or by_name.get(_folded(column.source_name))
            if found is None:
                missing.append(column.name)
                continue
            columns.append(sa.Column(found["name"], found["type"], key=column.name))
        if missing:
            raise SourceError(
                f"{self.system}: {contract.source_table} has changed: it has no column"
                f" {', '.join(missing)} any more. The table was not loaded and what was there"
                " stays. Restore the column, or take it out of _sources.yml and the models."
            )
        return LocatedTable(contract, sa.Table(name, sa.MetaData(), *columns, schema=schema))

    def finds_again(self, table: SourceTable, window: Window) -> str:
        # What changed on the days that were read, and what was looked up besides.
        return (
            "true" if table.load == "snapshot" else self._scope(table, window, datetime.now(UTC)).exact_sql()
        )

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        """The table's rows for the window, and of a `window` table those whose parent is in it."""
        located = self._located[table.name]
        yield table.raw_schema.empty_table()
        query, filter_ = sa.select(*located.table.columns), "true"
        try:
            if table.load == "window":
                scope = self._scope(table, window, loaded_at)
                query, filter_ = self._in_scope(query, located, scope)
            rows = self._rows(query, table.columns)
            yield from self._versioned(rows, table, window, loaded_at, filter_)
        except SourceError:
            raise
        except Exception as error:
            # Each driver has errors of its own.
            if databases.is_lost(error):
                raise databases.failure(self.system, self._url, error) from None
            raise SourceError(
                f"{self.system}: {table.source_table} ({table.name}) could not be read:"
                f" {databases.reason_of(error, self._url)}. Nothing of it was loaded and what was there"
                " stays; the next run tries it again."
            ) from error

    def days_read(self, table: SourceTable, window: Window) -> Sequence[Window]:
        known = self._readings.get(table.name, Readings())
        return readings.joined([*known.read, *known.missed, window])

    def count_by_day(self, table: SourceTable, days: Sequence[Window]) -> Sequence[int] | None:
        located = self._located.get(table.name)
        if located is None or table.load != "window":
            return None
        zone, dialect = self._zone, self._engine.dialect.name
        if is_exact(located.times, zone, dialect):
            return self._counted(located.times[0], days)
        columns = [column for column in table.columns if column.name in table.modified]
        query = sa.select(*(located.table.c[column.name] for column in columns))
        around = self._condition(Scope(((days[0].start, days[-1].end),)), located)
        totals = [0] * len(days)
        with self._session() as connection:
            for some in self._rows(query.where(around), columns):
                connection.register("given", some)
                cast = caster(kinds_of(some.schema), self._zone)
                casts = ", ".join(f'{cast(column)} as "{column.name}"' for column in columns)
                ((*counts,),) = connection.execute(f"""
                    with typed as (select {casts} from given)
                    select {counts_sql(days)} from (select {own_time(table)} as {MODIFIED_AT} from typed)
                """).fetchall()
                totals = [total + count for total, count in zip(totals, counts, strict=True)]
        return totals

    def _counted(self, time: sa.ColumnElement[Any], days: Sequence[Window]) -> Sequence[int]:
        """The counts as the database makes them itself."""

        def within(start: datetime, end: datetime) -> sa.ColumnElement[bool]:
            scope = Scope(((start, end),))
            changed = condition(scope, [time], self._zone, self._engine.dialect.name)
            return sa.and_(changed, time.is_not(None))

        counts = [sa.func.count(sa.case((within(*day), 1))) for day in days]
        query = sa.select(*counts).where(within(days[0].start, days[-1].end))
        with self._connected() as connection:
            return [int(count) for count in connection.execute(query).one()]

    def _scope(self, table: SourceTable, window: Window, loaded_at: datetime) -> Scope:
        is_first = self._beginning is not None and window.start <= self._beginning
        since = None if is_first else window.start - self._overlap
        missed = self._readings.get(table.name, Readings()).missed
        looked_up: list[Range] = [
            (moment, moment + _MOMENT) for moment in self._refused_at.get(table.name, ())
        ]
        return scope_of(window, loaded_at, since=since, also=[*spans(missed), *looked_up])

    def _in_scope(self, query: sa.Select, located: LocatedTable, scope: Scope) -> tuple[sa.Select, str]:
        """The query of what may be in the scope, and the condition on what it gives that takes it exactly."""
        filter_ = scope.exact_sql()
        where = self._condition(scope, located)
        parent = self._located.get(located.contract.parent or "")
        if parent is not None:
            (key,) = parent.contract.primary_key
            parents = sa.select(parent.table.c[key]).where(self._condition(scope, parent))
            where = sa.or_(where, located.table.c[key].in_(parents))
            filter_ = f"({filter_} or {self._has_parent(located, parent, scope)})"
        return query.where(where), filter_

    def _condition(self, scope: Scope, located: LocatedTable) -> sa.ColumnElement[bool]:
        return condition(scope, located.times, self._zone, self._engine.dialect.name)

    def _has_parent(self, located: LocatedTable, parent: LocatedTable, scope: Scope) -> str:
        """The condition that a row's parent is in the scope, which the query has made sure of or not."""
        (key,) = parent.contract.primary_key
        if is_exact([*located.times, *parent.times], self._zone, self._engine.dialect.name):
            return "true"
        contract, name = parent.contract, f"{parent.contract.name}_in_scope"
        columns = [column for column in contract.columns if column.name in (key, *contract.modified)]
        query = sa.select(*(parent.table.c[column.name] for column in columns))
        statement = f"""
            select "{key}"
            from (select *, {own_time(contract)} as {MODIFIED_AT} from typed)
            where {scope.exact_sql()}
        """
        with self._session() as connection:
            connection.execute(f"drop table if exists {name}")
            for some in self._rows(query.where(self._condition(scope, parent)), columns):
                connection.register("given", some)
                cast = caster(kinds_of(some.schema), self._zone)
                casts = ", ".join(f'{cast(column)} as "{column.name}"' for column in columns)
                typed = f"with typed as (select {casts} from given) {statement}"
                connection.execute(f"create table if not exists {name} as {typed} limit 0")
                connection.execute(f"insert into {name} {typed}")
        return f'"{key}" in (select "{key}" from {name})'

    def _rows(self, query: sa.Select, columns: Sequence[SourceColumn]) -> Iterator[_Rows]:
        if self._file:
            compiled = query.compile(self._engine, compile_kwargs={"literal_binds": True})
            return sqlite.readers(self._file, str(compiled), columns)
        return self._through_sqlalchemy(query, columns)

    def _through_sqlalchemy(self, query: sa.Select, columns: Sequence[SourceColumn]) -> Iterator[_Rows]:
        names = [column.name for column in columns]
        with self._connected() as connection:
            result = connection.execution_options(stream_results=True).execute(query)
            is_empty = True
            while rows := result.fetchmany(BATCH_ROWS):
                is_empty = False
                yield pa.RecordBatch.from_arrays(list(map(_array, zip(*rows, strict=True))), names)
            if is_empty:
                yield pa.RecordBatch.from_pylist([], pa.schema([(name, pa.string()) for name in names]))

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            connection = self._engine.connect()
        except sa.exc.SQLAlchemyError as error:
            raise databases.failure(self.system, self._url, error) from None
        with connection:
            yield connection

    @contextmanager
    def _session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._duckdb.cursor() as connection:
            connection.execute(f"set timezone = '{self._zone}'")
            yield connection

    def _versioned(
        self, rows: Iterator[_Rows], table: SourceTable, window: Window, loaded_at: datetime, filter_: str
    ) -> Iterator[pa.Table]:
        """Arrow in, Arrow out. Of a reader DuckDB computes several batches at a time."""
        with self._session() as connection:
            for some in rows:
                names = some.schema.names
                statement = versions_sql(
                    "given",
                    table,
                    window,
                    timestamp(loaded_at),
                    cast=caster(kinds_of(some.schema), self._zone),
                    undecoded=sqlite.UNDECODED if sqlite.UNDECODED in names else None,
                )
                connection.register("given", some)
                reader = connection.sql(f"select * from ({statement}) where {filter_}")
                for batch in reader.to_arrow_reader(BATCH_ROWS):
                    yield pa.Table.from_batches([batch])


def _folded(name: str) -> str:
    """A name without capitals, spaces and underscores: `salesorderid`, of `SalesOrderID` too."""
    return re.sub(r"[\W_]", "", name).lower()


def _array(values: tuple[Any, ...]) -> pa.Array:
    """Values as the driver gives them; what Arrow has no one type for (a UUID) is text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
