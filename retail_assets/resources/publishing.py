"""Copying a DuckDB file for its readers, at the cost of what has changed in it since the last copy but one.

Two copies take turns. Readers open the newest; the one before it, once nobody reads it any more, is brought
up to date and takes the newest one's place. Which of its blocks differ is seen by the checksum that DuckDB
writes at the start of every block, so that of a warehouse of many gigabytes a night's run copies megabytes.
Those of the copies are kept beside them, so that only the warehouse's own are read.

Where the file is laid out otherwise than the blocks need, the copy is a whole one (resources/storage.py).
"""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from retail_assets.resources.storage import HEADERS, block_size_of

_CHECKSUM = 8

# A disk answers several readers of single checksums sooner than one after the other.
_READERS = 16


def publish(written: Path, published: Path) -> None:
    """Put a copy of a database that nobody has open in the place where readers look, all at once.

    A reader that has the former copy open keeps it. Killed at any moment, it leaves a whole copy there.
    """
    published.parent.mkdir(parents=True, exist_ok=True)
    unfinished = published.with_suffix(".unfinished")
    spare = published.with_suffix(".spare")
    notes = published.with_suffix(".checksums")
    noted = _read_notes(notes)
    block_size = block_size_of(written)
    checksums = checksums_of(written, block_size) if block_size else None
    if (
        block_size
        and checksums is not None
        and _is_free(spare, published)
        and block_size_of(spare) == block_size
    ):
        former = noted.get(_identity(spare)) or checksums_of(spare, block_size)
        spare.rename(unfinished)
        update(unfinished, written, block_size, former, checksums)
    else:
        spare.unlink(missing_ok=True)
        shutil.copyfile(written, unfinished)
    _store(unfinished)
    # Where the file system knows no hard links, every copy is a whole one.
    with suppress(OSError):
        os.link(published, spare)
    unfinished.replace(published)
    before = dict([*noted.items()][-1:])
    _write_notes(notes, before | ({_identity(published): checksums} if checksums is not None else {}))


def update(copy: Path, written: Path, block_size: int, former: bytes, checksums: bytes) -> int:
    """Make a former copy equal to a database again, by the checksums of both.

    Returns the number of blocks that were copied.
    """
    changed = [
        HEADERS + place // _CHECKSUM * block_size
        for place in range(0, len(checksums), _CHECKSUM)
        if checksums[place : place + _CHECKSUM] != former[place : place + _CHECKSUM]
    ]
    with written.open("rb") as source, copy.open("r+b") as target:
        new, old = source.fileno(), target.fileno()
        for start in changed:
            os.pwrite(old, os.pread(new, block_size, start), start)
        os.pwrite(old, os.pread(new, HEADERS, 0), 0)
        os.ftruncate(old, written.stat().st_size)
    return len(changed)


def checksums_of(path: Path, block_size: int) -> bytes:
    """The checksums of a database's blocks, one after the other."""
    with path.open("rb") as file:
        descriptor = file.fileno()
        starts = range(HEADERS, path.stat().st_size, block_size)
        part = -(-len(starts) // _READERS) or 1

        def read(first: int) -> bytes:
            return b"".join(os.pread(descriptor, _CHECKSUM, start) for start in starts[first : first + part])

        with ThreadPoolExecutor(_READERS) as readers:
            return b"".join(readers.map(read, range(0, len(starts), part)))


def _store(copy: Path) -> None:
    """Wait until a copy is on the disk: what is noted of it has to hold after a power failure too."""
    with copy.open("rb") as file:
        os.fsync(file.fileno())


def _identity(copy: Path) -> str:
    """Another one as soon as anybody writes the copy, or puts another in its place."""
    status = copy.stat()
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"


def _read_notes(path: Path) -> Mapping[str, bytes]:
    """Checksums of copies by their identities. Where there are none, or not whole, the copies are read."""
    with suppress(OSError, ValueError, AttributeError):
        return {copy: bytes.fromhex(checksums) for copy, checksums in json.loads(path.read_text()).items()}
    return {}


def _write_notes(path: Path, notes: Mapping[str, bytes]) -> None:
    path.write_text(json.dumps({copy: checksums.hex() for copy, checksums in notes.items()}))


def _is_free(spare: Path, published: Path) -> bool:
    """Whether there is a former copy that nobody reads: DuckDB's readers hold a lock on what they read."""
    # A run that was killed after it had linked them leaves both names on the one copy that readers open.
    if not spare.exists() or spare.samefile(published):
        return False
    with spare.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
