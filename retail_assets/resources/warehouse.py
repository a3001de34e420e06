"""The warehouse: who may write it when, and how it is read. DuckDB here, Snowflake in snowflake.py.

DuckDB admits one writing process, and while it writes nobody else may even read. So writers queue behind
a lock file, and each build that succeeds publishes a copy, which is all that readers ever open: they see
the warehouse as it was then, never half a table, never a lock.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb
from filelock import FileLock, Timeout

from retail_assets.errors import UserError
from retail_assets.resources import storage
from retail_assets.resources.comments import (
    DUCKDB_COMMENTS,
    Description,
    duckdb_statements,
    missing_comments,
)
from retail_assets.resources.comments import (
    Execute as Execute,
)
from retail_assets.resources.publishing import publish
from retail_assets.resources.sessions import DuckDBSession, Session
from retail_assets.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt.common.destination import Destination

Say = Callable[[str], None]


class WarehouseError(UserError):
    """The warehouse cannot do what was asked; the message says what to do."""


class Warehouse(ABC):
    """What ingestion, transformation and readers need of a warehouse."""

    keeps_order: ClassVar[bool]
    """Whether a table's rows lie in the order in which they were written."""

    comments_query: ClassVar[str]
    """Gives the comments of tables and columns: schema, table, column (null for the table) and comment."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._first: Callable[[Say], None] | None = None

    def before_first_writing(self, act: Callable[[Say], None]) -> None:
        """Have something done when this process first writes, before anything else; again if it fails."""
        self._first = act

    @contextmanager
    def writing(self, say: Say) -> Iterator[None]:
        """A context in which this process may write; others wait. `say` is told of a wait."""
        with self._alone(say):
            if self._first:
                self._first(say)
                self._first = None
            yield

    @abstractmethod
    def _alone(self, say: Say) -> AbstractContextManager[None]:
        """A context in which no other process writes what this one may disturb."""

    @abstractmethod
    def publish(self) -> None:
        """Show readers what has been written so far."""

    def outdated_storage(self) -> str | None:
        """The storage version that the warehouse is written in, if it is another than the project's."""
        return None

    def rewrite_storage(self) -> None:
        """Write the warehouse in the project's storage version. Only inside `writing`."""
        return

    @abstractmethod
    def session(self) -> AbstractContextManager[Session]:
        """A connection where runs write: what runs one statement. Only inside `writing`."""

    def execute(self, statement: str) -> Sequence[tuple[Any, ...]]:
        """Run one statement where runs write. Only inside `writing`."""
        with self.session() as execute:
            return execute(statement)

    @abstractmethod
    def comment(self, descriptions: Iterable[Description], execute: Execute) -> None:
        """Describe the tables that are there, and their columns, to whoever reads them."""

    @abstractmethod
    def query(self, statement: str) -> "pa.Table":
        """The result of a statement, read-only, on what was published."""

    @contextmanager
    def reading(self) -> "Iterator[Callable[[str], pa.Table]]":
        """A context for several queries of one reader: what runs one, as `query` does."""
        yield self.query

    @abstractmethod
    def hash_of(self, columns: Sequence[str]) -> str:
        """SQL that hashes all rows of a group, whatever their order: another value where any differs."""

    @abstractmethod
    def dlt_destination(self) -> "Destination[Any, Any]":
        """Where dlt loads to."""

    def dagster_resources(self) -> dict[str, Any]:
        """Connections that the UI lists among the resources, by name, without their secrets."""
        return {}

    def check(self) -> str:
        """One line that describes the connection. Raises if it cannot connect."""
        self.query("select 1")
        return "connected"


def warehouse_of(settings: Settings) -> Warehouse:
    """The warehouse that the settings name."""
    if settings.warehouse == "snowflake":
        # Its client takes most of a second to import.
        from retail_assets.resources.snowflake import SnowflakeWarehouse

        return SnowflakeWarehouse(settings)
    return DuckDBWarehouse(settings)


@contextmanager
def transaction(execute: Execute) -> Iterator[None]:
    """All statements within or none."""
    execute("begin transaction")
    try:
        yield
    except BaseException:
        execute("rollback")
        raise
    execute("commit")


