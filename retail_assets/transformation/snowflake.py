"""dbt's connections to Snowflake, while dbt runs in this process.

dbt's profile knows neither timeouts nor session parameters, and would need the secrets in the environment,
where every child process sees them. So dbt connects here with what the product connects with.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, ClassVar

from snowflake.connector import SnowflakeConnection, connect
from snowflake.connector.errors import Error

from retail_assets.internals import SnowflakeAdapter, SnowflakeConnectionManager
from retail_assets.resources.snowflake_connection import connector_arguments
from retail_assets.settings import Settings


class StoppedError(Exception):
    """dbt wanted to begin a statement after the run was asked to stop."""


class Connections(SnowflakeConnectionManager):
    """dbt's connection manager, with the product's connections."""

    settings: ClassVar[Settings]
    opened: ClassVar[list[SnowflakeConnection]] = []
    is_stopped: ClassVar[bool] = False

    @classmethod
    def retry_connection(cls, connection: Any, connect: Callable[[], Any], *rest: Any, **options: Any) -> Any:
        """Tried as dbt tries what its profile says; `connect`, which does that, is not called."""
        return super().retry_connection(connection, cls._connected, *rest, **options)

    @classmethod
    def _connected(cls) -> SnowflakeConnection:
        handle = connect(application="dbt", autocommit=True, **connector_arguments(cls.settings))
        cls.opened.append(handle)
        if cls.is_stopped:
            handle.close()
            raise StoppedError("The run was asked to stop.")
        return handle

    def add_standard_query(self, sql: str, **options: Any) -> Any:
        if self.is_stopped:
            raise StoppedError("The run was asked to stop.")
        return super().add_standard_query(sql, **options)

    @classmethod
    def stop(cls) -> None:
        """Begin no further statement, and have Snowflake end those that it is at."""
        cls.is_stopped = True
        sessions = [handle.session_id for handle in cls.opened if not handle.is_closed()]
        # What cannot be reached ends its statements by itself: ABORT_DETACHED_QUERY.
        # The connection's own context would end with a commit, and wait for its answer.
        with suppress(Error), closing(connect(**connector_arguments(cls.settings))) as connection:
            for session in sessions:
                connection.cursor().execute(f"select system$cancel_all_queries({session})")


@contextmanager
def connections(settings: Settings) -> Iterator[Callable[[], None]]:
    """A context in which dbt connects as these settings say. Gives what stops dbt."""
    Connections.settings, Connections.opened, Connections.is_stopped = settings, [], False
    known = SnowflakeAdapter.ConnectionManager
    SnowflakeAdapter.ConnectionManager = Connections
    try:
        yield Connections.stop
    finally:
        SnowflakeAdapter.ConnectionManager = known
