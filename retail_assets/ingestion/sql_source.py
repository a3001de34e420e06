"""Reading tables of a SQL database as Arrow, whatever the database.

SQLite is read through ADBC, which builds Arrow in C; other databases through SQLAlchemy, in batches.
Both give batches of the types that the contract declares, with decimals exact.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from retail_assets.catalog.contract import MODIFIED_AT, SourceTable, snake_case
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.source import BATCH_ROWS, Source
from retail_assets.ingestion.urls import shown, without_secrets
from retail_assets.ingestion.versions import timestamp, versions_sql
from retail_assets.windows import Window

# What DuckDB reads like a table.
_Rows: TypeAlias = pa.RecordBatch | pa.RecordBatchReader


@dataclass(frozen=True)
class LocatedTable:
    """A contract's table as it was found in the database."""

    contract: SourceTable
    table: sa.Table


class SqlSource(Source):
    """One database of a source system."""

    is_current = True

    def __init__(self, system: str, url: str):
        self.system = system
        self._url = url
        try:
            # Several tables are read at a time: large ones stay open while the next are begun.
            self._engine = sa.create_engine(url, poolclass=sa.QueuePool, max_overflow=-1)
        except (sa.exc.ArgumentError, ValueError) as error:
            raise SourceError(
                f"RETAIL_{system.upper()}_URL is not a URL that SQLAlchemy can open:"
                f" {without_secrets(str(error), url)}. Write `driver://user:password@host:port/database`,"
                " and @, : and / in a password as %40, %3A and %2F."
            ) from None
        except ModuleNotFoundError as error:
            raise SourceError(
                f"RETAIL_{system.upper()}_URL needs a driver that is not installed ({error}). Install it,"
                " for example with `pip install '.[postgres]'` or `'.[sqlserver]'`."
            ) from None
        self._duckdb = duckdb.connect()
        self._located: dict[str, LocatedTable] = {}

    def check(self) -> None:
        self._tables_of(None)

    def locate(self, table: SourceTable) -> bool:
        schema, _, name = table.source_table.rpartition(".")
        for candidate in (schema or None, None):
            found = {each.lower(): each for each in self._tables_of(candidate)}
            if name.lower() in found:
                self._located[table.name] = self._described(table, found[name.lower()], candidate)
                return True
        return False

    def _tables_of(self, schema: str | None) -> list[str]:
        path = self._engine.url.database
        if self._engine.dialect.name == "sqlite" and path and not Path(path).is_file():
            raise SourceError(
                f"{self.system}: there is no SQLite file {path}. Set RETAIL_{self.system.upper()}_URL,"
                " or run `retail-assets demo` to simulate one."
            )
        try:
            actual = self._actual_schema(schema)
            return self._inspector.get_table_names(schema=actual) if actual or not schema else []
        except sa.exc.SQLAlchemyError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: sa.exc.SQLAlchemyError) -> SourceUnreachableError:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return SourceUnreachableError(
            f"{self.system}: the database at {shown(self._url)} cannot be reached"
            f" ({without_secrets(reason, self._url)}). Check RETAIL_{self.system.upper()}_URL and that it is"
            " running."
        )

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
        actual = {snake_case(column["name"]): column for column in self._inspector.get_columns(name, schema)}
        columns, missing = [], []
        for column in contract.columns:
            found = actual.get(column.source_name)
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
        if table.load == "snapshot":
            return "true"
        start, end = (timestamp(moment) for moment in window)
        return f"{MODIFIED_AT} is null or ({MODIFIED_AT} >= {start} and {MODIFIED_AT} < {end})"

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        """The table's rows for the window, and of a `window` table those whose parent is in it."""
        located = self._located[table.name]
        parent = self._located.get(table.parent or "")
        yield table.raw_schema.empty_table()
        query = _query(located, parent, window)
        try:
            if self._engine.dialect.name == "sqlite":
                rows: Iterator[_Rows] = self._through_adbc(query, located)
            else:
                rows = self._through_sqlalchemy(query, located)
            yield from self._versioned(rows, table, window, loaded_at)
        except sa.exc.OperationalError as error:
            raise self._unreachable(error) from None
        except (sa.exc.SQLAlchemyError, duckdb.Error, pa.ArrowInvalid) as error:
            raise SourceError(
                f"{self.system}: {table.source_table} could not be read:"
                f" {str(error).splitlines()[0]}. A column may hold other values than the type that"
                " _sources.yml declares; nothing of the table was loaded."
            ) from error

    def _through_adbc(self, query: sa.Select, located: LocatedTable) -> Iterator[pa.RecordBatchReader]:
        import adbc_driver_sqlite.dbapi as adbc

        # The driver takes a column's type from its first rows. A first row of our own settles it.
        columns = located.contract.columns
        names = [column.name for column in columns]
        typed_row = ", ".join(_SQLITE_SAMPLES.get(column.data_type, "0.0") for column in columns)
        compiled = query.compile(self._engine, compile_kwargs={"literal_binds": True})
        file = f"file:{self._engine.url.database}?mode=ro"
        with adbc.connect(file) as connection, connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
            cursor.execute(f"select {typed_row} union all select * from ({compiled})")
            batches = (batch.rename_columns(names) for batch in cursor.fetch_record_batch())
            first = next(batches).slice(1)
            yield pa.RecordBatchReader.from_batches(first.schema, chain([first], batches))

    def _through_sqlalchemy(self, query: sa.Select, located: LocatedTable) -> Iterator[pa.RecordBatch]:
        names = located.contract.arrow_schema.names
        with self._engine.connect().execution_options(stream_results=True) as connection:
            result = connection.execute(query)
            while rows := result.fetchmany(BATCH_ROWS):
                yield pa.RecordBatch.from_arrays(list(map(_array, zip(*rows, strict=True))), names)

    def _versioned(
        self, rows: Iterator[_Rows], table: SourceTable, window: Window, loaded_at: datetime
    ) -> Iterator[pa.Table]:
        """Arrow in, Arrow out. Of a reader DuckDB computes several batches at a time."""
        statement = versions_sql("given", table, window, timestamp(loaded_at))
        with self._duckdb.cursor() as connection:
            connection.execute("set timezone = 'UTC'")
            for some in rows:
                connection.register("given", some)
                for batch in connection.sql(statement).to_arrow_reader(BATCH_ROWS):
                    yield pa.Table.from_batches([batch])


