"""Reading tables of a SQL database as Arrow, whatever the database.

SQLite is read through ADBC, which builds Arrow in C; other databases through SQLAlchemy, in batches.
Both give batches of the types that the contract declares, with decimals exact.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from retail_assets.ingestion.contract import SourceTable, snake_case
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.source import BATCH_ROWS, Source
from retail_assets.ingestion.versions import versions_sql
from retail_assets.windows import Window


@dataclass(frozen=True)
class LocatedTable:
    """A contract's table as it was found in the database."""

    contract: SourceTable
    table: sa.Table


class SqlSource(Source):
    """One database of a source system."""

    def __init__(self, system: str, url: str):
        self.system = system
        try:
            self._engine = sa.create_engine(url)
        except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
            raise SourceError(
                f"RETAIL_{system.upper()}_URL is not a URL that SQLAlchemy can open: {error}"
            ) from None
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
            inspector = sa.inspect(self._engine)
            if schema is None:
                return inspector.get_table_names()
            known = {name.lower(): name for name in inspector.get_schema_names()}
            actual = known.get(schema.lower())
            return inspector.get_table_names(schema=actual) if actual else []
        except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise SourceUnreachableError(
                f"{self.system}: the database at {self._engine.url.render_as_string()} cannot be"
                f" reached ({reason}). Check RETAIL_{self.system.upper()}_URL and that it is running."
            ) from None

    def _described(self, contract: SourceTable, name: str, schema: str | None) -> LocatedTable:
        inspector = sa.inspect(self._engine)
        if schema is not None:
            schema = {each.lower(): each for each in inspector.get_schema_names()}[schema.lower()]
        actual = {snake_case(column["name"]): column for column in inspector.get_columns(name, schema)}
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

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        """The table's rows for the window, and of a `window` table those whose parent is in it."""
        located = self._located[table.name]
        parent = self._located.get(table.parent or "")
        yield table.raw_schema.empty_table()
        query = _query(located, parent, window)
        try:
            if self._engine.dialect.name == "sqlite":
                batches = self._through_adbc(query, located)
            else:
                batches = self._through_sqlalchemy(query, located)
            yield from _versioned(batches, table, window, loaded_at)
        except (sa.exc.SQLAlchemyError, duckdb.Error, pa.ArrowInvalid) as error:
            raise SourceError(
                f"{self.system}: {table.source_table} could not be read:"
                f" {str(error).splitlines()[0]}. A column may hold other values than the type that"
                " _sources.yml declares; nothing of the table was loaded."
            ) from error

    def _through_adbc(self, query: sa.Select, located: LocatedTable) -> Iterator[pa.RecordBatch]:
        import adbc_driver_sqlite.dbapi as adbc

        # The driver takes a column's type from its first rows. A first row of our own settles it.
        columns = located.contract.columns
        typed_row = ", ".join(_SQLITE_SAMPLES.get(column.data_type, "0.0") for column in columns)
        compiled = query.compile(self._engine, compile_kwargs={"literal_binds": True})
        file = f"file:{self._engine.url.database}?mode=ro"
        with adbc.connect(file) as connection, connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
            cursor.execute(f"select {typed_row} union all select * from ({compiled})")
            skip = 1
            for batch in cursor.fetch_record_batch():
                yield batch.slice(skip).rename_columns([column.name for column in columns])
                skip = 0

    def _through_sqlalchemy(self, query: sa.Select, located: LocatedTable) -> Iterator[pa.RecordBatch]:
        schema = located.contract.arrow_schema
        with self._engine.connect().execution_options(stream_results=True) as connection:
            result = connection.execute(query)
            while rows := result.fetchmany(BATCH_ROWS):
                values = zip(*rows, strict=True)
                yield pa.RecordBatch.from_arrays(
                    [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)],
                    schema=schema,
                )


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
    start, end = (sa.literal(_naive(moment), _Moment()) for moment in window)
    latest_of_all = [
        sa.and_(time >= start, time < end, *(sa.or_(o < end, o.is_(None)) for o in times if o is not time))
        for time in times
    ]
    return sa.or_(*latest_of_all, sa.and_(sa.true(), *(time.is_(None) for time in times)))


class _Moment(sa.types.TypeDecorator):
    """A moment in a query. SQLite compares times as text, so that it must not have a fraction that
    the stored ones may lack: '2024-01-02 00:00:00' is not above any way to write that midnight."""

    impl = sa.DateTime
    cache_ok = True

    def literal_processor(self, dialect: sa.Dialect) -> Callable[[Any], str]:
        return lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"


def _naive(moment: datetime) -> datetime:
    """Sources keep UTC without saying so."""
    return moment.replace(tzinfo=None)


def _versioned(
    batches: Iterator[pa.RecordBatch], table: SourceTable, window: Window, loaded_at: datetime
) -> Iterator[pa.Table]:
    """Arrow in, Arrow out."""
    statement = versions_sql("batch", table, window, loaded_at)
    with duckdb.connect() as connection:
        for batch in batches:
            if batch.num_rows:
                connection.register("batch", batch)
                yield connection.sql(statement).to_arrow_table()
