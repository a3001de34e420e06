"""Reading tables of a SQL database as Arrow, whatever the database.

SQLite is read through ADBC, which builds Arrow in C; other databases through SQLAlchemy, in batches.
Both give batches of the types that the contract declares, with decimals exact.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from retail_assets.catalog.contract import Names, SourceColumn, SourceTable
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.keys import first_text
from retail_assets.ingestion.mapping import Hash, MappingError, place_of
from retail_assets.ingestion.source import BATCH_ROWS, Found, Source
from retail_assets.ingestion.translation import KEY_SEPARATOR, NO_PART, translated_sql
from retail_assets.ingestion.urls import shown, without_secrets
from retail_assets.ingestion.versions import plain_cast, timestamp, versions_sql, zoned_cast
from retail_assets.windows import Window

# What DuckDB reads like a table.
_Rows: TypeAlias = pa.RecordBatch | pa.RecordBatchReader


@dataclass(frozen=True)
class LocatedTable:
    """A contract's table as it was found in the database, with what each of its columns is there."""

    contract: SourceTable
    columns: Mapping[str, sa.ColumnElement[Any]]


class SqlSource(Source):
    """One database of a source system."""

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
        self._found_tables: dict[str, Found] = {}

    def check(self) -> None:
        self._names(None)

    def locate(self, table: SourceTable) -> Found | None:
        said = self.mapping.of(table)
        if not self.mapping.covers(table):
            return None
        if said.select:
            relation: sa.FromClause | None = self._selected(table, said.select)
            place = f"the select of {table.name}"
        else:
            place = said.from_ or table.source_table
            relation = self._named(place)
        if relation is None:
            return None
        return self._found(table, relation, place)

    def relations(self) -> Mapping[str, Sequence[str]]:
        default = self._inspector.default_schema_name
        schemas = [each for each in self._inspector.get_schema_names() if each not in _OF_THE_DATABASE]
        found = {}
        for schema in schemas:
            for name in self._names(schema):
                columns = [column["name"] for column in self._inspector.get_columns(name, schema)]
                found[name if schema == default else f"{schema}.{name}"] = columns
        return found

    def text_key(self, table: SourceTable) -> str | None:
        located = self._located.get(table.name)
        computed = self.mapping.columns_of(table)
        with self._engine.connect() as connection, self._duckdb.cursor() as duck:
            for column in table.columns:
                place = located.columns.get(column.name) if located and column.is_key else None
                if place is None or isinstance(computed.get(column.name), Hash):
                    continue
                is_sqlite = self._engine.dialect.name == "sqlite"
                if isinstance(place.type, sa.Integer) and not is_sqlite:
                    continue
                query = sa.select(place.label(column.name)).distinct().where(place.is_not(None))
                if is_sqlite:
                    # Each value there has a type of its own.
                    query = query.where(sa.func.typeof(place) != "integer")
                result = connection.execution_options(stream_results=True).execute(query)
                while rows := result.fetchmany(BATCH_ROWS):
                    (values,) = zip(*rows, strict=True)
                    duck.register("given", pa.table({column.name: _array(values)}))
                    if found := first_text(duck, "given", [column.name]):
                        return found
        return None

    def _named(self, place: str) -> sa.Table | None:
        """A table or view by its name, with or without the schema."""
        schema, _, name = place.rpartition(".")
        for candidate in (schema or None, None):
            found = Names(self._names(candidate)).find(name)
            if found:
                actual = self._actual_schema(candidate)
                columns = self._inspector.get_columns(found, actual)
                declared = (sa.Column(column["name"], column["type"]) for column in columns)
                return sa.Table(found, sa.MetaData(), *declared, schema=actual)
        return None

    def _selected(self, table: SourceTable, select: str) -> sa.FromClause:
        """A query of the mapping's as a relation."""
        text = sa.text(select.strip().rstrip(";").replace(":", "\\:"))
        whole = sa.select(sa.text("*")).select_from(text.columns().subquery("source")).where(sa.false())
        names = self._tried(whole, lambda reason: self._cannot_map(table, "select", reason))
        return text.columns(*map(sa.column, names)).subquery("source")

    def _tried(self, query: sa.Select, mapping_error: Callable[[str], MappingError]) -> Sequence[str]:
        """The names of a query's columns. Raises the error if the database does not understand it."""
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(query).keys())
        except sa.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise mapping_error(without_secrets(reason, self._url)) from None

    def _cannot_map(self, table: SourceTable, key: str, reason: str) -> MappingError:
        return MappingError(f"{self.mapping.path}: tables.{table.name}.{key}: {reason.rstrip('.')}.")

    def _names(self, schema: str | None) -> list[str]:
        """All tables and views; none of a schema that is not there."""
        self._refuse_missing_file()
        try:
            actual = self._actual_schema(schema)
            if schema and not actual:
                return []
            views = self._inspector.get_view_names(schema=actual)
            if self._engine.dialect.name == "postgresql":
                views = [*views, *self._inspector.get_materialized_view_names(schema=actual)]
            return [*self._inspector.get_table_names(schema=actual), *views]
        except sa.exc.SQLAlchemyError as error:
            raise self._unreachable(error) from None

    def _refuse_missing_file(self) -> None:
        path = self._engine.url.database
        if self._engine.dialect.name == "sqlite" and path and not Path(path).is_file():
            raise SourceError(
                f"{self.system}: there is no SQLite file {path}. Set RETAIL_{self.system.upper()}_URL,"
                " or run `retail-assets demo` to simulate one."
            )

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

    def _found(self, contract: SourceTable, relation: sa.FromClause, place: str) -> Found:
        """Find the contract's columns, by what the mapping says or by their names."""
        said, constants = self.mapping.columns_of(contract), self.mapping.of(contract).defaults
        names = Names(relation.c.keys())
        places: dict[str, sa.ColumnElement[Any]] = {}
        given_up = set()
        for column in contract.columns:
            mapped = said.get(column.name)
            name = names.find(column.source_name)
            if isinstance(mapped, Hash):
                places[column.name] = _key_of([_place(each, relation, names) for each in mapped.hash])
            elif mapped is not None:
                places[column.name] = _place(mapped, relation, names)
            elif name is not None:
                places[column.name] = relation.c[name]
            elif column.name in constants:
                places[column.name] = sa.null()
            elif column.name in said:
                given_up.add(column.name)
        self.mapping.refuse_lost_words(contract, places)
        if not all(relation.c.contains_column(each) for each in places.values()):
            places = self._computed(contract, relation, places)
        absent = frozenset(column.name for column in contract.columns if column.name not in places)
        table = self._as_read(replace(contract, absent=absent))
        self._located[table.name] = LocatedTable(table, places)
        self._found_tables[table.name] = Found(table, place, frozenset(given_up))
        return self._found_tables[table.name]

    def _computed(
        self, contract: SourceTable, relation: sa.FromClause, places: Mapping[str, sa.ColumnElement[Any]]
    ) -> dict[str, sa.ColumnElement[Any]]:
        """The columns of a query that computes them; so a window is taken of numbered lines, not before."""

        def query(names: Sequence[str]) -> sa.Select:
            return sa.select(*(places[name].label(name) for name in names)).select_from(relation)

        def culprit(reason: str) -> MappingError:
            for name in places:
                self._tried(
                    query([name]).where(sa.false()), partial(self._cannot_map, contract, f"columns.{name}")
                )
            return self._cannot_map(contract, "columns", reason)

        if places:
            self._tried(query(list(places)).where(sa.false()), culprit)
        return dict(query(list(places)).subquery("mapped").c)

    def _as_read(self, table: SourceTable) -> SourceTable:
        """How a table without times of change is read: with its parent's rows, or whole."""
        modified = tuple(name for name in table.modified if name not in table.absent)
        parent = self._located.get(table.parent or "")
        by_parent = parent is not None and parent.contract.load == "window"
        if table.load == "window" and not modified and not by_parent:
            return replace(table, modified=(), load="snapshot", parent=None)
        return replace(table, modified=modified)

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        """The table's rows for the window, and of a `window` table those whose parent is in it."""
        located = replace(self._located[table.name], contract=table)
        parent = self._located.get(table.parent or "")
        found = self._found_tables[table.name]
        self.refuse_lacking(table, found.lacking, found.place)
        yield table.raw_schema.empty_table()
        query = _query(located, parent, window, self._engine.dialect)
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
        names = located.contract.arrow_schema.names
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
        given = translated_sql("given", table, self.mapping)
        cast = plain_cast if table.timezone == "UTC" else zoned_cast
        statement = versions_sql(given, table, window, timestamp(loaded_at), cast=cast)
        with self._duckdb.cursor() as connection:
            connection.execute(f"set timezone = '{table.timezone}'")
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