class DuckDBWarehouse(Warehouse):
    """A DuckDB file in the home, and a published copy beside it."""

    keeps_order = True
    comments_query = DUCKDB_COMMENTS

    @contextmanager
    def _alone(self, say: Say) -> Iterator[None]:
        path = self._settings.duckdb_path
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("Another run is writing the warehouse; this one waits for it.")
            lock.acquire()
        try:
            # Before dlt, dbt or a session of ours does: whoever creates the file chooses its storage version.
            if not path.exists():
                storage.create(path)
            yield
        finally:
            lock.release()

    def outdated_storage(self) -> str | None:
        path = self._settings.duckdb_path
        written = storage.storage_version(path) if path.exists() else storage.STORAGE_VERSION
        return None if written == storage.STORAGE_VERSION else written

    def rewrite_storage(self) -> None:
        storage.rewrite(self._settings.duckdb_path)

    def publish(self) -> None:
        with self._connected() as connection:
            _drop_dlt_staging(connection)
            connection.execute("checkpoint")
        publish(self._settings.duckdb_path, self._settings.published_path)

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._connected() as connection:
            yield DuckDBSession(connection)

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        # The limit is the file's in this process, whoever of those who have it open set it.
        with duckdb.connect(self._settings.duckdb_path) as connection:
            connection.execute(f"set memory_limit = '{self._settings.memory}'")
            yield connection

    def comment(self, descriptions: Iterable[Description], execute: Execute) -> None:
        missing = list(missing_comments(descriptions, execute(DUCKDB_COMMENTS)))
        if not missing:
            return
        # One commit, which is what a statement costs most of.
        execute("begin")
        for description, texts in missing:
            for statement in duckdb_statements(description, texts):
                execute(statement)
        execute("commit")

    def query(self, statement: str) -> "pa.Table":
        with self.reading() as query:
            return query(statement)

    @contextmanager
    def reading(self) -> "Iterator[Callable[[str], pa.Table]]":
        """All queries within see the same published copy."""
        path = self._settings.published_path
        if not path.exists() and self._settings.duckdb_path.exists():
            raise WarehouseError(
                "A run has begun to build, and nothing of it is shown yet. If it was stopped, run"
                " `retail-assets backfill` again."
            )
        if not path.exists():
            raise WarehouseError(
                "Nothing has been built yet. Run `retail-assets demo`, or `retail-assets backfill`"
                " on a source of your own."
            )
        config: dict[str, Any] = {
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "memory_limit": self._settings.memory,
        }
        with duckdb.connect(path, read_only=True, config=config) as connection:

            def query(statement: str) -> "pa.Table":
                try:
                    if len(connection.extract_statements(statement)) > 1:
                        raise WarehouseError("These are several statements. Write one query.")
                    result = connection.sql(statement)
                    if result is None:
                        raise WarehouseError("The statement is no query, and this connection only reads.")
                    return result.to_arrow_table()
                except duckdb.Error as error:
                    raise WarehouseError(str(error)) from None

            yield query

    def hash_of(self, columns: Sequence[str]) -> str:
        listed = ", ".join(columns)
        return f"sum(cast(hash({listed}) as hugeint))"

    def dlt_destination(self) -> "Destination[Any, Any]":
        import dlt
        from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

        credentials = DuckDbCredentials(str(self._settings.duckdb_path))
        credentials.global_config = {"memory_limit": self._settings.memory}
        return dlt.destinations.duckdb(credentials)

    def check(self) -> str:
        path = self._settings.published_path
        if not path.exists():
            return f"no run has finished yet; the warehouse will be {self._settings.duckdb_path}"
        tables = self.query("select count(*) as n from duckdb_tables()").column("n")[0].as_py()
        return f"{tables} tables, {path.stat().st_size / 1e6:,.0f} MB"


def _drop_dlt_staging(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove dlt's own schemas, which hold the rows that were loaded last.

    A load does not need them once it has ended, and the next one creates them again.
    """
    schemas = connection.execute(
        "select distinct schema_name from duckdb_schemas()"
        " where regexp_matches(schema_name, '^raw_.*_staging$')"
    ).fetchall()
    for (schema,) in schemas:
        connection.execute(f"drop schema {schema} cascade")
