"""The warehouse on Snowflake, through dagster-snowflake's resource."""

from collections.abc import Iterable, Iterator
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
from retail_assets.resources.warehouse import Say, Warehouse, WarehouseError
from retail_assets.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt.common.destination import Destination
    from snowflake.connector import SnowflakeConnection
    from snowflake.connector.cursor import SnowflakeCursor


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
    def session(self) -> Iterator[Execute]:
        with self._connections.get_connection() as connection:
            yield lambda statement: _run(connection, statement).fetchall()

    def comment(self, descriptions: Iterable[Description], execute: Execute) -> None:
        for description, texts in missing_comments(descriptions, execute(SNOWFLAKE_COMMENTS)):
            for statement in snowflake_statements(description, texts):
                execute(statement)

    def query(self, statement: str) -> "pa.Table":
        import pyarrow as pa

        first = statement.lstrip().split(maxsplit=1)[:1]
        if not first or first[0].lower() not in ("select", "with", "show", "describe"):
            raise WarehouseError("Only queries are run here: select, with, show or describe.")
        with self._connections.get_connection() as connection:
            cursor = _run(connection, statement)
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


def _run(connection: "SnowflakeConnection", statement: str) -> "SnowflakeCursor":
    cursor = connection.cursor().execute(statement)
    assert cursor is not None
    return cursor