# Schemas that a database has of its own.
_OF_THE_DATABASE = {
    *("information_schema", "INFORMATION_SCHEMA", "pg_catalog", "pg_toast", "sys", "guest", "mysql"),
    "performance_schema",
}


def _place(wanted: str | Sequence[str], relation: sa.FromClause, names: Names) -> sa.ColumnElement[Any]:
    """A column of the relation by its name, or an expression over its columns."""
    name, expression = place_of(wanted, names)
    return sa.literal_column(f"({expression})") if name is None else relation.c[name]


def _key_of(parts: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    """The text that a key of several columns is made of; null if all of them are."""
    texts: list[sa.ColumnElement[str]] = [
        sa.func.coalesce(sa.cast(part, sa.Unicode(255)), NO_PART) for part in parts
    ]
    joined = texts[0]
    for each in texts[1:]:
        joined = joined + KEY_SEPARATOR + each
    return sa.case((sa.and_(*(part.is_(None) for part in parts)), sa.null()), else_=joined)


def _query(
    located: LocatedTable, parent: LocatedTable | None, window: Window, dialect: sa.Dialect
) -> sa.Select:
    columns = [_selected(located, column, dialect).label(column.name) for column in located.contract.columns]
    query = sa.select(*columns)
    if located.contract.load == "snapshot":
        return query
    conditions = [_modified_in(located, window)] if located.contract.modified or parent is None else []
    if parent is not None:
        (key,) = parent.contract.primary_key
        touched = sa.select(parent.columns[key]).where(_modified_in(parent, window))
        conditions.append(located.columns[key].in_(touched))
    return query.where(sa.or_(*conditions))


def _selected(located: LocatedTable, column: SourceColumn, dialect: sa.Dialect) -> sa.ColumnElement[Any]:
    """A column, or what stands in where the source has no such column."""
    found = located.columns.get(column.name)
    if found is not None:
        if dialect.name == "sqlite" and column.is_key and not isinstance(found.type, sa.Integer):
            # The driver writes 12345678.0 as 1.234568e+07.
            whole = sa.cast(found, sa.BigInteger)
            return sa.case((sa.and_(sa.func.typeof(found) == "real", found == whole), whole), else_=found)
        return found
    return sa.null() if column.default is None else sa.literal(column.default)


def _modified_in(located: LocatedTable, window: Window) -> sa.ColumnElement[bool]:
    """The latest of the row's times of change lies in the window, or it has none."""
    times = [located.columns[name] for name in located.contract.modified]
    start, end = ([_literal(moment, time, located.contract.timezone) for time in times] for moment in window)
    latest_of_all = [
        sa.and_(
            time >= start[place],
            time < end[place],
            *(
                sa.or_(other < end[number], other.is_(None))
                for number, other in enumerate(times)
                if number != place
            ),
        )
        for place, time in enumerate(times)
    ]
    return sa.or_(*latest_of_all, sa.and_(sa.true(), *(time.is_(None) for time in times)))


def _literal(moment: datetime, column: sa.ColumnElement[Any], timezone: str) -> sa.ColumnElement[datetime]:
    """A moment as the column has its times: with a zone, or in the source's without saying so."""
    if getattr(column.type, "timezone", False):
        return sa.literal(moment, sa.DateTime(timezone=True))
    return sa.literal(moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None), _Moment())


class _Moment(sa.types.TypeDecorator):
    """A moment in a query. SQLite compares times as text, so that it must not have a fraction that
    the stored ones may lack: '2024-01-02 00:00:00' is not above any way to write that midnight."""

    impl = sa.DateTime
    cache_ok = True

    def literal_processor(self, dialect: sa.Dialect) -> Callable[[Any], str]:
        return lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"
