"""Connections of one database, and the rows of its queries as Arrow."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import sqlalchemy as sa

from retail_assets.catalog.contract import SourceColumn
from retail_assets.ingestion import database_errors, database_moments, postgresql, sqlite, sqlserver
from retail_assets.ingestion.database_moments import Moment
from retail_assets.ingestion.source import BATCH_ROWS

# What DuckDB reads like a table.
Rows: TypeAlias = pa.RecordBatch | pa.RecordBatchReader
Query: TypeAlias = sa.Select[*tuple[Any, ...]]
# One select, or several whose rows come one after the other.
Queries: TypeAlias = Query | sa.CompoundSelect[*tuple[Any, ...]]


class DatabaseRows:
    """`file` is SQLite's. An error of connecting becomes what `failure` makes of it."""

    def __init__(self, engine: sa.Engine, file: Path | None, failure: Callable[[Exception], Exception]):
        self._engine = engine
        self._file = file
        self._failure = failure
        self._moment: Moment | None = None

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """What is asked for within is as of one moment, where the database can tell it."""
        with ExitStack() as stack:
            try:
                self._moment = stack.enter_context(database_moments.opened(self._engine))
            except Exception as error:
                raise self._failure(error) from error
            try:
                yield
            finally:
                self._moment = None

    def read(self, query: Queries, columns: Sequence[SourceColumn]) -> Iterator[Rows]:
        """The rows of a query for these columns; one batch at least."""
        if self._file:
            compiled = query.compile(self._engine, compile_kwargs={"literal_binds": True})
            yield from sqlite.readers(self._file, str(compiled), columns)
            return
        names = [column.name for column in columns]
        batches = self._batches(query, names, self._moment)
        try:
            first = next(batches)
        except Exception as error:
            if self._moment is None or not database_errors.is_of_snapshot(error):
                raise
            # Behind a synonym there may be a database that has no snapshots.
            batches = self._batches(query, names, None)
            first = next(batches)
        yield first
        yield from batches

    def _batches(
        self, query: Queries, names: Sequence[str], moment: Moment | None
    ) -> Iterator[pa.RecordBatch]:
        with self._connected(moment) as connection:
            if self._engine.dialect.driver == sqlserver.ARROW_DRIVER:
                batches = sqlserver.batches(connection.execute(query), names, BATCH_ROWS)
            elif written := self._copied(connection, query):
                batches = postgresql.batches(connection, query, names, written)
            else:
                batches = _by_rows(connection, query, names)
            yield from moment.kept(batches) if moment else batches

    def _copied(self, connection: sa.Connection, query: Queries) -> Sequence[str] | None:
        """How the columns are written where COPY can send them; else None."""
        is_ours = self._engine.dialect.name == "postgresql" and self._engine.driver == postgresql.COPY_DRIVER
        return postgresql.kinds(connection, query) if is_ours else None

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A connection. What goes wrong with what it is asked is raised as the driver does."""
        with self._connected(self._moment) as connection:
            yield connection

    @contextmanager
    def _connected(self, moment: Moment | None) -> Iterator[sa.Connection]:
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(moment.connected() if moment else self._engine.connect())
            except Exception as error:
                raise self._failure(error) from error
            try:
                yield connection
            except Exception as error:
                if database_errors.is_lost(error, self._engine.dialect):
                    # Nothing more is said to it: a peer that is silent would be waited for again.
                    connection.invalidate()
                raise

    def answers(self) -> bool:
        """Whether the database answers a new connection: then one query took too long, and no more."""
        try:
            with self._engine.connect():
                return True
        except Exception:
            return False


def array(values: tuple[Any, ...]) -> pa.Array:
    """Values as the driver gives them.

    Those without a single Arrow type become text, and so do decimals that DuckDB does not have: of more than
    38 digits, or infinite ones.
    """
    try:
        found = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, TypeError):
        return _as_text(values)
    return _as_text(values) if pa.types.is_decimal256(found.type) else found


def _as_text(values: tuple[Any, ...]) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _by_rows(connection: sa.Connection, query: Queries, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    result = connection.execution_options(stream_results=True).execute(query)
    is_empty = True
    while rows := result.fetchmany(BATCH_ROWS):
        is_empty = False
        yield pa.RecordBatch.from_arrays(list(map(array, zip(*rows, strict=True))), list(names))
    if is_empty:
        yield pa.RecordBatch.from_pylist([], pa.schema([(name, pa.string()) for name in names]))
