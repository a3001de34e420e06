"""The layout of the warehouse's DuckDB file: how it is chosen, and how it is read from outside DuckDB.

A newer DuckDB writes files that older ones cannot open, unless it is told which version to write for. BI
tools come with a DuckDB of their own, mostly not the newest. The version is given when the file is created;
whoever opens it later keeps to it.

A file is three pages of headers, then blocks of one size. The first page names the storage version; the
other two take turns in saying where the data is and how large a block is.
(https://gist.github.com/Maxxen/364d32444d3f1577e30705e72ee3b80e, "DuckDB storage format")
"""

import os
import struct
from contextlib import suppress
from pathlib import Path

import duckdb

STORAGE_VERSION = "v1.4.0"
"""The oldest DuckDB that opens the warehouse."""

HEADERS = 3 * 4096

# As the file's header has it. The others are only named in messages.
_NUMBERS = {64: "v1.0.0", 65: "v1.2.0", 66: "v1.3.0", 67: "v1.4.0", 68: "v1.5.0", 999: "v2.0.0"}
# Storage versions in which, as tested, the checksum at the start of a block shows whether it has changed.
_TRIED = {67}

_MAIN = struct.Struct("<8x4sQQ")  # checksum, magic bytes, storage version, flags
_DATABASE = struct.Struct("<8xQ24xQ")  # checksum, iteration, three places, block size


def create(path: Path) -> None:
    """Create an empty database of the storage version, all at once."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    _attach_new(unfinished)
    unfinished.replace(path)


def _attach_new(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach {_text(path)} as created (storage_version '{STORAGE_VERSION}')")


def storage_version(path: Path) -> str:
    """The storage version that a database is written in."""
    number, _ = _header(path)
    return _NUMBERS.get(number, f"number {number}")


def block_size_of(path: Path) -> int | None:
    """The size of a database's blocks in bytes; None if the layout is not one that was tried."""
    with suppress(OSError, struct.error, ValueError):
        number, flags = _header(path)
        # The flags tell of encryption, which puts something else at the start of a block.
        if number not in _TRIED or flags:
            return None
        with path.open("rb") as file:
            pages = os.pread(file.fileno(), HEADERS, 0)
            size = os.fstat(file.fileno()).st_size
        # Of a new file only one is filled.
        blocks = {_DATABASE.unpack_from(pages, page)[1] for page in (4096, 8192)} - {0}
        if len(blocks) == 1:
            (block_size,) = blocks
            power_of_two = block_size & (block_size - 1) == 0
            if power_of_two and block_size >= 16_384 and (size - HEADERS) % block_size == 0:
                return int(block_size)
    return None


def _header(path: Path) -> tuple[int, int]:
    with path.open("rb") as file:
        magic, number, flags = _MAIN.unpack(os.pread(file.fileno(), _MAIN.size, 0))
    if magic != b"DUCK":
        raise ValueError(f"{path} is no DuckDB database")
    return number, flags


def rewrite(path: Path) -> None:
    """Rewrite a database that nobody has open in the storage version.

    Killed at any moment, it leaves the old one or the new one, whole.
    """
    unfinished = path.with_suffix(".rewritten")
    unfinished.unlink(missing_ok=True)
    _wal(unfinished).unlink(missing_ok=True)
    _attach_new(unfinished)
    # What is only in the log would else be played back into the new file.
    with duckdb.connect(path) as connection:
        connection.execute("checkpoint")
    if _wal(path).exists():
        raise duckdb.IOException(f"{_wal(path)} is still there after a checkpoint")
    # Under its own name, since views name the database that they read.
    with duckdb.connect() as connection:
        connection.execute(f"attach {_text(path)} as {path.stem} (read_only)")
        connection.execute(f"attach {_text(unfinished)} as rewritten")
        connection.execute(f"copy from database {path.stem} to rewritten")
        connection.execute("checkpoint rewritten")
        connection.execute("detach rewritten")
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
