"""Reading tables of a SQL database as Arrow, whatever the database.

SQLite is read through ADBC (sqlite.py), SQL Server through its driver's Arrow reader (sqlserver.py), other
databases through SQLAlchemy, in batches. All give batches of the contract's types, with exact decimals and
times in UTC. A row with a value that is not of its type is marked as refused.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from retail_assets.catalog.contract import MODIFIED_AT, Names, SourceColumn, SourceTable
from retail_assets.ingestion import (
    database_errors,
    database_mapping,
    databases,
    readings,
    refusals,
    sqlite,
    sqlserver,
)
from retail_assets.ingestion.database_mapping import Expression
from retail_assets.ingestion.database_rows import DatabaseRows, Queries, Query, Rows, array
from retail_assets.ingestion.database_tables import DatabaseTables
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.keys import first_text
from retail_assets.ingestion.mapping import Hash, MappingError, refuse_rivals
from retail_assets.ingestion.readings import Readings
from retail_assets.ingestion.reconciliation import counts_sql
from retail_assets.ingestion.scope import Range, Scope, condition, is_exact, scope_of, spans
from retail_assets.ingestion.source import BATCH_ROWS, Found, Source
from retail_assets.ingestion.sqlite_times import Held, held
from retail_assets.ingestion.translation import as_given, translated_kinds, translated_sql
from retail_assets.ingestion.values import caster, kinds_of
from retail_assets.ingestion.versions import own_time, timestamp, versions_sql
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

# At most so many refused rows of other days are looked up again in every reading.
LOOKED_UP = 50
_MOMENT = timedelta(microseconds=1)
# SQL Server's `datetime` has 300 moments a second, and pymssql writes milliseconds: what is so far apart may
# be the same.
_COARSE = timedelta(milliseconds=5)


@dataclass(frozen=True)
class LocatedTable:
    """A contract's table as it was found in the database, with the expression for each of its columns."""

    found: Found
    columns: Mapping[str, Expression]

    @property
    def contract(self) -> SourceTable:
        """The table as it is read."""
        return self.found.table

    @property
    def times(self) -> Sequence[Expression]:
        """The columns that tell when a row changed."""
        return [self.columns[name] for name in self.contract.modified]


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
        """`zone` is the zone of times that name none. A window is read from `overlap` before its start; one
        that starts at the retailer's `beginning` also reads everything before it."""
        self.system = system
        self._url = url
        self._zone = zone
        self._overlap = overlap
        self._beginning = beginning
        self._engine = databases.engine_of(system, url)
        databases.give_instants_in(self._engine, lambda: self.mapping.timezone or self._zone)
        self._file = databases.file_of(url)
        self._tables = DatabaseTables(self._engine, self._failure)
        self._rows = DatabaseRows(self._engine, self._file, self._failure)
        self._duckdb = duckdb.connect()
        self._located: dict[str, LocatedTable] = {}
        self._held_times: dict[str, Sequence[Held] | None] = {}
        self._readings: Mapping[str, Readings] = {}
        self._refused_at: Mapping[str, Sequence[datetime]] = {}

    def check(self) -> None:
        self._names(None)

    def at_one_moment(self) -> AbstractContextManager[None]:
        return nullcontext() if self._file else self._rows.at_one_moment()

    def probe(self, table: SourceTable) -> None:
        located = self._located[table.name]
        with self._telling(table), self._rows.connected() as connection:
            connection.execute(self._query(located, located.contract.columns).where(sa.false()))

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        super().recall(schema, emptied, execute)
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

    def locate(self, table: SourceTable) -> Found | None:
        said = self.mapping.of(table)
        if not self.mapping.covers(table):
            return None
        if said.select:
            relation: sa.FromClause | None = self._selected(table, said.select)
            place = f"the select of {table.name}"
        else:
            place = said.from_ or table.source_table
            relation = self._named(table, place)
        if relation is None:
            return None
        return self._found(table, relation, place)

    def relations(self) -> Mapping[str, Sequence[str]]:
        return self._tables.by_name()

    def text_key(self, table: SourceTable) -> str | None:
        located = self._located.get(table.name)
        computed = self.mapping.columns_of(table)
        with self._telling(table), self._rows.connected() as connection, self._duckdb.cursor() as duck:
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
                    duck.register("given", pa.table({column.name: array(values)}))
                    if found := first_text(duck, "given", [column.name]):
                        return found
        return None

    def _named(self, contract: SourceTable, place: str) -> sa.Table | None:
        """A table or view by its name, with or without the schema."""
        schema, _, name = place.rpartition(".")
        # Some databases without schemas have them in the names of their tables.
        for candidate, wanted in ((schema or None, name), (None, place), (None, name)):
            names = Names(dict.fromkeys(self._names(candidate)))
            found = names.find(wanted)
            if found:
                setting = f"RETAIL_{self.system.upper()}"
                remedy = f"under tables.{contract.name}.from in the mapping ({setting}_MAPPING)"
                refuse_rivals(names, wanted, f"{self.system}: the database of {setting}_URL", remedy)
                actual = self._tables.actual_schema(candidate)
                columns = self._columns_of(contract, found, actual)
                declared = (sa.Column(column.name, column.type) for column in columns)
                return sa.Table(found, sa.MetaData(), *declared, schema=actual)
        return None

    def _selected(self, table: SourceTable, select: str) -> sa.FromClause:
        """A query of the mapping's as a relation."""
        text = sa.text(select.strip().rstrip(";").replace(":", "\\:"))
        whole = sa.select(sa.text("*")).select_from(text.columns().subquery("source")).where(sa.false())
        names = self._tried(whole, lambda reason: self._cannot_map(table, "select", reason))
        # SQLite calls the second one `total:1`.
        plain = Counter(re.sub(r":\d+$", "", name.lower()) for name in names)
        twice = [name for name, times in plain.items() if times > 1]
        if twice:
            raise self._cannot_map(
                table, "select", f"it gives the column {twice[0]} twice: give one of them another name"
            )
        return text.columns(*map(sa.column, names)).subquery("source")

    def _tried(self, query: Query, mapping_error: Callable[[str], MappingError]) -> Sequence[str]:
        """The names of a query's columns. Raises the error if the database does not understand it."""
        try:
            with self._rows.connected() as connection:
                return list(connection.execute(query).keys())
        except SourceError:
            raise
        except Exception as error:
            # Each driver has errors of its own.
            reason = database_errors.reason_of(error, self._url)
            raise mapping_error(reason) from None

    def _cannot_map(self, table: SourceTable, key: str, reason: str) -> MappingError:
        return MappingError(f"{self.mapping.path}: tables.{table.name}.{key}: {reason.rstrip('.')}.")

    def _names(self, schema: str | None) -> list[str]:
        """All tables, views and synonyms; none of a schema that is not there."""
        if self._file:
            databases.refuse_missing(self.system, self._file)
        return self._tables.names(schema)

    def _failure(self, error: Exception) -> SourceError:
        """What an error means that is of the whole database."""
        return database_errors.failure(self.system, self._url, error)

    def _found(self, contract: SourceTable, relation: sa.FromClause, place: str) -> Found:
        """Find the contract's columns."""
        places, given_up = database_mapping.places(self.mapping, contract, relation)
        if not all(relation.c.contains_column(each) for each in places.values()):
            places = self._computed(contract, relation, places)
        absent = frozenset(column.name for column in contract.columns if column.name not in places)
        found = Found(self._as_read(replace(contract, absent=absent)), place, given_up)
        self._located[contract.name] = LocatedTable(found, places)
        return found

    def _computed(
        self, contract: SourceTable, relation: sa.FromClause, places: Mapping[str, Expression]
    ) -> Mapping[str, Expression]:
        """The columns of a subquery that computes them, so that a window function in a mapping sees all rows,
        not only those of the partition's window."""

        def query(names: Sequence[str]) -> Query:
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

    def _columns_of(self, contract: SourceTable, name: str, schema: str | None) -> Sequence[sqlserver.Column]:
        with self._telling(contract):
            return self._tables.columns(name, schema)

    @contextmanager
    def _telling(self, table: SourceTable) -> Iterator[None]:
        """An error is told as what it means: of a table that fails alone, or of the whole database."""
        try:
            yield
        except SourceError:
            raise
        except Exception as error:
            # Each driver has errors of its own.
            raise self._unreadable(table, error) from error

    def _unreadable(self, table: SourceTable, error: Exception) -> SourceError:
        is_lost = database_errors.is_lost(error, self._engine.dialect)
        if is_lost and not (database_errors.is_late(error) and self._rows.answers()):
            return self._failure(error)
        reason, remedy = database_errors.reason_of(error, self._url).rstrip("."), ""
        if database_errors.is_denied(error):
            remedy = f" Give the user of RETAIL_{self.system.upper()}_URL the right to select from it."
        return SourceError(
            f"{self.system}: {table.source_table} ({table.name}) could not be read: {reason}.{remedy} Nothing"
            " of it was loaded and what was there stays; the next run tries it again."
        )

    def finds_again(self, table: SourceTable, window: Window) -> str:
        # What changed in the scope: the window, its overlap, and the refused rows that are looked up again.
        return (
            "true" if table.load == "snapshot" else self._scope(table, window, datetime.now(UTC)).exact_sql()
        )

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        """The table's rows for the window, and of a `window` table those whose parent is in it."""
        located = self._located[table.name]
        self._refuse_lack(located.found)
        yield table.raw_schema.empty_table()
        every, filter_ = self._query(located, table.columns), "true"
        query: Queries = every
        with self._telling(table):
            if table.load == "window":
                scope = self._scope(table, window, loaded_at)
                query, filter_ = self._in_scope(every, located, table, scope)
            rows = self._rows.read(query, as_given(table, table.columns, self.mapping))
            yield from self._versioned(rows, table, window, loaded_at, filter_)

    def days_read(self, table: SourceTable, window: Window) -> Sequence[Window]:
        known = self._readings.get(table.name, Readings())
        return readings.joined([*known.read, *known.missed, window])

    def count_by_day(self, table: SourceTable, days: Sequence[Window]) -> Sequence[int] | None:
        located = self._located.get(table.name)
        if located is None or table.load != "window":
            return None
        with self._telling(table):
            return self._counts(table, located, days)

    def _counts(self, table: SourceTable, located: LocatedTable, days: Sequence[Window]) -> Sequence[int]:
        zone, dialect = self._zone_of(table), self._engine.dialect.name
        if is_exact(located.times, zone, dialect):
            return self._counted(located.times[0], zone, days)
        columns = [column for column in table.columns if column.name in table.modified]
        query = self._query(located, columns)
        around = self._condition(Scope(((days[0].start, days[-1].end),)), located)
        totals = [0] * len(days)
        with self._session(zone) as connection:
            for some in self._rows.read(query.where(around), columns):
                connection.register("given", some)
                cast = caster(kinds_of(some.schema), zone)
                casts = ", ".join(f'{cast(column)} as "{column.name}"' for column in columns)
                ((*counts,),) = connection.execute(f"""
                    with typed as (select {casts} from given)
                    select {counts_sql(days)} from (select {own_time(table)} as {MODIFIED_AT} from typed)
                """).fetchall()
                totals = [total + count for total, count in zip(totals, counts, strict=True)]
        return totals

    def keys(self, table: SourceTable) -> Iterator[pa.Table] | None:
        located = self._located.get(table.name)
        return self._keys(table, located) if located else None

    def times(self, table: SourceTable, others: Sequence[str]) -> Iterator[pa.Table] | None:
        located = self._located.get(table.name)
        return self._keys(table, located, (*table.modified, *others)) if located and located.times else None

    def is_empty(self, table: SourceTable) -> bool:
        located = self._located.get(table.name)
        if located is None:
            return False
        column = next(iter(located.columns.values()))
        with self._telling(table), self._rows.connected() as connection:
            return connection.execute(sa.select(column.label("one")).limit(1)).first() is None

    def has_read_all(self, table: SourceTable, window: Window) -> bool:
        first = self.days_read(table, window)[0]
        return self._beginning is not None and first.start <= self._beginning and window.end <= first.end

    def first_day(self, zone: str) -> date | None:
        return self._beginning and self._beginning.astimezone(ZoneInfo(zone)).date()

    def _keys(
        self, table: SourceTable, located: LocatedTable, others: Sequence[str] = ()
    ) -> Iterator[pa.Table]:
        """The columns of the key, and these others."""
        columns = [column for column in table.columns if column.name in (*table.primary_key, *others)]
        arriving = as_given(table, columns, self.mapping)
        with self._telling(table), self._session(self._zone_of(table)) as connection:
            for some in self._rows.read(self._query(located, columns), arriving):
                connection.register("given", some)
                yield connection.sql(self._typed(table, columns, some)).to_arrow_table()

    def _typed(self, table: SourceTable, columns: Sequence[SourceColumn], some: Rows) -> str:
        """The query for these columns of `given`, which has the rows, as the contract has them."""
        given = translated_sql("given", table, self.mapping, {column.name for column in columns})
        kinds = {**kinds_of(some.schema), **translated_kinds(table, self.mapping)}
        cast = caster(kinds, self._zone_of(table))
        casts = ", ".join(f'{cast(column)} as "{column.name}"' for column in columns)
        return f"select {casts} from {given}"

    def later(self, table: SourceTable, window: Window, until: datetime) -> tuple[int, Sequence[str]]:
        if not table.modified or until <= window.end:
            return 0, ()
        return sum(self.count_by_day(table, [Window(window.end, until)]) or ()), ()

    def _counted(self, time: Expression, zone: str, days: Sequence[Window]) -> Sequence[int]:
        """The counts as the database makes them itself."""

        def within(start: datetime, end: datetime) -> sa.ColumnElement[bool]:
            scope = Scope(((start, end),))
            changed = condition(scope, [time], zone, self._engine.dialect.name)
            return sa.and_(changed, time.is_not(None))

        counts = [sa.func.count(sa.case((within(*day), 1))) for day in days]
        query = sa.select(*counts).where(within(days[0].start, days[-1].end))
        with self._rows.connected() as connection:
            return [int(count) for count in connection.execute(query).one()]

    def _scope(self, table: SourceTable, window: Window, loaded_at: datetime) -> Scope:
        is_first = self._beginning is not None and window.start <= self._beginning
        since = None if is_first else window.start - self._overlap
        missed = self._readings.get(table.name, Readings()).missed
        before, after = (_COARSE, _COARSE) if self._engine.dialect.name == "mssql" else (timedelta(), _MOMENT)
        looked_up: list[Range] = [
            (moment - before, moment + after) for moment in self._refused_at.get(table.name, ())
        ]
        return scope_of(window, loaded_at, since=since, also=[*spans(missed), *looked_up])

    def _in_scope(
        self, query: Query, located: LocatedTable, table: SourceTable, scope: Scope
    ) -> tuple[Queries, str]:
        """The query for all rows that may be in the scope, and the exact condition to filter its result.

        `table` is the located one with its system's keys.
        """
        parent = self._located.get(located.contract.parent or "")
        if parent is None:
            return query.where(self._condition(scope, located)), scope.exact_sql()
        (key,) = parent.contract.primary_key
        parents = sa.select(parent.columns[key]).where(self._condition(scope, parent))
        where: sa.ColumnElement[bool] = located.columns[key].in_(parents)
        filter_ = self._has_parent(located, parent, table, scope)
        if not located.times:
            return query.where(where), filter_
        own = self._condition(scope, located)
        filter_ = f"({scope.exact_sql()} or {filter_})"
        is_scan = self._engine.dialect.name == "sqlite" and self._held(located) is None
        if is_scan or scope.begins is None:
            # One scan: no index serves the condition, or most rows are wanted, from the beginning on.
            return query.where(sa.or_(own, where)), filter_
        # Two queries, each of which an index may serve. A condition may be null, where `not` of it is too.
        others = sa.case((own, 1), else_=0) == 0
        return sa.union_all(query.where(own), query.where(where, others)), filter_

    def _condition(self, scope: Scope, located: LocatedTable) -> sa.ColumnElement[bool]:
        zone = self._zone_of(located.contract)
        return condition(scope, located.times, zone, self._engine.dialect.name, self._held(located))

    def _held(self, located: LocatedTable) -> Sequence[Held] | None:
        """Of SQLite: what the table's times hold, if an index tells."""
        if self._engine.dialect.name != "sqlite":
            return None
        if located.contract.name not in self._held_times:
            with self._rows.connected() as connection:
                self._held_times[located.contract.name] = held(connection, located.times)
        return self._held_times[located.contract.name]

    def _has_parent(
        self, located: LocatedTable, parent: LocatedTable, table: SourceTable, scope: Scope
    ) -> str:
        """The exact condition that a row's parent is in the scope; `true` if that of the query was exact."""
        (key,) = parent.contract.primary_key
        zone = self._zone_of(parent.contract)
        if is_exact([*located.times, *parent.times], zone, self._engine.dialect.name):
            return "true"
        contract, name = parent.contract, f"{parent.contract.name}_in_scope"
        # The key is of the type that it has in the table whose rows it is compared with.
        columns = [each for each in table.columns if each.name == key]
        columns += [each for each in contract.columns if each.name in contract.modified and each.name != key]
        query = self._query(parent, columns)
        statement = f"""
            select "{key}"
            from (select *, {own_time(contract)} as {MODIFIED_AT} from typed)
            where {scope.exact_sql()}
        """
        with self._session(zone) as connection:
            connection.execute(f"drop table if exists {name}")
            arriving = as_given(contract, columns, self.mapping)
            for some in self._rows.read(query.where(self._condition(scope, parent)), arriving):
                connection.register("given", some)
                typed = f"with typed as ({self._typed(contract, columns, some)}) {statement}"
                connection.execute(f"create table if not exists {name} as {typed} limit 0")
                connection.execute(f"insert into {name} {typed}")
        return f'"{key}" in (select "{key}" from {name})'

    @contextmanager
    def _session(self, zone: str) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._duckdb.cursor() as connection:
            connection.execute(f"set timezone = '{zone}'")
            yield connection

    def _zone_of(self, table: SourceTable) -> str:
        return table.timezone or self._zone

    def _query(self, located: LocatedTable, columns: Sequence[SourceColumn]) -> Query:
        dialect = self._engine.dialect.name
        return sa.select(*database_mapping.selected(located.columns, columns, dialect))

    def _refuse_lack(self, found: Found) -> None:
        """Raise `SourceError` if a table lacks columns that it must have, or had when it was loaded."""
        lack = self.lack(found.table, found.lacking)
        if lack:
            has, stays = (" changed: it has", " and what was there stays") if lack.was_there else ("", "")
            raise SourceError(
                f"{self.system}: {found.place} has{has} {lack.what}. {found.table.name} was not"
                f" loaded{stays}. {lack.remedy}."
            )

    def _versioned(
        self, rows: Iterator[Rows], table: SourceTable, window: Window, loaded_at: datetime, filter_: str
    ) -> Iterator[pa.Table]:
        """Arrow in, Arrow out. Given a reader, DuckDB processes several batches in parallel."""
        zone, given = self._zone_of(table), translated_sql("given", table, self.mapping)
        with self._session(zone) as connection:
            for some in rows:
                names = some.schema.names
                kinds = {**kinds_of(some.schema), **translated_kinds(table, self.mapping)}
                statement = versions_sql(
                    given,
                    table,
                    window,
                    timestamp(loaded_at),
                    cast=caster(kinds, zone),
                    undecoded=sqlite.UNDECODED if sqlite.UNDECODED in names else None,
                )
                connection.register("given", some)
                reader = connection.sql(f"select * from ({statement}) where {filter_}")
                for batch in reader.to_arrow_reader(BATCH_ROWS):
                    yield pa.Table.from_batches([batch])
