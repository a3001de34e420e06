"""Reading a system's files, in a folder or a bucket.

DuckDB reads many files at once, and all of a group before any of its rows goes further: a file that is
not whole, or that holds values of another type, gives no row at all; the others give all of theirs.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from retail_assets.catalog.contract import LOADED_AT, ROW_HASH, Names, SourceTable
from retail_assets.ingestion import file_mapping, loaded_files
from retail_assets.ingestion.file_formats import (
    PATH,
    Layout,
    NotWholeError,
    layout_of,
    reason_of,
    relation_sql,
)
from retail_assets.ingestion.file_mapping import Mapped
from retail_assets.ingestion.file_values import given_sql, wrong_values_sql
from retail_assets.ingestion.file_versions import (
    ADDED,
    DAY_START,
    IS_HELD_BACK,
    READ_AT,
    WRITTEN_AT,
    file_versions_sql,
)
from retail_assets.ingestion.files import File, FileStore, read_times, recency, to_read
from retail_assets.ingestion.keys import first_text
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.mapping import Hash
from retail_assets.ingestion.source import BATCH_ROWS, Found, Source
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
    end: date | None = None  # no file of this day or a later one is read
    has_begun: bool = False
    done: list[LoadedFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Group:
    """Files of one layout, by their local paths: one query reads them."""

    layout: Layout
    files: Mapping[Path, File]
    mapped: Mapped | None = None
    of_one: Callable[[Path], "_Group"] | None = None  # the same of one of the files, where they are mapped

    def each(self) -> Iterator["_Group"]:
        """A group for each of the files."""
        if self.of_one:
            return map(self.of_one, self.files)
        return (replace(self, files={path: file}) for path, file in self.files.items())


class FileSource(Source):
    """One system's files. Tables are named as files or folders are, columns as they are in the files."""

    def __init__(self, system: str, url: str, timezone: str):
        self.system = system
        self._store = FileStore(system, url)
        self._timezone = ZoneInfo(timezone)
        self._known: Mapping[str, Mapping[str, LoadedFile]] = {}
        self._readings: dict[str, _Reading] = {}
        # Copies of a bucket's files, and what does not fit into DuckDB's memory.
        self._folder = TemporaryDirectory()
        self._store.scratch = self._folder.name

    @cached_property
    def _duckdb(self) -> duckdb.DuckDBPyConnection:
        """It opens nothing but the source's files, whatever a mapping's query says."""
        connection = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": self._folder.name})
        folder = self._store.folder()
        folders = [Path(self._folder.name), *([folder] if folder else [])]
        folders += [each.resolve() for each in folders]
        linked = list(self._linked(folder)) if folder else []
        for setting, paths in (("directories", folders), ("paths", linked)):
            listed = ", ".join(text(str(path)) for path in paths)
            connection.execute(f"set allowed_{setting} = [{listed}]")
        connection.execute("set enable_external_access = false")
        return connection

    def _linked(self, folder: Path) -> Iterator[Path]:
        """What files are that links lead to, out of the folder."""
        parents: dict[Path, Path] = {}
        for file in (file for files in self._files.values() for file in files):
            path = folder / file.path
            parent = parents.get(path.parent) or parents.setdefault(path.parent, path.parent.resolve())
            place = path.resolve() if path.is_symlink() else parent / path.name
            if not place.is_relative_to(folder.resolve()):
                yield place

    def check(self) -> None:
        _ = self._files

    def locate(self, table: SourceTable) -> Found | None:
        if not self.mapping.covers(table):
            return None
        if file_mapping.reads_whole(self.mapping, table):
            sources = self._tables_of(table)
            if not sources:
                return None
            newest = [self._newest(self._files[name]) for name in sources]
        else:
            if not self._files_of(table, None):
                return None
            newest = [self._newest(self._files_of(table, None))]
        place = ", ".join(sorted({file.path for file in newest if file}))
        with self._duckdb.cursor() as connection, ExitStack() as stack:
            local = stack.enter_context(self._store.local([file for file in newest if file]))
            reading = _Reading(table, _NO_WINDOW, {})
            groups = self._groups(connection, reading, local, stack)
            if not groups:
                return Found(table, place)
            columns = {name for group in groups for name in _names_of(table, group)}
            given_up = frozenset().union(*(group.mapped.given_up for group in groups if group.mapped))
            absent = frozenset(column.name for column in table.columns) - columns
            return Found(replace(table, absent=absent), place, given_up)

    def relations(self) -> Mapping[str, Sequence[str]]:
        found = {}
        for name, files in self._files.items():
            newest = self._newest(files)
            with self._store.local([newest] if newest else []) as local:
                for path in local:
                    try:
                        found[name] = [column.strip() for column in layout_of(path).columns if column.strip()]
                    except NotWholeError:
                        continue
        return found

    def text_key(self, table: SourceTable) -> str | None:
        computed = {
            name for name, column in self.mapping.columns_of(table).items() if isinstance(column, Hash)
        }
        keys = {column.name for column in table.columns if column.is_key} - computed
        with self._duckdb.cursor() as connection, ExitStack() as stack:
            files = [file for file in self._files_of(table, None) if file.is_finished]
            local = stack.enter_context(self._store.local(self._behind(table, files, None)))
            for group in self._groups(connection, _Reading(table, _NO_WINDOW, {}), local, stack):
                names = _names_of(table, group)
                wanted = [name for name in names if name in keys]
                given = ", ".join(f'"{names[name]}" as "{name}"' for name in wanted)
                try:
                    if wanted and (
                        found := first_text(connection, f"(select {given} from {_relation(group)})", wanted)
                    ):
                        return found
                except duckdb.Error:
                    # A file that cannot be read is named when it is read.
                    continue
        return None

    def problems(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return reading.problems if reading else ()

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        super().recall(schema, emptied, execute)
        self._known = loaded_files.recall(schema, emptied, execute)

    def remember(self, tables: Sequence[SourceTable], execute: Execute) -> None:
        readings = [self._readings[table.name] for table in tables if table.name in self._readings]
        files = [file for reading in readings for file in reading.done]
        if files:
            loaded_files.remember(tables[0].schema, files, execute)

    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        first, end = (moment.astimezone(self._timezone).date() for moment in window)
        known = self._known.get(table.name, {})
        files = to_read(table, self._files_of(table, end), known, first, end)
        read_at = read_times(files, known, loaded_at)
        reading = self._readings[table.name] = _Reading(table, window, read_at, end)
        if not files:
            return
        # Of rows that are the same, those of the newest file count.
        files.sort(key=lambda file: read_at[file.path], reverse=True)
        with ExitStack() as stack:
            connection = stack.enter_context(self._duckdb.cursor())
            connection.execute(f"set timezone = '{table.timezone}'; create temp table seen (row_hash bigint)")
            finished = self._finished(reading, files)
            local = stack.enter_context(self._store.local(self._behind(table, finished, end)))
            groups = self._groups(connection, reading, local, stack)
            for group in groups:
                self._refuse_missing_columns(table, group)
            for group in groups:
                yield from self._rows(connection, reading, group)

    @cached_property
    def _files(self) -> Mapping[str, Sequence[File]]:
        return self._store.files()

    def _files_of(self, table: SourceTable, end: date | None) -> Sequence[File]:
        """A table's files; one that stands for all of them where a query makes the table of several."""
        if file_mapping.reads_whole(self.mapping, table):
            files = [file for name in self._tables_of(table) for file in self._due(name, end)]
            return [self._all_of(table, files)] if files else []
        name = self._name_of(table)
        files = [*self._files[name]] if name else []
        mapped = self._fingerprint(table)
        return [replace(file, version=f"{file.version} {mapped}") for file in files] if mapped else files

    def _name_of(self, table: SourceTable) -> str | None:
        wanted = self.mapping.of(table).from_ or table.source_table
        names = Names(self._files)
        return names.find(wanted.lower()) or names.find(wanted.rpartition(".")[2].lower())

    def _tables_of(self, table: SourceTable) -> Sequence[str]:
        """What a query of the mapping's reads, by the names of files and folders."""
        if not self.mapping.of(table).select:
            return ()
        asked = file_mapping.tables_in(self._duckdb, self.mapping, table)
        found = {name for each in asked for name in self._files if name == each.lower()}
        return sorted(found)

    def _fingerprint(self, table: SourceTable) -> str:
        """What tells that a mapping has changed, so that files are read again; empty without one."""
        said = self.mapping.of(table).model_dump_json(exclude_unset=True)
        return sha256(said.encode()).hexdigest()[:16] if said != "{}" else ""

    def _all_of(self, table: SourceTable, files: Sequence[File]) -> File:
        versions = repr(sorted((file.path, file.size, file.version) for file in files))
        written = [file.modified_at for file in files if file.modified_at]
        return File(
            path=f"the select of {table.name}",
            size=sum(file.size for file in files),
            version=sha256(f"{versions} {self._fingerprint(table)}".encode()).hexdigest()[:32],
            modified_at=max(written, default=None),
            day=None,
        )

    def _due(self, name: str, end: date | None) -> list[File]:
        """The files of a folder that a query may see in a window that ends before this day."""
        return [
            file
            for file in self._files[name]
            if file.is_finished and (file.day is None or end is None or file.day < end)
        ]

    def _behind(self, table: SourceTable, files: Sequence[File], end: date | None) -> Sequence[File]:
        """The files that have to be at hand to read these."""
        if not files or not file_mapping.reads_whole(self.mapping, table):
            return files
        return [file for name in self._tables_of(table) for file in self._due(name, end)]

    def _newest(self, files: Sequence[File]) -> File | None:
        finished = [file for file in files if file.is_finished]
        return max(finished, key=recency, default=None)

    def _finished(self, reading: _Reading, files: Sequence[File]) -> Sequence[File]:
        for file in files:
            if not file.is_finished:
                self._left_out(reading, file, "by its name it is still being written")
        return [file for file in files if file.is_finished]

    def _left_out(self, reading: _Reading, file: File, why: str) -> None:
        reading.problems.append(
            f"{self.system}: {file.path} is not whole ({why}). Nothing of it was loaded;"
            " the next run tries it again."
        )

    def _groups(
        self,
        connection: duckdb.DuckDBPyConnection,
        reading: _Reading,
        paths: Mapping[Path, File],
        stack: ExitStack,
    ) -> Sequence[_Group]:
        """Files that are read together. Raises `MappingError` if the mapping cannot be followed.

        What else a query of the mapping's reads is at hand until the stack is closed.
        """
        table, mapping = reading.table, self.mapping
        layouts = self._layouts(reading, paths)
        if not layouts or not mapping.filled.get(table.name):
            found = [
                _Group(layout, {path: paths[path] for path in some})
                for layout, members in layouts.items()
                for some in _portions(members, paths)
            ]
        elif file_mapping.reads_whole(mapping, table):
            by_name: dict[str, list[tuple[Layout, Mapping[Path, date]]]] = defaultdict(list)
            for layout, members in layouts.items():
                for name in {paths[path].table for path in members}:
                    some = {path: self._day_of(paths[path]) for path in members if paths[path].table == name}
                    by_name[name].append((layout, some))
            (whole,) = self._files_of(table, reading.end)
            mapped = file_mapping.mapped(connection, mapping, table, "", by_name, Path(whole.path))
            found = [_Group(mapped.layout, {Path(whole.path): whole}, mapped)]
        else:
            found = self._mapped_groups(connection, reading, layouts, paths, stack)
        return found

    def _layouts(self, reading: _Reading, paths: Mapping[Path, File]) -> Mapping[Layout, list[Path]]:
        layouts: dict[Layout, list[Path]] = defaultdict(list)
        for path, file in paths.items():
            try:
                layouts[layout_of(path)].append(path)
            except NotWholeError as error:
                self._left_out(reading, file, str(error))
        return layouts

    def _mapped_groups(
        self,
        connection: duckdb.DuckDBPyConnection,
        reading: _Reading,
        layouts: Mapping[Layout, Sequence[Path]],
        paths: Mapping[Path, File],
        stack: ExitStack,
    ) -> list[_Group]:
        """Groups of files, each as the mapping sees it; a query that does not tell files apart reads one."""
        table = reading.table
        name = self._name_of(table) or ""
        others: dict[str, file_mapping.Files] = {}
        for other in self._tables_of(table):
            if other != name:
                local = stack.enter_context(self._store.local(self._due(other, reading.end)))
                others[other] = [
                    (layout, {path: self._day_of(local[path]) for path in members})
                    for layout, members in self._layouts(reading, local).items()
                ]
        select = self.mapping.of(table).select
        at_once = FILES_AT_ONCE if not select or PATH in select else 1

        def group(layout: Layout, some: Sequence[Path]) -> _Group:
            files = {**others, name: [(layout, {path: self._day_of(paths[path]) for path in some})]}
            only = some[0] if at_once == 1 else None
            mapped = file_mapping.mapped(connection, self.mapping, table, name, files, only)
            return _Group(
                mapped.layout,
                {path: paths[path] for path in some},
                mapped,
                lambda path: group(layout, [path]),
            )

        return [
            group(layout, some)
            for layout, members in layouts.items()
            for some in _portions(members, paths, at_once)
        ]

    def _refuse_missing_columns(self, table: SourceTable, group: _Group) -> None:
        names = _names_of(table, group)
        given_up = group.mapped.given_up if group.mapped else ()
        lacking = [each for each in table.columns if each.name not in names and each.name not in given_up]
        self.refuse_lacking(table, lacking, next(iter(group.files.values())).path)

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
                if group.mapped:
                    reading.problems.append(
                        f"{self.system}: {file.path} was not loaded: {reason_of(error).rstrip('.')}."
                        f" Mend it, or tables.{reading.table.name} in {self.mapping.path}; the next run"
                        " tries it again."
                    )
                else:
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
        names = _names_of(reading.table, group)
        absent = frozenset(column.name for column in reading.table.columns) - names.keys()
        table = replace(reading.table, absent=absent)
        given = ", ".join(given_sql(table, column, names.get(column.name)) for column in table.columns)
        relation = _relation(group)
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
                f"{self.system}: {file.path} was not loaded: {wrong}. Mend the file, or the type in"
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

    def _day_of(self, file: File) -> date:
        """The day that a file is of, or on which it was written."""
        written = file.modified_at or datetime.now(UTC)
        return file.day or written.astimezone(self._timezone).date()

    def _start_of(self, day: date | None) -> datetime | None:
        return _naive(datetime.combine(day, time(), self._timezone).astimezone(UTC)) if day else None


# Of a look at files that reads none of their rows.
_NO_WINDOW = Window(datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


def _names_of(table: SourceTable, group: _Group) -> Mapping[str, str]:
    """What the group's relation calls the contract's columns that it has."""
    if group.mapped:
        return {name: name for name in group.layout.columns}
    found = {column.name: group.layout.find(column.source_name) for column in table.columns}
    return {name: place for name, place in found.items() if place is not None}


def _relation(group: _Group) -> str:
    return group.mapped.relation if group.mapped else relation_sql(group.layout, list(group.files))


def _portions(
    paths: Sequence[Path], files: Mapping[Path, File], at_once: int = FILES_AT_ONCE
) -> Iterator[Sequence[Path]]:
    portion: list[Path] = []
    size = 0
    for path in paths:
        if portion and (len(portion) == at_once or size + files[path].size > BYTES_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(path)
        size += files[path].size
    if portion:
        yield portion


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
