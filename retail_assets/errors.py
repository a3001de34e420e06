"""What a user can mend."""

import errno
import os
import sqlite3
from pathlib import Path


class UserError(Exception):
    """A mistake that a user can mend. The message is one sentence that says what to do.

    The command line prints it without a traceback and ends with exit status 2.
    """

    may_pass = False
    """Whether it may pass by itself, so that trying again helps."""


# Of the disk or its rights, which no code can mend.
_OF_THE_DISK = {
    errno.ENOSPC: "There is no space left on the disk",
    errno.EDQUOT: "The quota of the disk is used up",
    errno.EROFS: "The disk is read-only",
    errno.EACCES: "This user has no permission",
    errno.EPERM: "This user has no permission",
    errno.ENOENT: "The folder is not there, and cannot be made",
    errno.ENOTDIR: "A file stands where a folder should be",
}


_ANYWHERE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
# The same as SQLite has it, of which Dagster's history is made: the first part of an error's name.
_OF_SQLITE = {
    "SQLITE_FULL": errno.ENOSPC,
    "SQLITE_IOERR": errno.ENOSPC,
    "SQLITE_READONLY": errno.EROFS,
    "SQLITE_CANTOPEN": errno.EACCES,
}


def of_the_disk(error: BaseException) -> str | None:
    """A sentence for what comes from the disk or its rights; None for any other error."""
    home = str(Path(os.environ.get("RETAIL_HOME") or ".retail").expanduser().absolute())
    cause: BaseException | None = error
    while cause is not None:
        code, where = _of_the_disk(cause)
        # Of a file elsewhere only a disk that is full is sure to be no fault of ours.
        if code in _OF_THE_DISK and (code in _ANYWHERE or not where or where.startswith(home)):
            at = f": {where}" if where else ""
            return (
                f"{_OF_THE_DISK[code]}{at}. Mend it, or set RETAIL_HOME (now {home}) to another folder, and"
                " run it again."
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _of_the_disk(error: BaseException) -> tuple[int, str]:
    if isinstance(error, OSError):
        return error.errno or 0, str(error.filename or "")
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        return next((code for start, code in _OF_SQLITE.items() if name.startswith(start)), 0), ""
    return 0, ""
