"""The warehouse: who may write it when, and how it is read. DuckDB and Snowflake alike.

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
from retail_assets.resources.comments import (
    DUCKDB_COMMENTS,
    SNOWFLAKE_COMMENTS,
    Description,
    Execute,
    duckdb_statements,
    missing_comments,
    snowflake_statements,
)
from retail_assets.resources.publishing import publish
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

    def __init__(self, settings: Settings):
        self._settings = settings

    @abstractmethod
    def writing(self, say: Say) -> Any:
        """A context in which this process may write; others wait. `say` is told of a wait."""

    @abstractmethod
    def publish(self) -> None:
        """Show readers what has been written so far."""

    @abstractmethod
    def session(self) -> AbstractContextManager[Execute]:
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

    @abstractmethod
    def dlt_destination(self) -> "Destination":
        """Where dlt loads to."""

    def check(self) -> str:
        """One line on the connection. Raises if there is none."""
        self.query("select 1")
        return "connected"


def warehouse_of(settings: Settings) -> Warehouse:
    """The warehouse that the settings name."""
    if settings.warehouse == "snowflake":
        return SnowflakeWarehouse(settings)
    return DuckDBWarehouse(settings)


class DuckDBWarehouse(Warehouse):
    """A DuckDB file in the home, and a published copy beside it."""

    keeps_order = True

    @contextmanager
    def writing(self, say: Say) -> Iterator[None]:
        path = self._settings.duckdb_path
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("Another run is writing the warehouse; this one waits for it.")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def publish(self) -> None:
        with duckdb.connect(self._settings.duckdb_path) as connection:
            _drop_dlt_staging(connection)
            connection.execute("checkpoint")
            sizes = connection.execute("select block_size from pragma_database_size()").fetchall()
        publish(self._settings.duckdb_path, self._settings.published_path, block_size=sizes[0][0])

    @contextmanager
    def session(self) -> Iterator[Execute]:
        with duckdb.connect(self._settings.duckdb_path) as connection:
            yield lambda statement: connection.execute(statement).fetchall()

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
        path = self._settings.published_path
        if not path.exists():
            raise WarehouseError(
                "Nothing has been built yet. Run `retail-assets demo`, or `retail-assets backfill`"
                " on a source of your own."
            )
        config: dict[str, Any] = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
        with duckdb.connect(path, read_only=True, config=config) as connection:
            try:
                result = connection.sql(statement)
                if result is None:
                    raise WarehouseError("The statement is no query, and this connection only reads.")
                return result.to_arrow_table()
            except duckdb.Error as error:
                raise WarehouseError(str(error)) from None

    def dlt_destination(self) -> "Destination":
        import dlt

        return dlt.destinations.duckdb(str(self._settings.duckdb_path))

    def check(self) -> str:
        path = self._settings.published_path
        if not path.exists():
            return f"no run has finished yet; the warehouse will be {self._settings.duckdb_path}"
        tables = self.query("select count(*) as n from duckdb_tables()").column("n")[0].as_py()
        return f"{tables} tables, {path.stat().st_size / 1e6:,.0f} MB"


def _drop_dlt_staging(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove dlt's own schemas, which hold the rows that were loaded last.

    Each load of a system is done with them when it ends, and makes them anew.
    """
    schemas = connection.execute(
        "select distinct schema_name from duckdb_schemas()"
        " where regexp_matches(schema_name, '^raw_.*_staging$')"
    ).fetchall()
    for (schema,) in schemas:
        connection.execute(f"drop schema {schema} cascade")


class SnowflakeWarehouse(Warehouse):
    """A Snowflake database. Its transactions keep writers and readers apart."""

    keeps_order = False

    @contextmanager
    def writing(self, say: Say) -> Iterator[None]:
        yield

    def publish(self) -> None:
        return

    @contextmanager
    def session(self) -> Iterator[Execute]:
        with self._connection() as connection:
            yield lambda statement: connection.cursor().execute(statement).fetchall()

    def comment(self, descriptions: Iterable[Description], execute: Execute) -> None:
        for description, texts in missing_comments(descriptions, execute(SNOWFLAKE_COMMENTS)):
            for statement in snowflake_statements(description, texts):
                execute(statement)

    def query(self, statement: str) -> "pa.Table":
        import pyarrow as pa

        first = statement.lstrip().split(maxsplit=1)[:1]
        if not first or first[0].lower() not in ("select", "with", "show", "describe"):
            raise WarehouseError("Only queries are run here: select, with, show or describe.")
        with self._connection() as connection:
            cursor = connection.cursor().execute(statement)
            names = [column.name.lower() for column in cursor.description]
            rows = cursor.fetchall()
            columns = zip(*rows, strict=True) if rows else [[] for _ in names]
            return pa.table(dict(zip(names, map(list, columns), strict=True)))

    def dlt_destination(self) -> "Destination":
        import dlt

        settings = self._settings
        return dlt.destinations.snowflake(
            credentials={
                "host": settings.snowflake_host or settings.snowflake_account,
                "database": settings.snowflake_database,
                "username": settings.snowflake_user,
                "password": settings.snowflake_password.get_secret_value(),
                "warehouse": settings.snowflake_warehouse,
                "role": settings.snowflake_role,
            }
        )

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        from dagster_snowflake import SnowflakeResource

        settings = self._settings
        elsewhere = (
            {
                "host": settings.snowflake_host,
                "port": settings.snowflake_port,
                "protocol": settings.snowflake_protocol,
            }
            if settings.snowflake_host
            else {}
        )
        resource = SnowflakeResource(
            account=settings.snowflake_account,
            user=settings.snowflake_user,
            password=settings.snowflake_password.get_secret_value(),
            database=settings.snowflake_database,
            warehouse=settings.snowflake_warehouse or None,
            role=settings.snowflake_role or None,
            additional_snowflake_connection_args=elsewhere,
        )
        with resource.get_connection() as connection:
            yield connection