def _array(values: tuple[Any, ...]) -> pa.Array:
    """Values as the driver gives them; DuckDB casts them. What Arrow does not know (a UUID) is text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


# One value of each type as SQLite stores it; decimals sit there as floating point.
_SQLITE_SAMPLES = {
    "bigint": "0",
    "boolean": "0",
    "varchar": "''",
    "timestamp": "''",
    "date": "''",
}


def _query(located: LocatedTable, parent: LocatedTable | None, window: Window) -> sa.Select:
    table = located.table
    query = sa.select(*table.columns)
    if located.contract.load == "snapshot":
        return query
    condition = _modified_in(located, window)
    if parent is not None:
        (key,) = parent.contract.primary_key
        touched = sa.select(parent.table.c[key]).where(_modified_in(parent, window))
        condition = sa.or_(condition, table.c[key].in_(touched))
    return query.where(condition)


def _modified_in(located: LocatedTable, window: Window) -> sa.ColumnElement[bool]:
    """The latest of the row's times of change lies in the window, or it has none."""
    times = [located.table.c[name] for name in located.contract.modified]
    latest_of_all = [
        sa.and_(
            time >= _literal(window.start, time),
            time < _literal(window.end, time),
            *(
                sa.or_(other < _literal(window.end, other), other.is_(None))
                for other in times
                if other is not time
            ),
        )
        for time in times
    ]
    return sa.or_(*latest_of_all, sa.and_(sa.true(), *(time.is_(None) for time in times)))


def _literal(moment: datetime, column: sa.Column[Any]) -> sa.ColumnElement[datetime]:
    """A moment as the column has its times: with a zone, or UTC without saying so."""
    if getattr(column.type, "timezone", False):
        return sa.literal(moment, sa.DateTime(timezone=True))
    return sa.literal(moment.replace(tzinfo=None), _Moment())


class _Moment(sa.types.TypeDecorator):
    """A moment in a query. SQLite compares times as text, so that it must not have a fraction that
    the stored ones may lack: '2024-01-02 00:00:00' is not above any way to write that midnight."""

    impl = sa.DateTime
    cache_ok = True

    def literal_processor(self, dialect: sa.Dialect) -> Callable[[Any], str]:
        return lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"
