"""Reading a system's files, in a folder or a bucket.

DuckDB reads many files at once, and all of a group before any of its rows goes further: a file that is
not whole, or that holds values of another type, gives no row at all; the others give all of theirs.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from retail_assets.catalog.contract import LOADED_AT, ROW_HASH, SourceTable
from retail_assets.ingestion import loaded_files
from retail_assets.ingestion.errors import SourceError
from retail_assets.ingestion.file_formats import (
    PATH,
    Layout,
    NotWholeError,
    layout_of,
    reason_of,
    relation_sql,
)
from retail_assets.ingestion.file_values import given_sql, wrong_values_sql
from retail_assets.ingestion.file_versions import (
    ADDED,
    DAY_START,
    IS_HELD_BACK,
    READ_AT,
    WRITTEN_AT,
    file_versions_sql,
)
from retail_assets.ingestion.files import File, FileStore, read_times, to_read
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.source import BATCH_ROWS, Source
from retail_assets.ingestion.versions import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

FILES_AT_ONCE = 500
BYTES_AT_ONCE = 32 * 1024 * 1024


@dataclass
class _Reading:
    """One reading of a table."""

    table: SourceTable
    window: Window
    read_at: Mapping[str, datetime]
    has_begun: bool = False
    done: list[LoadedFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Group:
    """Files of one layout, by their local paths: one query reads them."""

    layout: Layout
    files: Mapping[Path, File]

    def each(self) -> Iterator["_Group"]:
        """A group for each of the files."""
        return (_Group(self.layout, {path: file}) for path, file in self.files.items())


class FileSource(Source):
    """One system's files. Tables are named as files or folders are, columns as they are in the files."""

    is_current = False

    def __init__(self, system: str, url: str, timezone: str):
        self._system = system
        self._store = FileStore(system, url)
        self._timezone = ZoneInfo(timezone)
        self._known: Mapping[str, Mapping[str, LoadedFile]] = {}
        self._readings: dict[str, _Reading] = {}
        # What does not fit into DuckDB's memory goes into a folder.
        self._folder = TemporaryDirectory()
        self._duckdb = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": self._folder.name})

    def check(self) -> None:
        _ = self._files

    def locate(self, table: SourceTable) -> bool:
        return bool(self._files_of(table))

    def problems(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return reading.problems if reading else ()

    def finds_again(self, table: SourceTable, window: Window) -> str:
        reading = self._readings.get(table.name)
        read = ", ".join(text(file.path) for file in reading.done) if reading else ""
        return f"origin in ({read})" if read else "false"

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        self._known = loaded_files.recall(schema, emptied, execute)

    def remember(
        self, tables: Sequence[SourceTable], missed: Sequence[SourceTable], window: Window, execute: Execute
    ) -> None:
        readings = [self._readings[table.name] for table in tables if table.name in self._readings]
        files = [file for reading in readings for file in reading.done]
        if files:
            loaded_files.remember(tables[0].schema, files, execute)

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        first, end = (moment.astimezone(self._timezone).date() for moment in window)
        known = self._known.get(table.name, {})
        files = to_read(table, self._files_of(table), known, first, end)
        read_at = read_times(files, known, loaded_at)
        reading = self._readings[table.name] = _Reading(table, window, read_at)
        if not files:
            return
        # Of rows that are the same, those of the newest file count.
        files.sort(key=lambda file: read_at[file.path], reverse=True)
        with self._store.local(self._finished(reading, files)) as paths, self._duckdb.cursor() as connection:
            connection.execute("set timezone = 'UTC'; create temp table seen (row_hash bigint)")
            for group in self._groups(reading, paths):
                yield from self._rows(connection, reading, group)

    @cached_property
    def _files(self) -> Mapping[str, Sequence[File]]:
        return self._store.files()

    def _files_of(self, table: SourceTable) -> Sequence[File]:
        return self._files.get(table.source_table.lower(), [])

    def _finished(self, reading: _Reading, files: Sequence[File]) -> Sequence[File]:
        for file in files:
            if not file.is_finished:
                self._left_out(reading, file, "by its name it is still being written")
        return [file for file in files if file.is_finished]

    def _left_out(self, reading: _Reading, file: File, why: str) -> None:
        reading.problems.append(
            f"{self._system}: {file.path} is not whole ({why}). Nothing of it was loaded;"
            " the next run tries it again."
        )

    def _groups(self, reading: _Reading, paths: Mapping[Path, File]) -> Sequence[_Group]:
        """Files that are read together. Raises `SourceError` if one lacks a column."""
        layouts: dict[Layout, list[Path]] = defaultdict(list)
        for path, file in paths.items():
            try:
                layout = layout_of(path)
            except NotWholeError as error:
                self._left_out(reading, file, str(error))
                continue
            if layout not in layouts:
                self._refuse_missing_columns(reading.table, file, layout)
            layouts[layout].append(path)
        return [
            _Group(layout, {path: paths[path] for path in some})
            for layout, members in layouts.items()
            for some in _portions(members, paths)
        ]

    def _refuse_missing_columns(self, table: SourceTable, file: File, layout: Layout) -> None:
        names = layout.names
        missing = [column.name for column in table.columns if column.source_name not in names]
        if missing:
            raise SourceError(
                f"{self._system}: {file.path} has no column {', '.join(missing)}. {table.name} was not"
                " loaded and what was there stays. Restore the column, or take it out of _sources.yml"
                " and the models."
            )

    def _rows(
        self, connection: duckdb.DuckDBPyConnection, reading: _Reading, group: _Group
    ) -> Iterator[pa.Table]:
        try:
            self._take(connection, reading, group)
        except duckdb.Error as error:
            if len(group.files) > 1:
                for one in group.each():
                    yield from self._rows(connection, reading, one)
            else:
                (file,) = group.files.values()
                self._left_out(reading, file, reason_of(error))
            return
        if reading.done and not reading.has_begun:
            reading.has_begun = True
            yield reading.table.raw_schema.empty_table()
        reader = connection.sql(f"""
            select * exclude ({", ".join(ADDED)}) from versions
            where not {IS_HELD_BACK} and {ROW_HASH} not in (select row_hash from seen)
            -- A drop may have arrived twice.
            qualify row_number() over (partition by {ROW_HASH} order by {LOADED_AT} desc) = 1
        """).to_arrow_reader(BATCH_ROWS)
        yield from (pa.Table.from_batches([batch]) for batch in reader)
        connection.execute(f"insert into seen select {ROW_HASH} from versions where not {IS_HELD_BACK}")

    def _take(self, connection: duckdb.DuckDBPyConnection, reading: _Reading, group: _Group) -> None:
        """All rows of a group into `versions`; a file with a wrong value stays out, with its problem."""
        table, names = reading.table, group.layout.names
        given = ", ".join(given_sql(table, column, names[column.source_name]) for column in table.columns)
        relation = relation_sql(group.layout, list(group.files))
        connection.execute(f"create or replace temp table given as select {given}, {PATH} from {relation}")
        wrong = dict(connection.execute(wrong_values_sql(table, "given")).fetchall())
        connection.register("files", self._described(reading, group, wrong))
        versions = file_versions_sql(table, reading.window)
        connection.execute(f"create or replace temp table versions as {versions}")
        counts = {
            path: (rows, held_back)
            for path, rows, held_back in connection.execute(
                f"select {PATH}, count(*), count(*) filter (where {IS_HELD_BACK}) from versions group by all"
            ).fetchall()
        }
        for path, file in group.files.items():
            self._account(reading, file, wrong.get(str(path)), *counts.get(str(path), (0, 0)))

    def _account(self, reading: _Reading, file: File, wrong: str | None, rows: int, held_back: int) -> None:
        if wrong:
            reading.problems.append(
                f"{self._system}: {file.path} was not loaded: {wrong}. Mend the file, or the type in"
                " _sources.yml; the next run tries it again."
            )
            return
        reading.done.append(
            LoadedFile(
                table=reading.table.name,
                path=file.path,
                size=file.size,
                version=file.version,
                day=file.day,
                rows=rows - held_back,
                held_back=held_back,
                loaded_at=reading.read_at[file.path],
            )
        )

    def _described(self, reading: _Reading, group: _Group, wrong: Mapping[str, str]) -> pa.Table:
        sound = {path: file for path, file in group.files.items() if str(path) not in wrong}
        return pa.table(
            {
                PATH: pa.array([str(path) for path in sound], pa.string()),
                DAY_START: pa.array(
                    [self._start_of(file.day) for file in sound.values()], pa.timestamp("us")
                ),
                WRITTEN_AT: pa.array(
                    [_naive(file.modified_at) for file in sound.values()], pa.timestamp("us")
                ),
                READ_AT: pa.array(
                    [_naive(reading.read_at[file.path]) for file in sound.values()], pa.timestamp("us")
                ),
            }
        )

    def _start_of(self, day: date | None) -> datetime | None:
        return _naive(datetime.combine(day, time(), self._timezone).astimezone(UTC)) if day else None


def _portions(paths: Sequence[Path], files: Mapping[Path, File]) -> Iterator[Sequence[Path]]:
    portion: list[Path] = []
    size = 0
    for path in paths:
        if portion and (len(portion) == FILES_AT_ONCE or size + files[path].size > BYTES_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(path)
        size += files[path].size
    if portion:
        yield portion


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
