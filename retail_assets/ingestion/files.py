"""The files of a system: which there are, and which of them a window reads.

    <root>/<table>.csv              one whole file
    <root>/<table>/2024-01-02.csv   a drop: a date in the name is the day that it is of
    <root>/<table>_20240102.csv     the same

Each may be `.csv`, `.tsv` (also with `.gz`) or `.parquet`. The root is a folder or any URL that fsspec opens.
"""

import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.urls import shown, without_secrets

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
# The same in short.
READ = (".csv", ".tsv", ".gz of these", ".parquet")
_UNFINISHED = re.compile(r"\.(tmp|part|partial|crdownload|filepart)$", re.IGNORECASE)
_DAY = re.compile(r"(?<!\d)((?:19|20)\d{2})([-_./]?)(\d{2})\2(\d{2})(?=(?:\d{6})?(?!\d))")
# Fields of a listing that change if a file is replaced, as different file systems name them.
_VERSIONS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated")


@dataclass(frozen=True)
class File:
    """A file as it was listed."""

    path: str  # below the root
    size: int
    version: str  # when it was written, or the bucket's tag of its content
    modified_at: datetime | None
    day: date | None
    # When anything about it changed, even its name (ctime); nobody can set it. Only for files in a folder.
    changed: str = ""
    trouble: str = ""  # why it cannot be read, as far as the listing tells

    @property
    def table(self) -> str:
        """The table's name in the system, in lower case: of its folder, or its own without the day."""
        day = _DAY.search(self.path)
        parts = (self.path[: day.start()], self.path[day.end() :]) if day else (self.path,)
        names = (_table_name(part.lower().lstrip("/")) for part in parts)
        return next(filter(None, names), "")

    @property
    def why_unfinished(self) -> str:
        """What says that the file is not whole, before anybody has looked into it; empty if nothing does."""
        name = self.path.rpartition("/")[2]
        if _UNFINISHED.search(name) or name.startswith((".", "_")):
            return "by its name it is still being written"
        return self.trouble


class FileStore:
    """A system's folder or bucket. Tables that it does not have are those of the folder `shipped`."""

    def __init__(self, system: str, url: str, shipped: Path | None = None):
        import fsspec

        self.system = system
        self.shipped = shipped
        self._are_shipped: set[str] = set()
        self.scratch: str | None = None  # where copies of a bucket's files go
        self._url = url
        self.folder = _folder(url)  # if it is on this machine
        if self.folder is not None:
            return
        try:
            self.filesystem, self._root = fsspec.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise SourceError(
                f"{self._setting} is not a folder or URL that fsspec can open:"
                f" {without_secrets(str(error), url)}"
            ) from None

    @property
    def is_folder(self) -> bool:
        """Whether the files are on this machine."""
        return self.folder is not None

    @property
    def _setting(self) -> str:
        return f"RETAIL_{self.system.upper()}_URL"

    @contextmanager
    def local(self, files: Sequence[File]) -> Iterator[Mapping[Path, File]]:
        """The files by their paths on this machine; those of a bucket are copied meanwhile."""
        folders = ((self._folder_of(file), file) for file in files)
        here = {folder / file.path: file for folder, file in folders if folder is not None}
        if len(here) == len(files):
            yield here
            return
        with TemporaryDirectory(dir=self.scratch) as copies:
            away = [file for file in files if file not in here.values()]
            paths = {Path(copies, str(n), Path(file.path).name): file for n, file in enumerate(away)}
            try:
                self.filesystem.get([self._full(file) for file in away], [str(path) for path in paths])
            except Exception as error:
                raise self._unreachable(error) from None
            yield here | paths

    def as_it_is_now(self, file: File) -> File:
        """A file that was listed, looked at once more."""
        if (folder := self._folder_of(file)) is not None:
            return _listed_one(folder, file.path)
        try:
            self.filesystem.invalidate_cache()
            return _file(file.path, self.filesystem.info(self._full(file)))
        except Exception as error:
            # Each file system has errors of its own.
            return replace(file, trouble=f"it cannot be opened: {without_secrets(str(error), self._url)}")

    def _folder_of(self, file: File) -> Path | None:
        """The folder on this machine that a file is in, if it is."""
        return self.shipped if file.path in self._are_shipped else self.folder

    def _full(self, file: File) -> str:
        return f"{self._root.rstrip('/')}/{file.path}"

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
            listed = self._listed()
        except Exception as error:
            raise self._unreachable(error) from None
        if listed is None:
            raise SourceError(
                f"{self.system}: there is no folder {shown(self._url)}. Set {self._setting},"
                " or run `retail-assets demo` to simulate one."
            )
        found: dict[str, list[File]] = defaultdict(list)
        for file in sorted(listed, key=lambda file: file.path):
            found[file.table].append(file)
        for file in _listed_in(self.shipped) if self.shipped else ():
            if file.table not in found:
                found[file.table].append(file)
                self._are_shipped.add(file.path)
        return found

    def others(self) -> Mapping[str, Sequence[str]]:
        """The files that are not read, since they are of other kinds, by the names that tables have."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._other_paths()):
            name = path.rpartition("/")[2]
            if not name.startswith((".", "_")):
                found[File(path, 0, "", None, _day(path)).table].append(path)
        return found

    def _other_paths(self) -> Iterator[str]:
        if self.folder is None:
            paths = (full[len(self._root) :].lstrip("/") for full in self.filesystem.find(self._root))
        else:
            below = ((Path(here).relative_to(self.folder), names) for here, _, names in os.walk(self.folder))
            paths = ((folder / name).as_posix() for folder, names in below for name in names)
        for path in paths:
            if not _is_data(path):
                yield path.encode(errors="surrogateescape").decode(errors="replace")

    def _listed(self) -> list[File] | None:
        """All data files; None if there is no such folder."""
        if self.folder is not None:
            return list(_listed_in(self.folder)) if self.folder.is_dir() else None
        found: Mapping[str, Mapping[str, Any]] = self.filesystem.find(self._root, detail=True)
        if not found and not self.filesystem.exists(self._root):
            return None
        paths = {full: full[len(self._root) :].lstrip("/") for full in found}
        return [_file(path, found[full]) for full, path in paths.items() if _is_data(path)]


def _folder(url: str) -> Path | None:
    """The folder that a URL stands for, if it is one: a path is taken as it is, whatever is in it."""
    scheme, mark, path = url.partition("://")
    if not mark:
        return Path(url).expanduser().absolute()
    if scheme not in ("file", "local"):
        return None
    # Some programs write special characters as %20, others as they are.
    return next((each for each in (Path(path), Path(unquote(path))) if each.exists()), Path(path))


def _listed_in(folder: Path) -> Iterator[File]:
    """The data files of a folder, those behind links included; a link does not lead back into itself."""
    errors: list[OSError] = []
    for here, folders, names in os.walk(folder, followlinks=True, onerror=errors.append):
        below = Path(here).relative_to(folder)
        for name in names:
            path = (below / name).as_posix()
            if _is_data(path):
                yield _listed_one(folder, path)
        above = {os.path.realpath(folder / each) for each in (below, *below.parents)}
        folders[:] = [name for name in folders if os.path.realpath(Path(here, name)) not in above]
    for error in errors:
        path = Path(error.filename).relative_to(folder).as_posix()
        yield File(path, 0, "", None, _day(path), trouble=f"it cannot be opened: {error.strerror}")


def _listed_one(folder: Path, path: str) -> File:
    """A file of a folder; of a link, what it leads to."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown_as = path.encode(errors="surrogateescape").decode(errors="replace")
        return File(shown_as, 0, "", None, _day(path), trouble="its name is not UTF-8: rename it")
    try:
        found = (folder / path).stat()
    except OSError as error:
        is_link = (folder / path).is_symlink()
        why = "it is a link to nothing" if is_link else f"it cannot be opened: {error.strerror}"
        return File(path, 0, "", None, _day(path), trouble=why)
    if not stat.S_ISREG(found.st_mode):
        return File(path, 0, "", None, _day(path), trouble="it is no file")
    written = datetime.fromtimestamp(found.st_mtime, UTC)
    return File(path, found.st_size, str(found.st_mtime), written, _day(path), str(found.st_ctime_ns))


