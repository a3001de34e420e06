"""What the errors of databases and their drivers mean to people, and whether trying again may help.

Drivers agree on little: pymssql calls nearly everything an operational error, and pyodbc with FreeTDS has no
class for a connection that broke. What is told apart here: a connection that is gone, an answer that did not
come in time, a login that is refused, a right that is missing, a driver that cannot be loaded.
"""

import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.urls import shown, without_secrets

# What does not become better by trying again.
_LASTING = re.compile(
    r"password|authentication|access denied|permission (was )?denied|login failed|not authorized|pg_hba"
    r"|does not exist|unknown database|cannot open (database|server)|unable to open|not a database|malformed"
    r"|insufficient privilege|ORA-0(1017|0942|1031)|untrusted domain|is not able to access the database"
    r"|certificate|encryption not supported|refused the login",
    re.IGNORECASE,
)
# db-lib's words that the server has said more, which is a refusal where one logs in.
_CHECK_MESSAGES = "Check messages from the SQL Server"
_CONNECTION_FAILED = "TDS server connection failed"
_REFUSED_SILENTLY = "the server refused the login"
# What passes by itself, though a login was refused or a database could not be opened.
_PASSING = re.compile(
    r"server is unavailable|upgrade mode|shutdown in progress|shutting down|starting up|has been paused"
    r"|not currently available|in recovery|being recovered",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"unexpected eof|(closed|lost) (the )?connection|connection( was| is|) (reset|closed|broken|aborted|lost)"
    r"|broken pipe|gone away|communication link|link failure|dead or not enabled|in the kill state"
    r"|write to the server failed",
    re.IGNORECASE,
)
_LATE = re.compile(r"server connection timed out|query timeout expired|read timed? ?out|\(timed out\)")
_DENIED = re.compile(
    r"permission (was )?denied|command denied|insufficient privilege|ORA-01031", re.IGNORECASE
)
# Of SQL Server: a database behind a synonym that has no snapshots, or a table that was altered meanwhile.
_OF_SNAPSHOT = re.compile(r"\bsnapshot\b", re.IGNORECASE)
_IN_ANOTHERS_WAY = re.compile(r"lock", re.IGNORECASE)
# SQL Server's numbers, whatever its language: of logins that are refused, and of rights that are missing.
_REFUSED_LOGINS = {916, 4060, 4064, 18452, 18456, 18470, 18486, 18487, 18488}
_MISSING_RIGHTS = {229, 230, 297, 300}
# The same in mssql-python's words, which it has for the SQLSTATE 28000.
_REFUSED_IN_WORDS = "Invalid authorization specification"
# Errors of these kinds are of a statement, whatever their text quotes.
_OF_A_STATEMENT = ("DataError", "ProgrammingError", "IntegrityError", "NotSupportedError")
# What mssql-python says where its own driver, which is no Python, lacks a library.
_NOT_LOADED = "Failed to load the driver"
# SQLite's words where it cannot undo, being read only, what a program left half written.
_JOURNAL = "attempt to write a readonly database"
# Windows' numbers of network errors, which Microsoft's driver uses everywhere.
_NETWORK = {
    "0x2746": "the connection was reset",
    "0x2749": "nothing listens there",
    "0x274C": "no answer in time",
    "0x2AF9": "there is no such host",
}
_PACKAGES = {
    "mssqlpython": "Install it with `pip install '.[sqlserver]'`, and on Debian libltdl7, libkrb5-3 and"
    " libgssapi-krb5-2 with apt; or use mssql+pymssql:// (`'.[sqlserver-pymssql]'`), which needs no package"
    " of the system",
    "pymssql": "Install it with `pip install '.[sqlserver-pymssql]'`",
    "pyodbc": "It needs an ODBC manager (on Debian unixodbc) and Microsoft's ODBC driver; mssql+mssqlpython://"
    " (`pip install '.[sqlserver]'`) brings its own",
    "psycopg": "Install it with `pip install '.[postgres]'`",
    "pymysql": "Install it with `pip install '.[mysql]'`",
}
_ANY_PACKAGE = "Install it, for example with `pip install '.[postgres]'`, `'.[mysql]'` or `'.[sqlserver]'`"


def without_driver(system: str, url: str, reason: str) -> SourceError:
    """What it means that a URL's driver cannot be loaded."""
    scheme = url.partition("://")[0]
    name = scheme.partition("+")[2]
    if not name:
        # SQLAlchemy's own choice.
        name = {"mssql": "pyodbc", "postgresql": "psycopg2", "mysql": "mysqlclient"}.get(scheme, scheme)
    return SourceError(
        f"{system}: RETAIL_{system.upper()}_URL needs a driver that is not installed, or cannot be loaded:"
        f" {name} ({without_secrets(reason, url)}). {_PACKAGES.get(name, _ANY_PACKAGE)}."
    )


