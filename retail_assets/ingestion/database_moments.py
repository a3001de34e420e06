"""One moment of a database: several tables are read as they were at the same time, and nobody is blocked.

Else an order could be read before a change, and its lines after it. PostgreSQL lends a transaction's snapshot
to others. SQL Server has snapshots where the database allows them, of one connection each, which gives one
result at a time: a result that is still open when the next begins is put by in a file. Of other databases,
and where a snapshot cannot be had, each table is of its own moment, and the overlap of the next reading makes
up for that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Protocol

import pyarrow as pa
import sqlalchemy as sa

_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")
_IS_ALLOWED = "select snapshot_isolation_state_desc from sys.databases where database_id = db_id()"


class Moment(Protocol):
    """Gives connections that see the same moment."""

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]: ...

    def kept(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches of a connection's result, which may give way to the next."""


@contextmanager
def opened(engine: sa.Engine) -> Iterator[Moment | None]:
    """A moment that lasts as long as the context; None where there is none to be had."""
    kind = {"mssql": _of_sql_server, "postgresql": _of_postgresql}.get(engine.dialect.name)
    if kind is None:
        yield None
    else:
        with kind(engine) as moment:
            yield moment


@contextmanager
def _of_postgresql(engine: sa.Engine) -> Iterator[Moment | None]:
    with _repeatable(engine) as connection:
        try:
            # Nothing is asked of it while the tables are read and loaded.
            connection.execute(sa.text("set local idle_in_transaction_session_timeout = 0"))
            name = str(connection.execute(sa.text("select pg_export_snapshot()")).scalar_one())
        except sa.exc.DBAPIError:
            # What only speaks like PostgreSQL may not have it.
            name = None
        yield _Lent(engine, name) if name else None


@contextmanager
def _of_sql_server(engine: sa.Engine) -> Iterator[Moment | None]:
    try:
        with engine.connect() as connection:
            is_allowed = connection.execute(sa.text(_IS_ALLOWED)).scalar() == "ON"
    except sa.exc.DBAPIError:
        is_allowed = False
    if not is_allowed:
        yield None
        return
    moment = _Held(engine)
    try:
        yield moment
    finally:
        moment.close()


@contextmanager
def _repeatable(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


class _Lent:
    """A snapshot that a transaction lends to others, by its name."""

    def __init__(self, engine: sa.Engine, name: str):
        self._engine = engine
        self._name = name

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        with _repeatable(self._engine) as connection:
            connection.execute(sa.text(f"set transaction snapshot '{self._name}'"))
            yield connection

    def kept(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches


class _Held:
    """One connection, whose transaction sees one moment."""

    def __init__(self, engine: sa.Engine):
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._open: _Result | None = None

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        if self._open:
            self._open.put_by()
            self._open = None
        if self._connection is None or self._connection.invalidated:
            # Where a query was broken off, what is read after it is of another moment.
            self.close()
            connection = self._engine.connect()
            self._connection = connection.execution_options(isolation_level="SNAPSHOT")
        yield self._connection

    def kept(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        self._open = _Result(batches)
        return self._open.batches()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Result:
    """The rest of a result, which may be put by in a file."""

    def __init__(self, batches: Iterator[pa.RecordBatch]):
        self._batches = batches

    def batches(self) -> Iterator[pa.RecordBatch]:
        while (batch := next(self._batches, None)) is not None:
            yield batch

    def put_by(self) -> None:
        """Read the rest to its end. What goes wrong is told to who reads it."""
        self._batches = _put_by(self._batches)
        next(self._batches)


def _put_by(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same from a file without a name. What comes first is no batch: all has been read by then."""
    failed: Exception | None = None
    with TemporaryFile() as file:
        try:
            for batch in batches:
                # Each is a stream of its own: where rows are read, types differ.
                with pa.ipc.new_stream(file, batch.schema, options=_PACKED) as stream:
                    stream.write_batch(batch)
        except Exception as error:
            failed = error
        end = file.tell()
        file.seek(0)
        yield pa.RecordBatch.from_pylist([], pa.schema([]))
        while file.tell() < end:
            with pa.ipc.open_stream(file) as stream:
                yield from stream
    if failed:
        raise failed
