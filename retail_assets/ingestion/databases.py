"""Connections to source databases: which driver, how long one waits, what a session is told first."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retail_assets.ingestion import sqlite
from retail_assets.ingestion.database_errors import without_driver
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.urls import without_secrets

# A login that takes longer is given up, and so is a query of which nothing comes for so long: a server that
# does not answer any more would be waited for without end.
LOGIN_SECONDS = 15
QUERY_SECONDS = 600
# A table that somebody has locked is given up, and the others are read.
LOCK_SECONDS = 60
_SESSION = {
    "postgresql": (
        f"set lock_timeout = '{LOCK_SECONDS}s'",
        f"set statement_timeout = '{QUERY_SECONDS}s'",
        "set datestyle = 'ISO'",
    ),
    "mysql": (f"set session lock_wait_timeout = {LOCK_SECONDS}",),
    "mariadb": (f"set session lock_wait_timeout = {LOCK_SECONDS}",),
    # In some languages '2024-03-01' is 3 January, which is how pymssql writes days.
    "mssql": ("set language us_english", f"set lock_timeout {LOCK_SECONDS * 1000}"),
}


def engine_of(system: str, url: str) -> sa.Engine:
    """An engine for a system's URL, with nothing connected yet. Raises `SourceError` if it is of no use."""
    file = file_of(url)
    try:
        parsed = sa.make_url(url)
        waiting = {} if file else _waiting(parsed)
        options: dict[str, Any] = {"creator": lambda: _opened(file)} if file else {}
        if parsed.get_backend_name() == "mssql":
            # As numbers they are among the arguments.
            parsed = parsed.difference_update_query([*_TIMEOUTS])
            if parsed.drivername.endswith("+pymssql") and "encryption" not in parsed.query:
                # Left alone it would send all in clear text but the login.
                parsed = parsed.update_query_dict({"encryption": "require"})
        # Several tables are read at a time: large ones stay open while the next are begun.
        engine = sa.create_engine(
            url if file else parsed,
            poolclass=sa.QueuePool,
            max_overflow=-1,
            connect_args={name: value for name, value in waiting.items() if name != _QUERY},
            **options,
        )
    except (sa.exc.ArgumentError, ValueError) as error:
        raise SourceError(
            f"RETAIL_{system.upper()}_URL is not a URL that SQLAlchemy can open:"
            f" {without_secrets(str(error), url)}. Write `driver://user:password@host:port/database`,"
            " and @, : and / in a password as %40, %3A and %2F."
        ) from None
    except ImportError as error:
        raise without_driver(system, url, str(error)) from None
    sa.event.listen(
        engine, "connect", lambda connection, _: _prepare(connection, engine.dialect, waiting.get(_QUERY))
    )
    return engine


def give_instants_in(engine: sa.Engine, zone: Callable[[], str]) -> None:
    """Have MySQL's `timestamp` columns, which are instants, come in this zone, as its other times are taken.

    Left alone they come in the zone of the server, and so they do if it does not know this one.
    """
    if engine.dialect.name not in ("mysql", "mariadb"):
        return

    def ask(connection: Any, _: Any) -> None:
        # Names of zones are known only where somebody has loaded them.
        name = "+00:00" if zone() == "UTC" else zone()
        cursor = connection.cursor()
        with suppress(engine.dialect.loaded_dbapi.Error):
            cursor.execute(f"set session time_zone = '{name}'")
        cursor.close()

    sa.event.listen(engine, "connect", ask)


def file_of(url: str) -> Path | None:
    """The file of a SQLite URL; None for other databases, and for one in memory."""
    is_file = re.match(r"sqlite(\+\w+)?:///.", url) and not url.endswith(":memory:")
    return sqlite.path_of(url) if is_file else None


def refuse_missing(system: str, file: Path) -> None:
    """Raise `SourceError` if there is no such SQLite file."""
    if not file.is_file():
        raise SourceError(
            f"{system}: there is no SQLite file {file}. Set RETAIL_{system.upper()}_URL,"
            " or run `retail-assets demo` to simulate one."
        )


# What URLs of SQL Server may say of waiting, in seconds.
_TIMEOUTS = ("login_timeout", "timeout")
# Not an argument of connecting, but an attribute of the connection.
_QUERY = "_query"


def _waiting(url: sa.URL) -> Mapping[str, int]:
    """How long the driver waits, as it names that; what the URL says counts."""
    _, _, driver = url.drivername.partition("+")
    login, query = LOGIN_SECONDS, QUERY_SECONDS
    if url.get_backend_name() == "mssql":
        login, query = (
            int(str(url.query.get(name, default)))
            for name, default in zip(_TIMEOUTS, (login, query), strict=True)
        )
        is_dblib = driver == "pymssql"
        return {"login_timeout": login, "timeout": query} if is_dblib else {"timeout": login, _QUERY: query}
    names = {
        "pymysql": {"connect_timeout": login, "read_timeout": query},
        "mysqldb": {"connect_timeout": login, "read_timeout": query},
        # A peer that is gone without a word is found out by the network.
        "psycopg": {"connect_timeout": login, "keepalives_idle": 60, "tcp_user_timeout": query * 1000},
        "psycopg2": {"connect_timeout": login, "keepalives_idle": 60, "tcp_user_timeout": query * 1000},
    }.get(driver, {})
    return {name: value for name, value in names.items() if name not in url.query}


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        sqlite.read_only(file), uri=True, timeout=sqlite.BUSY_SECONDS, check_same_thread=False
    )


def _prepare(connection: Any, dialect: sa.Dialect, query_seconds: int | None) -> None:
    """Settings of a new connection's session."""
    if query_seconds is not None:
        connection.timeout = query_seconds
    if dialect.driver == "psycopg":
        from psycopg.types.string import TextLoader

        # An infinite time, and one after the year 9999, cannot be a Python object.
        for name in ("timestamp", "timestamptz", "date"):
            connection.adapters.register_loader(name, TextLoader)
    statements = _SESSION.get(dialect.name, ())
    if statements:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()