def _table_name(path: str) -> str:
    """`Order Items/...`, `order-items_` and `order_items.csv` are of the table `order_items`."""
    folder, slash, _ = path.partition("/")
    name = folder if slash else _UNFINISHED.sub("", folder).lstrip("._").partition(".")[0]
    return re.sub(r"\W+", "_", name).strip("_")


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
    for year, _, month, day in reversed(_DAY.findall(path)):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None


def recognised(
    files: Iterable[File], loaded: Mapping[str, LoadedFile], checksum: Callable[[File], str]
) -> Mapping[str, LoadedFile]:
    """What was loaded, by the paths that the files have now.

    A file that was renamed, linked or copied with its time, or that was written again as it was, is known:
    its content is that of a file of the same day that was loaded. Only what may be so is looked into.
    """
    known = {**loaded}
    by_size: dict[tuple[int, date | None], list[LoadedFile]] = defaultdict(list)
    for each in loaded.values():
        by_size[each.size, each.day].append(each)
    for file in files:
        if _is_known(file, loaded) or file.why_unfinished:
            continue
        alike = [
            each
            for each in by_size[file.size, file.day]
            if each.checksum and (each.path == file.path or (each.version == file.version != ""))
        ]
        if alike:
            found = checksum(file)
            same = next((each for each in alike if each.checksum == found), None)
            if same:
                known[file.path] = replace(same, path=file.path, version=file.version, changed=file.changed)
    return known


def to_read(
    table: SourceTable, files: Iterable[File], loaded: Mapping[str, LoadedFile], first: date, end: date
) -> list[File]:
    """The files that the days `[first, end)` read.

    For a `window` table: those of these days, and earlier ones, or ones without a day, that are not
    completely loaded yet, so that the next run picks up late files. For a `snapshot` table: the newest, if it
    is not loaded yet.
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
    return (
        known is not None
        and (known.size, known.version) == (file.size, file.version)
        # Of what was loaded before this was looked at, it is not known.
        and known.changed in ("", file.changed)
    )


def _is_overtaken(file: File, loaded: Mapping[str, LoadedFile]) -> bool:
    return any(file.day and known.day and known.day > file.day for known in loaded.values())
