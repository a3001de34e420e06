"""Copying a DuckDB file for its readers, at the cost of what has changed in it since the last copy but one.

Two copies take turns. Readers open the newest; the one before it, once nobody reads it any more, is brought
up to date and takes the newest one's place. Which of its blocks differ is seen by the checksum that DuckDB
writes at the start of every block, so that of a warehouse of many gigabytes a night's run copies megabytes.

Layout of the file: three pages of headers, then blocks of one size
(https://gist.github.com/Maxxen/364d32444d3f1577e30705e72ee3b80e, "DuckDB storage format").
"""

import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

_HEADERS = 3 * 4096
_CHECKSUM = 8

# A disk answers several readers of single checksums sooner than one after the other.
_READERS = 16


def publish(written: Path, published: Path, block_size: int) -> None:
    """Put a copy of a database that nobody has open in the place where readers look, all at once.

    A reader that has the former copy open keeps it. Killed at any moment, it leaves a whole copy there.
    """
    published.parent.mkdir(parents=True, exist_ok=True)
    unfinished = published.with_suffix(".unfinished")
    spare = published.with_suffix(".spare")
    if _is_free(spare, published):
        spare.rename(unfinished)
        update(unfinished, written, block_size)
    else:
        spare.unlink(missing_ok=True)
        shutil.copyfile(written, unfinished)
    # Where the file system knows no hard links, every copy is a whole one.
    with suppress(OSError):
        os.link(published, spare)
    unfinished.replace(published)


def update(copy: Path, written: Path, block_size: int) -> int:
    """Make a former copy equal to a database again. Returns the number of blocks that were copied."""
    size = written.stat().st_size
    with written.open("rb") as source, copy.open("r+b") as target:
        new, old = source.fileno(), target.fileno()
        starts = range(_HEADERS, size, block_size)

        def differing(reader: int) -> list[int]:
            return [
                start
                for start in starts[reader::_READERS]
                if os.pread(new, _CHECKSUM, start) != os.pread(old, _CHECKSUM, start)
            ]

        with ThreadPoolExecutor(_READERS) as readers:
            changed = sorted(start for part in readers.map(differing, range(_READERS)) for start in part)
        for start in changed:
            os.pwrite(old, os.pread(new, block_size, start), start)
        os.pwrite(old, os.pread(new, _HEADERS, 0), 0)
        os.ftruncate(old, size)
    return len(changed)


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
