"""The files of a system: which there are, and which of them a window reads.

    <root>/<table>.csv              one whole file
    <root>/<table>/2024-01-02.csv   a drop: a date in the name is the day that it is of

Each may be `.csv`, `.csv.gz` or `.parquet`. The root is a folder or any URL that fsspec opens.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.urls import shown, without_secrets

SUFFIXES = (".csv", ".csv.gz", ".parquet")
_UNFINISHED = re.compile(r"\.(tmp|part)$")
_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
# What tells that a file was replaced, as the file systems call it.
_VERSIONS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated")


@dataclass(frozen=True)
class File:
    """A file as it was listed."""

    path: str  # below the root
    size: int
    version: str
    modified_at: datetime | None
    day: date | None

    @property
    def table(self) -> str:
        """The table's name in the system, in lower case."""
        folder, _, rest = self.path.lower().partition("/")
        if rest:
            return folder
        return _UNFINISHED.sub("", folder).lstrip("._").partition(".")[0]

    @property
    def is_finished(self) -> bool:
        """Whether its name says that nobody is writing it any more."""
        name = self.path.rpartition("/")[2]
        return not _UNFINISHED.search(name) and not name.startswith((".", "_"))


class FileStore:
    """A system's folder or bucket."""

    def __init__(self, system: str, url: str):
        import fsspec

        self.system = system
        self.scratch: str | None = None  # where copies of a bucket's files go
        self._url = url
        try:
            self.filesystem, self._root = fsspec.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise SourceError(
                f"{self._setting} is not a folder or URL that fsspec can open:"
                f" {without_secrets(str(error), url)}"
            ) from None

    @property
    def _setting(self) -> str:
        return f"RETAIL_{self.system.upper()}_URL"

    @contextmanager
    def local(self, files: Sequence[File]) -> Iterator[Mapping[Path, File]]:
        """The files by their paths on this machine; those of a bucket are copied meanwhile."""
        folder = self.folder()
        if folder is not None:
            yield {folder / file.path: file for file in files}
            return
        with TemporaryDirectory(dir=self.scratch) as copies:
            paths = {Path(copies, str(n), Path(file.path).name): file for n, file in enumerate(files)}
            sources = [f"{self._root.rstrip('/')}/{file.path}" for file in files]
            try:
                self.filesystem.get(sources, [str(path) for path in paths])
            except Exception as error:
                raise self._unreachable(error) from None
            yield paths

    def folder(self) -> Path | None:
        """The folder, if it is on this machine."""
        from fsspec.implementations.local import LocalFileSystem

        return Path(self._root) if isinstance(self.filesystem, LocalFileSystem) else None

    def _unreachable(self, error: Exception) -> SourceUnreachableError:
        # Each file system has errors of its own.
        reason = without_secrets(str(error), self._url) or type(error).__name__
        return SourceUnreachableError(
            f"{self.system}: {shown(self._url)} cannot be read ({reason}). Check {self._setting}."
        )

    def files(self) -> Mapping[str, Sequence[File]]:
        """All data files by the names of their tables in lower case, in the order of their paths.

        Raises `SourceError` if there is no such folder, or if it does not answer.
        """
        try:
            listed: Mapping[str, Mapping[str, Any]] = self.filesystem.find(self._root, detail=True)
            is_there = bool(listed) or self.filesystem.exists(self._root)
        except Exception as error:
            raise self._unreachable(error) from None
        if not is_there:
            raise SourceError(
                f"{self.system}: there is no folder {shown(self._url)}. Set {self._setting},"
                " or run `retail-assets demo` to simulate one."
            )
        paths = {path: path[len(self._root) :].lstrip("/") for path in sorted(listed)}
        found: dict[str, list[File]] = defaultdict(list)
        for full, path in paths.items():
            if _is_data(path):
                file = _file(path, listed[full])
                found[file.table].append(file)
        return found


def _is_data(path: str) -> bool:
    return _UNFINISHED.sub("", path).lower().endswith(SUFFIXES)


def _file(path: str, listed: Mapping[str, Any]) -> File:
    version = next((listed[name] for name in _VERSIONS if listed.get(name)), "")
    return File(path, int(listed["size"] or 0), str(version), _modified_at(listed), _day(path))


def _modified_at(listed: Mapping[str, Any]) -> datetime | None:
    for name in _VERSIONS:
        value = listed.get(name)
        if isinstance(value, float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return value.astimezone(UTC)
    return None


def _day(path: str) -> date | None:
    for text in reversed(_DAY.findall(path)):
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    return None


def to_read(
    table: SourceTable, files: Iterable[File], loaded: Mapping[str, LoadedFile], first: date, end: date
) -> list[File]:
    """The files that the days `[first, end)` read.

    Of a `window` table those of these days, and those from before, or without a day, of which something
    is not loaded yet: late ones come in with the next run. Of a `snapshot` table the newest, if it is not
    loaded yet.
    """
    due = [file for file in files if file.day is None or file.day < end]
    if table.load == "snapshot":
        newest = max(due, key=recency, default=None)
        is_due = newest and _has_news(newest, loaded) and not _is_overtaken(newest, loaded)
        return [newest] if newest and is_due else []
    return [file for file in due if (file.day and file.day >= first) or _has_news(file, loaded)]


def read_times(
    files: Sequence[File], loaded: Mapping[str, LoadedFile], now: datetime
) -> Mapping[str, datetime]:
    """When these files are read, by their paths; it decides which of them counts where they disagree.

    Those that were read before, as they are, have their time. The others are read now, one a microsecond
    after the other, in the order in which they were written: it is the one in which they come day by day.
    """
    known = {file.path: loaded[file.path].loaded_at for file in files if _is_known(file, loaded)}
    new = sorted((file for file in files if file.path not in known), key=_written)
    return known | {file.path: now + timedelta(microseconds=place) for place, file in enumerate(new)}


def _written(file: File) -> tuple[datetime, str]:
    return (file.modified_at or datetime.min.replace(tzinfo=UTC), file.path)


def recency(file: File) -> tuple[datetime, datetime, str]:
    """What newer files have more of: their day, or else when they were written."""
    written_at, path = _written(file)
    return (datetime.combine(file.day, time(), UTC) if file.day else written_at, written_at, path)


def _has_news(file: File, loaded: Mapping[str, LoadedFile]) -> bool:
    return not _is_known(file, loaded) or loaded[file.path].held_back > 0


def _is_known(file: File, loaded: Mapping[str, LoadedFile]) -> bool:
    known = loaded.get(file.path)
    return known is not None and (known.size, known.version) == (file.size, file.version)


def _is_overtaken(file: File, loaded: Mapping[str, LoadedFile]) -> bool:
    return any(file.day and known.day and known.day > file.day for known in loaded.values())
