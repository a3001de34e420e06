"""Reading a system's files, in a folder or a bucket.

DuckDB reads many files at once, and all of a group before any of its rows goes further: a file that is not
whole gives no row at all. A row that cannot be read is refused by itself; a file is refused where none of its
rows can be trusted. Neither keeps other files from being read.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from datetime import time as clock
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion import loaded_files
from retail_assets.ingestion.file_formats import (
    PATH,
    UTF_8,
    WINDOWS,
    BreaksOffError,
    Layout,
    NotWholeError,
    UnreadableFileError,
    layout_of,
    reason_of,
)
from retail_assets.ingestion.file_repair import as_utf8, is_of_one_byte_letters, rejects
from retail_assets.ingestion.file_tables import Counts, FileTables, Group
from retail_assets.ingestion.file_versions import DAY_START, NAME, READ_AT, WRITTEN_AT
from retail_assets.ingestion.files import File, FileStore, read_times, recognised, to_read
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.source import Source
from retail_assets.ingestion.versions import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

FILES_AT_ONCE = 500
BYTES_AT_ONCE = 32 * 1024 * 1024
# A CSV may still be written to, unless nobody has done so for so many seconds.
QUIET = 5.0
# A file that lacks its end, and that nobody has written to for so many seconds, will not be made whole.
ABANDONED = 3600.0


@dataclass
class _Reading:
    """One reading of a table."""

    table: SourceTable
    window: Window
    known: Mapping[str, LoadedFile]
    read_at: Mapping[str, datetime]
    has_begun: bool = False
    checksums: dict[str, str] = field(default_factory=dict)
    done: list[LoadedFile] = field(default_factory=list)
    renamed: list[LoadedFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class FileSource(Source):
    """One system's files. Tables are named as files or folders are, columns as they are in the files.

    `timezone` is that of the retailer's days, `own_timezone` that of times which name none.
    """

    is_current = False

    def __init__(self, system: str, url: str, timezone: str, own_timezone: str = "UTC"):
        self._system = system
        self._store = FileStore(system, url)
        self._timezone = ZoneInfo(timezone)
        self._own_timezone = own_timezone
        self._known: Mapping[str, Mapping[str, LoadedFile]] = {}
        self._readings: dict[str, _Reading] = {}
        # What does not fit into DuckDB's memory goes into a folder, and so do copies of files.
        self._folder = TemporaryDirectory()
        self._duckdb = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": self._folder.name})

    def check(self) -> None:
        _ = self._files

    def locate(self, table: SourceTable) -> bool:
        return bool(self._files_of(table))

    def problems(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return reading.problems if reading else ()

    def refused(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return reading.refused if reading else ()

    def finds_again(self, table: SourceTable, window: Window) -> str:
        reading = self._readings.get(table.name)
        read = ", ".join(text(file.path) for file in reading.done) if reading else ""
        return f"regexp_replace(origin, ', (line|row) [0-9]+$', '') in ({read})" if read else "false"

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        self._known = loaded_files.recall(schema, emptied, execute)

    def remember(
        self, tables: Sequence[SourceTable], missed: Sequence[SourceTable], window: Window, execute: Execute
    ) -> None:
        readings = [self._readings[table.name] for table in tables if table.name in self._readings]
        files = [file for reading in readings for file in (*reading.done, *reading.renamed)]
        if files:
            loaded_files.remember(tables[0].schema, files, execute)

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        first, end = (moment.astimezone(self._timezone).date() for moment in window)
        loaded = self._known.get(table.name, {})
        listed = self._files_of(table)
        known = recognised(listed, loaded, self._checksum)
        files = to_read(table, listed, known, first, end)
        read_at = read_times(files, known, loaded_at)
        reading = self._readings[table.name] = _Reading(table, window, known, read_at)
        reading.renamed = [
            file for path, file in known.items() if file != loaded.get(path) and path not in read_at
        ]
        if not files:
            return
        # Of rows that are the same, those of the newest file count.
        files.sort(key=lambda file: read_at[file.path], reverse=True)
        with self._store.local(self._finished(reading, files)) as paths, self._duckdb.cursor() as connection:
            tables = FileTables(connection, table, window)
            tables.prepare(self._own_timezone)
            for group in self._groups(reading, paths):
                yield from self._rows(tables, reading, group)

    @cached_property
    def _files(self) -> Mapping[str, Sequence[File]]:
        return self._store.files()

    def _files_of(self, table: SourceTable) -> Sequence[File]:
        return self._files.get(table.source_table.lower(), [])

    def _checksum(self, file: File) -> str:
        with self._store.local([file]) as paths:
            (path,) = paths
            return _checksum(path)

    def _finished(self, reading: _Reading, files: Sequence[File]) -> Sequence[File]:
        for file in files:
            if file.why_unfinished:
                self._left_out(reading, file, file.why_unfinished)
        return [file for file in files if not file.why_unfinished]

    def _left_out(self, reading: _Reading, file: File, why: str, *, breaks_off: bool = False) -> None:
        said = f"{self._system}: {file.path} is not whole ({why}). Nothing of it was loaded;"
        if breaks_off and file.modified_at and _age(file) >= ABANDONED:
            reading.refused.append(
                f"{said} it was written at {file.modified_at:%Y-%m-%d %H:%M} UTC: send it again."
            )
        else:
            reading.problems.append(f"{said} the next run tries it again.")

    def _refuse(self, reading: _Reading, file: File, why: str) -> None:
        reading.refused.append(
            f"{self._system}: {file.path} was not loaded: {why}. Mend the file; the next run tries it again."
        )

    def _groups(self, reading: _Reading, paths: Mapping[Path, File]) -> Sequence[Group]:
        """Files that are read together."""
        layouts: dict[Layout, dict[Path, File]] = defaultdict(dict)
        told = {file.left_out for file in reading.known.values()}
        for path, file in paths.items():
            try:
                # Before it is read: what changes after that is a change for the next run.
                reading.checksums[file.path] = self._checksum_of(reading, path, file)
                layout = layout_of(path, reading.table)
                self._refuse_columns(reading.table, layout)
                self._refuse_unfinished(file, layout)
                left_out = ", ".join(layout.left_out(reading.table))
                if left_out and left_out not in told:
                    told.add(left_out)
                    reading.problems.append(
                        f"{self._system}: {file.path} has columns that are not taken in: {left_out}."
                    )
                if layout.encoding != UTF_8:
                    path, layout = self._in_utf8(reading, path, file, layout)
            except NotWholeError as error:
                self._left_out(reading, file, str(error), breaks_off=isinstance(error, BreaksOffError))
            except UnreadableFileError as error:
                self._refuse(reading, file, str(error))
            else:
                layouts[layout][path] = file
        return [
            Group(layout, {path: members[path] for path in some})
            for layout, members in layouts.items()
            for some in _portions(members)
        ]

    def _checksum_of(self, reading: _Reading, path: Path, file: File) -> str:
        known = reading.known.get(file.path)
        is_known = known and known.checksum and known.loaded_at == reading.read_at[file.path]
        try:
            return known.checksum if known and is_known else _checksum(path)
        except OSError as error:
            raise NotWholeError(f"it cannot be opened: {error.strerror or error}") from None

    def _refuse_columns(self, table: SourceTable, layout: Layout) -> None:
        places = {column.source_name: layout.places(column.source_name) for column in table.columns}
        missing = [name for name, found in places.items() if not found]
        if missing:
            raise UnreadableFileError(
                f"it has no column {', '.join(missing)}. Add it, or take it out of _sources.yml and the"
                " models"
            )
        twice = [layout.columns[found[0]].strip() for found in places.values() if len(found) > 1]
        if twice:
            raise UnreadableFileError(
                f"its header has more than one column {', '.join(twice)}. Keep the right one"
            )

    def _refuse_unfinished(self, file: File, layout: Layout) -> None:
        """Of a CSV nothing in it tells whether more will come. It is not read as long as more does."""
        if layout.kind != "csv":
            return
        # A bucket's files appear whole, and each look costs a request.
        is_sure = not self._store.is_folder and _age(file) >= QUIET
        now = file if is_sure else self._store.as_it_is_now(file)
        if not now.trouble and now.modified_at and _age(now) < QUIET:
            time.sleep(min(QUIET, QUIET - _age(now)))
            if self._store.as_it_is_now(file) != now:
                raise NotWholeError("it is being written")
        if now.trouble:
            raise NotWholeError(now.trouble)

    def _in_utf8(self, reading: _Reading, path: Path, file: File, layout: Layout) -> tuple[Path, Layout]:
        copy = as_utf8(path, layout, Path(self._folder.name))
        if layout.encoding == WINDOWS:
            reading.problems.append(
                f"{self._system}: {file.path} is not UTF-8; it was read as Windows-1252. Save it as UTF-8 if"
                " letters are wrong."
            )
        return copy

    def _rows(self, tables: FileTables, reading: _Reading, group: Group) -> Iterator[pa.Table]:
        try:
            tables.give(group)
            counts = tables.version(group, self._described(reading, group))
        except duckdb.Error as error:
            if len(group.files) > 1:
                for one in group.each():
                    yield from self._rows(tables, reading, one)
                return
            mended = self._mended(tables, reading, group, error)
            if mended is None:
                return
            group, counts = mended
        for path, outcome in counts.items():
            if isinstance(outcome, str):
                self._refuse(reading, group.files[path], outcome)
            else:
                self._account(reading, group, group.files[path], outcome)
        if reading.done and not reading.has_begun:
            reading.has_begun = True
            yield reading.table.raw_schema.empty_table()
        yield from tables.batches()

    def _mended(
        self, tables: FileTables, reading: _Reading, group: Group, error: duckdb.Error
    ) -> tuple[Group, Mapping[Path, Counts | str]] | None:
        """A file that DuckDB does not read as it is, without its rows that fall apart; if that works."""
        (file,) = group.files.values()
        try:
            if group.layout.kind == "parquet" or "gzip" in str(error).lower():
                raise BreaksOffError(reason_of(error))
            group = self._past_errors(tables, reading, group)
            return group, tables.version(group, self._described(reading, group))
        except NotWholeError as problem:
            self._left_out(reading, file, str(problem), breaks_off=isinstance(problem, BreaksOffError))
        except UnreadableFileError as problem:
            self._refuse(reading, file, str(problem))
        except duckdb.Error as problem:
            self._refuse(reading, file, reason_of(problem))
        return None

    def _past_errors(self, tables: FileTables, reading: _Reading, group: Group) -> Group:
        """The rows of one file into `given`, except those that fall apart."""
        ((path, file),) = group.files.items()
        try:
            tables.give(group, past_errors=True)
        except duckdb.Error:
            # It has line ends of several kinds.
            path, layout = as_utf8(path, group.layout, Path(self._folder.name), plain_lines=True)
            group = Group(layout, {path: file})
            tables.give(group, past_errors=True)
        has_other_letters = tables.connection.execute(
            "select 1 from rejected where error_type = 'INVALID ENCODING' limit 1"
        ).fetchone()
        if has_other_letters and is_of_one_byte_letters(path, group.layout):
            path, layout = self._in_utf8(reading, path, file, replace(group.layout, encoding=WINDOWS))
            group = Group(layout, {path: file})
            tables.give(group, past_errors=True)
        return replace(group, rejected=rejects(tables.connection, path, group.layout))

    def _account(self, reading: _Reading, group: Group, file: File, counts: Counts) -> None:
        reading.done.append(
            LoadedFile(
                table=reading.table.name,
                path=file.path,
                size=file.size,
                version=file.version,
                day=file.day,
                rows=counts.rows - counts.held_back - counts.refused,
                held_back=counts.held_back,
                loaded_at=reading.read_at[file.path],
                changed=file.changed,
                checksum=reading.checksums[file.path],
                left_out=", ".join(group.layout.left_out(reading.table)),
            )
        )

    def _described(self, reading: _Reading, group: Group) -> pa.Table:
        files = group.files.values()
        moments = pa.timestamp("us")
        return pa.table(
            {
                PATH: pa.array([str(path) for path in group.files], pa.string()),
                NAME: pa.array([file.path for file in files], pa.string()),
                DAY_START: pa.array([self._start_of(file.day) for file in files], moments),
                WRITTEN_AT: pa.array([_naive(file.modified_at) for file in files], moments),
                READ_AT: pa.array([_naive(reading.read_at[file.path]) for file in files], moments),
            }
        )

    def _start_of(self, day: date | None) -> datetime | None:
        return _naive(datetime.combine(day, clock(), self._timezone).astimezone(UTC)) if day else None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _age(file: File) -> float:
    """The seconds since a file was written."""
    return (datetime.now(UTC) - file.modified_at).total_seconds() if file.modified_at else 0.0


def _portions(files: Mapping[Path, File]) -> Iterator[Sequence[Path]]:
    portion: list[Path] = []
    size = 0
    for path, file in files.items():
        if portion and (len(portion) == FILES_AT_ONCE or size + file.size > BYTES_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(path)
        size += file.size
    if portion:
        yield portion


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