def failure(system: str, url: str, error: Exception) -> SourceError:
    """What an error of a whole database means: a `SourceUnreachableError` if it may be gone by itself."""
    reason = reason_of(error, url).rstrip(".")
    setting, place = f"RETAIL_{system.upper()}_URL", f"{system}: the database at {shown(url)}"
    if isinstance(error, ImportError) or _NOT_LOADED in reason:
        return without_driver(system, url, reason.partition(". Please")[0])
    if not isinstance(error, sa.exc.SQLAlchemyError | OSError) and not is_of_driver(error):
        return SourceError(f"{place} cannot be opened ({reason}). Check {setting}.")
    is_refused = _number(error) in _REFUSED_LOGINS or _words(error) == _REFUSED_IN_WORDS
    if (is_refused or _LASTING.search(reason)) and not _PASSING.search(reason):
        again = " It is not tried again: accounts are locked by that." if is_refused else ""
        return SourceError(f"{place} refuses ({reason}). Check {setting}.{again}")
    is_answer = bool(getattr(error, "statement", None)) and not is_lost(error)
    if _JOURNAL in reason:
        return SourceError(
            f"{place} has a journal beside it of a program that broke off while it wrote ({reason})."
            " Open it once with that program, or with `sqlite3`: that undoes what is half written. Here it is"
            " only read."
        )
    if is_answer and not _IN_ANOTHERS_WAY.search(reason):
        return SourceError(
            f"{place} does not say what it has ({reason}). Check what the user of {setting} may read."
        )
    # It does not say either that the server cannot encrypt.
    is_bare = reason.startswith(_CONNECTION_FAILED) and "encryption=" not in url
    remedy = " If it cannot encrypt, and the network may see all, add `?encryption=off`." if is_bare else ""
    return SourceUnreachableError(
        f"{place} cannot be reached ({reason}). Check {setting} and that it is running.{remedy}"
    )


def reason_of(error: Exception, url: str) -> str:
    """What a driver says, in one line, without secrets."""
    lines = [line.strip() for line in _said(error).strip().splitlines()] or [type(error).__name__]
    # A line that ends with a colon says nothing by itself.
    return without_secrets(" ".join(lines[:2] if lines[0].endswith(":") else lines[:1]), url)


def is_lost(error: Exception, dialect: sa.Dialect | None = None) -> bool:
    """Whether an error is of the connection, and not of the table that was read."""
    if getattr(error, "connection_invalidated", False):
        return True
    original = getattr(error, "orig", None) or error
    if not is_of_driver(original) or type(original).__name__ in _OF_A_STATEMENT:
        return False
    # An error that did not come through SQLAlchemy, which would have asked this.
    raw: Any = error
    if original is error and dialect is not None and dialect.is_disconnect(raw, None, None):
        return True
    return bool(_BROKEN.search(_said(error))) or is_late(error)


def is_late(error: Exception) -> bool:
    """Whether an answer did not come in time; of a lock that was not given, the database says so itself."""
    return _words(error) == "Timeout expired" or bool(_LATE.search(_whole(error).lower()))


def is_denied(error: Exception) -> bool:
    """Whether one may not read what was asked for."""
    return _number(error) in _MISSING_RIGHTS or bool(_DENIED.search(_said(error)))


def is_of_snapshot(error: Exception) -> bool:
    """Whether something cannot be read at the moment of a snapshot, and may be read without."""
    return is_of_driver(getattr(error, "orig", None) or error) and bool(_OF_SNAPSHOT.search(_said(error)))


def is_of_driver(error: BaseException) -> bool:
    """Whether an error is one of those that PEP 249 names, which each driver has of its own."""
    is_ours = "duckdb" in type(error).__module__
    return not is_ours and "Error" in {each.__name__ for each in type(error).__mro__}


def _words(error: Exception) -> str | None:
    """mssql-python's name of an SQLSTATE."""
    return getattr(getattr(error, "orig", None) or error, "driver_error", None)


def _said(error: Exception) -> str:
    """What the server said, or if it said nothing the driver, without what the driver adds."""
    original = getattr(error, "orig", None) or error
    given = getattr(original, "ddbc_error", None)
    if given is not None:
        return _of_odbc(str(given), str(_words(error)))
    pair = _of_dblib(original)
    return pair[1] if pair else str(original)


def _whole(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)


def _of_odbc(text: str, words: str) -> str:
    text = re.sub(r"^(\[[^\]]*\])+", "", text.strip())
    code = re.search(r"Error code (0x\w+)", text)
    if code:
        return f"{words}: {_NETWORK.get(code[1], text)}"
    return text or words


def _of_dblib(error: BaseException) -> tuple[int | None, str] | None:
    """The server's number and text, of an error of pymssql's; or db-lib's text, whose number says nothing."""
    (*_, given) = error.args or (None,)
    number = error.args[0] if len(error.args) == 2 else None
    if isinstance(given, tuple) and len(given) == 2:
        number, given = given
    if not isinstance(given, bytes):
        return None
    text = given.decode(errors="replace")
    server, mark, rest = text.partition("DB-Lib error message")
    if server or not mark:
        return (number if isinstance(number, int) else None), server
    if _CHECK_MESSAGES in rest and not _BROKEN.search(rest):
        # The server gave a reason; of the second failure in a process pymssql has lost it.
        return None, f"{_REFUSED_SILENTLY}, and pymssql does not say why"
    lines = [line for line in (mark + rest).splitlines() if not line.startswith("DB-Lib error message")]
    return None, "; ".join(_once(lines))


def _once(lines: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(line.strip() for line in lines if line.strip())


def _number(error: Exception) -> int | None:
    """SQL Server's number of an error, where the driver tells it."""
    original = getattr(error, "orig", None) or error
    pair = _of_dblib(original)
    return pair[0] if pair else None
