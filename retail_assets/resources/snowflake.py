"""The warehouse on Snowflake, through dagster-snowflake's resource."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_snowflake import SnowflakeResource

from retail_assets.resources.comments import (
    SNOWFLAKE_COMMENTS,
    Description,
    Execute,
    missing_comments,
    snowflake_statements,
)
from retail_assets.resources.sessions import Session
from retail_assets.resources.warehouse import Say, Warehouse, WarehouseError
from retail_assets.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt.common.destination import Destination
    from snowflake.connector import SnowflakeConnection
    from snowflake.connector.cursor import SnowflakeCursor

ROWS_AT_ONCE = 10_000


def snowflake_resource(settings: Settings, password: str) -> SnowflakeResource:
    """The connection that the settings describe. `Definitions` gets the name of the password's variable."""
    elsewhere: dict[str, Any] = {}
    if settings.snowflake_host:
        elsewhere = {
            "host": settings.snowflake_host,
            "port": settings.snowflake_port,
            "protocol": settings.snowflake_protocol,
        }
    return SnowflakeResource(
        account=settings.snowflake_account,
        user=settings.snowflake_user,
        password=password,
        database=settings.snowflake_database,
        warehouse=settings.snowflake_warehouse or None,
        role=settings.snowflake_role or None,
        additional_snowflake_connection_args=elsewhere,
    )


class SnowflakeWarehouse(Warehouse):
    """A Snowflake database. Its transactions keep writers and readers apart."""

    keeps_order = False

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self._connections = snowflake_resource(settings, settings.snowflake_password.get_secret_value())

    def dagster_resources(self) -> dict[str, Any]:
        return {"snowflake": snowflake_resource(self._settings, dg.EnvVar("RETAIL_SNOWFLAKE_PASSWORD"))}

    @contextmanager
    def _alone(self, say: Say) -> Iterator[None]:
        yield

    def publish(self) -> None:
        return

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._connections.get_connection() as connection:
            yield SnowflakeSession(connection)

    def comment(self, descriptions: Iterable[Description], execute: Execute) -> None:
        for description, texts in missing_comments(descriptions, execute(SNOWFLAKE_COMMENTS)):
            for statement in snowflake_statements(description, texts):
                execute(statement)

    def query(self, statement: str) -> "pa.Table":
        first = statement.lstrip().split(maxsplit=1)[:1]
        if not first or first[0].lower() not in ("select", "with", "show", "describe"):
            raise WarehouseError("Only queries are run here: select, with, show or describe.")
        with self._connections.get_connection() as connection:
            return SnowflakeSession(connection).read(statement)

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


class SnowflakeSession(Session):
    """Rows become a table that is dropped again, in statements of many rows each."""

    def __init__(self, connection: "SnowflakeConnection"):
        self._connection = connection

    def __call__(self, statement: str) -> Sequence[tuple[Any, ...]]:
        return _run(self._connection, statement).fetchall()

    def read(self, statement: str) -> "pa.Table":
        import pyarrow as pa

        cursor = _run(self._connection, statement)
        names = [column.name.lower() for column in cursor.description]
        rows = cursor.fetchall()
        columns = zip(*rows, strict=True) if rows else [[] for _ in names]
        return pa.table(dict(zip(names, map(list, columns), strict=True)))

    @contextmanager
    def holding(self, name: str, rows: "pa.Table") -> Iterator[str]:
        declared = ", ".join(f"{field.name} {_type_of(field.type)}" for field in rows.schema)
        self(f"create or replace transient table {name} ({declared})")
        places = ", ".join(["%s"] * rows.num_columns)
        for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE):
            values = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
            self._connection.cursor().executemany(f"insert into {name} values ({places})", values)
        try:
            yield name
        finally:
            self(f"drop table {name}")


def _type_of(arrow_type: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_floating(arrow_type):
        return "double"
    return "bigint" if pa.types.is_integer(arrow_type) else "varchar"


def _run(connection: "SnowflakeConnection", statement: str) -> "SnowflakeCursor":
    cursor = connection.cursor().execute(statement)
    assert cursor is not None
    return cursor
