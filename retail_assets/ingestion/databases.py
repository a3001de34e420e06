"""Connections to source databases, and what their errors mean to people."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retail_assets.ingestion import sqlite
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.urls import shown, without_secrets

# A table that somebody has locked is given up, and the others are read.
LOCK_SECONDS = 60
_SESSION = {
    "postgresql": (f"set lock_timeout = '{LOCK_SECONDS}s'", "set datestyle = 'ISO'"),
    "mysql": (f"set session lock_wait_timeout = {LOCK_SECONDS}",),
    "mariadb": (f"set session lock_wait_timeout = {LOCK_SECONDS}",),
    "mssql": (f"set lock_timeout {LOCK_SECONDS * 1000}",),
}

# What does not become better by trying again.
_LASTING = re.compile(
    r"password|authentication|access denied|permission denied|login failed|not authorized|pg_hba"
    r"|does not exist|unknown database|cannot open database|unable to open|not a database|malformed"
    r"|insufficient privilege|ORA-0(1017|0942|1031)",
    re.IGNORECASE,
)


def engine_of(system: str, url: str) -> sa.Engine:
    """An engine for a system's URL, with nothing connected yet. Raises `SourceError` if it is of no use."""
    file = file_of(url)
    options: dict[str, Any] = {"creator": lambda: _opened(file)} if file else {}
    try:
        # Several tables are read at a time: large ones stay open while the next are begun.
        engine = sa.create_engine(url, poolclass=sa.QueuePool, max_overflow=-1, **options)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise SourceError(
            f"RETAIL_{system.upper()}_URL is not a URL that SQLAlchemy can open:"
            f" {without_secrets(str(error), url)}. Write `driver://user:password@host:port/database`,"
            " and @, : and / in a password as %40, %3A and %2F."
        ) from None
    except ModuleNotFoundError as error:
        raise SourceError(
            f"RETAIL_{system.upper()}_URL needs a driver that is not installed ({error}). Install it,"
            " for example with `pip install '.[postgres]'` or `'.[sqlserver]'`."
        ) from None
    sa.event.listen(engine, "connect", lambda connection, _: _prepare(connection, engine.dialect))
    return engine


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


def failure(system: str, url: str, error: Exception) -> SourceError:
    """What an error of a whole database means: a `SourceUnreachableError` if it may be gone by itself."""
    reason = reason_of(error, url)
    setting = f"RETAIL_{system.upper()}_URL"
    if _LASTING.search(reason):
        return SourceError(f"{system}: the database at {shown(url)} refuses ({reason}). Check {setting}.")
    return SourceUnreachableError(
        f"{system}: the database at {shown(url)} cannot be reached ({reason}). Check {setting} and that it is"
        " running."
    )


def reason_of(error: Exception, url: str) -> str:
    """What a driver says, in one line, without secrets."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return without_secrets(lines[0] if lines else type(error).__name__, url)


def is_lost(error: Exception) -> bool:
    """Whether an error is of the connection, and not of the table that was read."""
    return bool(getattr(error, "connection_invalidated", False))


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        sqlite.read_only(file), uri=True, timeout=sqlite.BUSY_SECONDS, check_same_thread=False
    )


def _prepare(connection: Any, dialect: sa.Dialect) -> None:
    """Settings of a new connection's session."""
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
