"""The warehouse on Snowflake, through dagster-snowflake's resource."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_snowflake import SnowflakeResource
from snowflake.connector.errors import Error

from retail_assets.resources.comments import (
    SNOWFLAKE_COMMENTS,
    Description,
    Execute,
    missing_comments,
    snowflake_statements,
)
from retail_assets.resources.lease import leased
from retail_assets.resources.sessions import Session
from retail_assets.resources.snowflake_connection import (
    CredentialsError,
    credentials,
    limits,
    place,
    session_parameters,
)
from retail_assets.resources.warehouse import Say, Warehouse, WarehouseError
from retail_assets.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt.common.destination import Destination
    from snowflake.connector import SnowflakeConnection
    from snowflake.connector.cursor import ResultMetadata, SnowflakeCursor

ROWS_AT_ONCE = 10_000


def snowflake_resource(settings: Settings, **login: Any) -> SnowflakeResource:
    """The connection that the settings describe, which logs in with this."""
    return SnowflakeResource(
        account=settings.snowflake_account,
        user=settings.snowflake_user,
        database=settings.snowflake_database,
        schema=settings.snowflake_schema,
        warehouse=settings.snowflake_warehouse or None,
        role=settings.snowflake_role or None,
        login_timeout=settings.snowflake_login_timeout,
        network_timeout=settings.snowflake_network_timeout,
        additional_snowflake_connection_args={
            **place(settings),
            "session_parameters": session_parameters(settings),
        },
        **login,
    )


class SnowflakeWarehouse(Warehouse):
    """A Snowflake database. Its transactions keep readers and writers apart, a lease the writers."""

    keeps_order = False
    comments_query = SNOWFLAKE_COMMENTS

    def dagster_resources(self) -> dict[str, Any]:
        """The connection for assets of one's own: secrets are read from the environment when it opens."""
        settings = self._settings
        if settings.snowflake_private_key.get_secret_value():
            secrets = {"private_key": "PRIVATE_KEY", "private_key_password": "PRIVATE_KEY_PASSPHRASE"}
        elif settings.snowflake_private_key_file:
            secrets = {"private_key_password": "PRIVATE_KEY_PASSPHRASE"}
        else:
            secrets = {"password": "PASSWORD"}
        if not settings.snowflake_private_key_passphrase.get_secret_value():
            secrets.pop("private_key_password", None)
        named: dict[str, Any] = {
            field: dg.EnvVar(f"RETAIL_SNOWFLAKE_{name}") for field, name in secrets.items()
        }
        if "private_key" not in secrets and "password" not in secrets:
            named["private_key_path"] = settings.snowflake_private_key_file
        return {"snowflake": snowflake_resource(settings, **named)}

    @contextmanager
    def _alone(self, say: Say) -> Iterator[None]:
        with leased(self.session, say):
            yield

    def publish(self) -> None:
        return

    @contextmanager
    def _connection(self) -> Iterator["SnowflakeConnection"]:
        """A connection. Raises `CredentialsError`, and `WarehouseError` if Snowflake refuses it."""
        found = credentials(self._settings)
        fields = {"passphrase": "private_key_password"}
        resource = snowflake_resource(
            self._settings, **{fields.get(name, name): value for name, value in found.items()}
        )
        with ExitStack() as stack:
            with _told("Snowflake cannot be reached"):
                try:
                    connection = stack.enter_context(resource.get_connection())
                except ValueError:
                    raise CredentialsError(
                        "The private key cannot be read with RETAIL_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE."
                    ) from None
            yield connection

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._connection() as connection:
            yield SnowflakeSession(connection)

    def comment(self, descriptions: Iterable[Description], execute: Execute) -> None:
        for description, texts in missing_comments(descriptions, execute(SNOWFLAKE_COMMENTS)):
            for statement in snowflake_statements(description, texts):
                execute(statement)

    def query(self, statement: str) -> "pa.Table":
        first = statement.lstrip().split(maxsplit=1)[:1]
        if not first or first[0].lower() not in ("select", "with", "show", "describe"):
            raise WarehouseError("Only queries are run here: select, with, show or describe.")
        with self._connection() as connection, _told("Snowflake cannot answer"):
            return SnowflakeSession(connection).read(statement)

    def hash_of(self, columns: Sequence[str]) -> str:
        listed = ", ".join(columns)
        return f"hash_agg({listed})"

    def dlt_destination(self) -> "Destination[Any, Any]":
        import dlt

        settings = self._settings
        found = credentials(settings)
        fields = {"passphrase": "private_key_passphrase"}
        return dlt.destinations.snowflake(
            credentials={
                # dlt calls the account `host`. Where it is reached goes to the connector as it is.
                "host": settings.snowflake_account,
                "database": settings.snowflake_database,
                "username": settings.snowflake_user,
                "warehouse": settings.snowflake_warehouse or None,
                "role": settings.snowflake_role or None,
                "query": {
                    **place(settings),
                    **limits(settings),
                    "session_parameters": session_parameters(settings),
                },
                **{fields.get(name, name): value for name, value in found.items()},
            }
        )


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What Snowflake refuses is a sentence."""
    try:
        yield
    except Error as error:
        said = " ".join((error.raw_msg or error.msg or type(error).__name__).split())
        raise WarehouseError(f"{what}: {said}") from None


class SnowflakeSession(Session):
    """Rows become a table that is dropped again, in statements of many rows each."""

    def __init__(self, connection: "SnowflakeConnection"):
        self._connection = connection

    def __call__(self, statement: str) -> Sequence[tuple[Any, ...]]:
        return _run(self._connection, statement).fetchall()

    def days_later(self, day: str, days: str) -> str:
        return f"cast(dateadd('day', {days}, {day}) as date)"

    def read(self, statement: str) -> "pa.Table":
        import pyarrow as pa

        cursor = _run(self._connection, statement)
        described = list(cursor.description)
        rows = cursor.fetchall()
        columns = zip(*rows, strict=True) if rows else [() for _ in described]
        # By the query, not by the values: a column that is empty today has its type all the same.
        arrays = [_array(values, each) for values, each in zip(columns, described, strict=True)]
        return pa.table(arrays, names=[each.name.lower() for each in described])

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

    @contextmanager
    def keeping(self, name: str, query: str) -> Iterator[str]:
        self(f"create or replace transient table {name} as {query}")
        try:
            yield name
        finally:
            self(f"drop table {name}")


def _type_of(arrow_type: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_floating(arrow_type):
        return "double"
    if pa.types.is_date(arrow_type):
        return "date"
    if pa.types.is_timestamp(arrow_type):
        return "timestamp_ntz"
    return "bigint" if pa.types.is_integer(arrow_type) else "varchar"


def _array(values: Sequence[Any], described: "ResultMetadata") -> "pa.Array[Any]":
    """A column of a result, with the type that Snowflake says that it has.

    Whole numbers are of 64 bits, as in the models; those that are larger stay decimals of 38 digits.
    """
    import pyarrow as pa
    from snowflake.connector.constants import FIELD_ID_TO_NAME

    kind = FIELD_ID_TO_NAME[described.type_code]
    if kind == "FIXED" and described.scale:
        return pa.array(values, pa.decimal128(described.precision or 38, described.scale))
    if kind == "FIXED":
        try:
            return pa.array(values, pa.int64())
        except (OverflowError, pa.ArrowInvalid):
            return pa.array(values, pa.decimal128(38, 0))
    types = {
        "REAL": pa.float64(),
        "TEXT": pa.string(),
        "DATE": pa.date32(),
        "BOOLEAN": pa.bool_(),
        "TIME": pa.time64("us"),
        "BINARY": pa.binary(),
        "TIMESTAMP_NTZ": pa.timestamp("us"),
        "TIMESTAMP_LTZ": pa.timestamp("us", "UTC"),
        "TIMESTAMP_TZ": pa.timestamp("us", "UTC"),
    }
    # Of others, such as variants, the connector gives text.
    return pa.array(values, types.get(kind, pa.string()))


def _run(connection: "SnowflakeConnection", statement: str) -> "SnowflakeCursor":
    cursor = connection.cursor().execute(statement)
    assert cursor is not None
    return cursor
