"""Reading a system's files, in a folder or a bucket.

DuckDB reads many files at once, and all of a group before any of its rows goes further: a file that is not
whole gives no row at all. A row that cannot be read is refused by itself; a file is refused where none of its
rows can be trusted. Neither keeps other files from being read.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from retail_assets.catalog.contract import Names, SourceTable
from retail_assets.ingestion import file_mapping, loaded_files
from retail_assets.ingestion.file_formats import (
    PATH,
    UTF_8,
    Layout,
    NotWholeError,
    UnreadableFileError,
    layout_of,
)
from retail_assets.ingestion.file_reading import FileReading, checksum_of, layout_in
from retail_assets.ingestion.file_repair import as_utf8
from retail_assets.ingestion.file_tables import FileTables, Group
from retail_assets.ingestion.files import READ, File, FileStore, read_times, recency, recognised, to_read
from retail_assets.ingestion.keys import first_text
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.mapping import Hash
from retail_assets.ingestion.source import Found, Source
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

FILES_AT_ONCE = 500
FILES_NAMED = 3
BYTES_AT_ONCE = 32 * 1024 * 1024


class FileSource(Source):
    """One system's files. Tables are named as files or folders are, columns as they are in the files.

    `timezone` is that of the retailer's days, `own_timezone` that of times which name none. `shipped` is a
    folder of reference lists, which stand in for tables that the source does not have.
    """

    is_current = False

    def __init__(
        self, system: str, url: str, timezone: str, own_timezone: str = "UTC", shipped: Path | None = None
    ):
        self.system = system
        self._store = FileStore(system, url, shipped)
        self._timezone = ZoneInfo(timezone)
        self._own_timezone = own_timezone
        self._known: Mapping[str, Mapping[str, LoadedFile]] = {}
        self._readings: dict[str, FileReading] = {}
        # What does not fit into DuckDB's memory goes into a folder, and so do copies of files.
        self._folder = TemporaryDirectory()
        self._store.scratch = self._folder.name

    @cached_property
    def _duckdb(self) -> duckdb.DuckDBPyConnection:
        """It opens nothing but the source's files, whatever a mapping's query says."""
        connection = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": self._folder.name})
        folder = self._store.folder
        folders = [Path(self._folder.name), *filter(None, (folder, self._store.shipped))]
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
        root = folder.resolve()
        for file in (file for files in self._files.values() for file in files):
            path = folder / file.path
            parent = parents.get(path.parent) or parents.setdefault(path.parent, path.parent.resolve())
            place = path.resolve() if path.is_symlink() else parent / path.name
            if not place.is_relative_to(root):
                yield place

    def check(self) -> None:
        _ = self._files

    def locate(self, table: SourceTable) -> Found | None:
        if not self.mapping.covers(table):
            return None
        if self._reads_whole(table):
            newest = [self._newest(self._files[name]) for name in self._tables_of(table)]
        else:
            files = self._files_of(table, None)
            newest = [self._newest(files)] if files else []
        if not newest:
            return None
        place = ", ".join(sorted({file.path for file in newest if file}))
        with self._duckdb.cursor() as connection, ExitStack() as stack:
            local = stack.enter_context(self._store.local([file for file in newest if file]))
            layouts = self._layouts(table, local, to_be_read=False)
            groups = list(self._groups(connection, table, layouts, None, stack))
            if not groups:
                return Found(table, place)
            columns = {name for group in groups for name in group.columns(table)}
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
                    except (NotWholeError, UnreadableFileError):
                        continue
        return found

    def text_key(self, table: SourceTable) -> str | None:
        computed = {
            name for name, column in self.mapping.columns_of(table).items() if isinstance(column, Hash)
        }
        keys = {column.name for column in table.columns if column.is_key} - computed
        with self._duckdb.cursor() as connection, ExitStack() as stack:
            files = [file for file in self._files_of(table, None) if not file.why_unfinished]
            local = stack.enter_context(self._store.local(self._behind(table, files, None)))
            for group in self._groups(connection, table, self._layouts(table, local), None, stack):
                given = [f'"{name}" as "{key}"' for key, name in group.columns(table).items() if key in keys]
                wanted = [key for key in group.columns(table) if key in keys]
                try:
                    relation = f"(select {', '.join(given)} from {group.relation()})"
                    if wanted and (found := first_text(connection, relation, wanted)):
                        return found
                except duckdb.Error:
                    # A file that cannot be read is named when it is read.
                    continue
        return None

    def is_expected(self, table: SourceTable) -> bool:
        return super().is_expected(table) or bool(self._of_other_kinds(table))

    def absence(self, table: SourceTable) -> str:
        others = self._of_other_kinds(table)
        if not others:
            return super().absence(table)
        kinds = f"{', '.join(READ[:-1])} and {READ[-1]}"
        return (
            f"{self.system}: {', '.join(others[:FILES_NAMED])} cannot be read, since files are read that end"
            f" in {kinds}: {table.name} counts as empty. Export it as one of these."
        )

    def _of_other_kinds(self, table: SourceTable) -> Sequence[str]:
        """A table's files of which the kind is not read."""
        name = Names(self._others).find((self.mapping.of(table).from_ or table.source_table).lower())
        return self._others[name] if name else ()

    @cached_property
    def _others(self) -> Mapping[str, Sequence[str]]:
        return self._store.others()

    def problems(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return [*(reading.problems if reading else ()), *self._misnamed(table)]

    def doubtful(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return [*(reading.doubtful if reading else ()), *self._not_read(table)]

    def _not_read(self, table: SourceTable) -> Iterator[str]:
        """Files in the table's folder, or of its name, of kinds that are not read; and, told once for the
        system, files of no table."""
        kinds = f"{', '.join(READ[:-1])} and {READ[-1]}"
        if others := self._of_other_kinds(table):
            yield (
                f"{self.system}: {_named(others)} not read: files are read that end in {kinds}. If it is data"
                f" of {table.name}, export it as one of these."
            )
        first = next((each.name for each in self.tables if self._name_of(each)), None)
        if table.name == first and (nobodys := list(self._nobodys())):
            yield (
                f"{self.system}: {_named(nobodys)} not read: by its name it is of no table. Name it as the"
                " table that it is of, or name it in the mapping."
            )

    def _nobodys(self) -> Iterator[str]:
        """The files that no table is read from, and that none is told of."""
        alike = [self._alike(each) for each in self.tables]
        wanted = {each.source_table.lower() for each in self.tables}
        files = {name: [file.path for file in found] for name, found in self._files.items()}
        for name, paths in [*files.items(), *self._others.items()]:
            is_told = name in wanted or any(each.fullmatch(name) for each in alike)
            if not is_told and not any(self._names(each, name) for each in self.tables):
                yield from (path for path in paths if not path.rpartition("/")[2].startswith((".", "_")))

    def unfinished(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return reading.unfinished if reading else ()

    def refused(self, table: SourceTable) -> Sequence[str]:
        reading = self._readings.get(table.name)
        return reading.refused if reading else ()

    def finds_again(self, table: SourceTable, window: Window) -> str:
        reading = self._readings.get(table.name)
        read = ", ".join(text(file.path) for file in reading.done) if reading else ""
        return f"regexp_replace(origin, ', (line|row) [0-9]+$', '') in ({read})" if read else "false"

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        super().recall(schema, emptied, execute)
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
        listed = self._files_of(table, end)
        known = recognised(listed, loaded, lambda file: self._checksum(table, file))
        files = to_read(table, listed, known, first, end)
        read_at = read_times(files, known, loaded_at)
        reading = self._readings[table.name] = FileReading(
            self,
            self._store,
            Path(self._folder.name),
            self._timezone,
            table,
            self._fingerprint(table),
            known,
            read_at,
        )
        reading.renamed = [
            file for path, file in known.items() if file != loaded.get(path) and path not in read_at
        ]
        if not files:
            return
        # Of rows that are the same, those of the newest file count.
        files.sort(key=lambda file: read_at[file.path], reverse=True)
        with ExitStack() as stack:
            connection = stack.enter_context(self._duckdb.cursor())
            tables = FileTables(connection, table, window)
            tables.prepare(table.timezone or self._own_timezone)
            finished = self._behind(table, reading.finished(files), end)
            layouts = reading.readable(stack.enter_context(self._store.local(finished)))
            for group in self._groups(connection, table, layouts, end, stack):
                yield from reading.rows(tables, group)

    def later(self, table: SourceTable, window: Window, until: datetime) -> tuple[int, Sequence[str]]:
        reading = self._readings.get(table.name)
        end = window.end.astimezone(self._timezone).date()
        files = [file.path for file in self._files_of(table, None) if file.day and file.day >= end]
        return sum(file.held_back for file in reading.done) if reading else 0, files

    @cached_property
    def _files(self) -> Mapping[str, Sequence[File]]:
        return self._store.files()

    def _files_of(self, table: SourceTable, end: date | None) -> Sequence[File]:
        """A table's files; one that stands for all of them where a query makes the table of several."""
        if self._reads_whole(table):
            files = [file for name in self._tables_of(table) for file in self._due(name, end)]
            return [self._all_of(table, files)] if files else []
        name = self._name_of(table)
        files = [*self._files[name]] if name else []
        mapped = self._fingerprint(table)
        return [replace(file, version=f"{file.version} {mapped}") for file in files] if mapped else files

    def _reads_whole(self, table: SourceTable) -> bool:
        return file_mapping.reads_whole(self.mapping, table)

    def _misnamed(self, table: SourceTable) -> Iterator[str]:
        """Files that are read as no table, since they are named like copies or parts of this one's."""
        name, alike = self._wanted(table), self._alike(table)
        for other, files in self._files.items():
            if alike.fullmatch(other) and not any(self._names(each, other) for each in self.tables):
                paths = ", ".join(file.path for file in files[:FILES_NAMED])
                yield (
                    f"{self.system}: {paths} was not read: by its name it is of no table. If it is of"
                    f" {table.name}, move it into the folder {name}."
                )

    def _wanted(self, table: SourceTable) -> str:
        return (self.mapping.of(table).from_ or table.source_table).lower()

    def _alike(self, table: SourceTable) -> re.Pattern[str]:
        return re.compile(rf"{re.escape(self._wanted(table))}_?((part|copy)?_?\d+|copy)")

    def _names(self, table: SourceTable, name: str) -> bool:
        """Whether a table may be read from files of this name."""
        said = self.mapping.of(table).model_dump_json(exclude_unset=True).lower()
        return self._name_of(table) == name or bool(re.search(rf"\b{re.escape(name)}\b", said))

    def _name_of(self, table: SourceTable) -> str | None:
        wanted = self.mapping.of(table).from_ or table.source_table
        names = Names(self._files)
        return names.find(wanted.lower()) or names.find(wanted.rpartition(".")[2].lower())

    def _tables_of(self, table: SourceTable) -> Sequence[str]:
        """What a query of the mapping's reads, by the names of files and folders."""
        if not self.mapping.of(table).select:
            return ()
        asked = file_mapping.tables_in(self._duckdb, self.mapping, table)
        return sorted({name for each in asked for name in self._files if name == each.lower()})

    def _fingerprint(self, table: SourceTable) -> str:
        """Changes if the table's mapping does, so that its files are read again; empty without a mapping."""
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
            if not file.why_unfinished and (file.day is None or end is None or file.day < end)
        ]

    def _behind(self, table: SourceTable, files: Sequence[File], end: date | None) -> Sequence[File]:
        """The files that have to be at hand to read these."""
        if not files or not self._reads_whole(table):
            return files
        return [file for name in self._tables_of(table) for file in self._due(name, end)]

    def _newest(self, files: Sequence[File]) -> File | None:
        finished = [file for file in files if not file.why_unfinished]
        return max(finished, key=recency, default=None)

    def _checksum(self, table: SourceTable, file: File) -> str:
        with self._store.local([file]) as paths:
            (path,) = paths
            return checksum_of(path) + self._fingerprint(table)

    def _layouts(
        self, table: SourceTable, paths: Mapping[Path, File], *, to_be_read: bool = True
    ) -> Mapping[Layout, Mapping[Path, File]]:
        """Files by layout, without those whose layout cannot be read: these are reported later."""
        layouts: dict[Layout, dict[Path, File]] = defaultdict(dict)
        for path, file in paths.items():
            try:
                layout = layout_in(self.mapping, table, path)
            except (NotWholeError, UnreadableFileError):
                continue
            if to_be_read and layout.encoding != UTF_8:
                path, layout = as_utf8(path, layout, Path(self._folder.name))
            layouts[layout][path] = file
        return layouts

    def _groups(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: SourceTable,
        layouts: Mapping[Layout, Mapping[Path, File]],
        end: date | None,
        stack: ExitStack,
    ) -> Iterator[Group]:
        """Files that are read together. Raises `MappingError` if the mapping cannot be followed.

        What else a query of the mapping's reads is at hand until the stack is closed.
        """
        if not layouts:
            return
        if table.name not in self.mapping.filled:
            for layout, members in layouts.items():
                for some in _portions(members):
                    yield Group(layout, {path: members[path] for path in some})
        elif self._reads_whole(table):
            yield self._whole(connection, table, layouts, end)
        else:
            yield from self._mapped(connection, table, layouts, end, stack)

    def _whole(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: SourceTable,
        layouts: Mapping[Layout, Mapping[Path, File]],
        end: date | None,
    ) -> Group:
        by_name: dict[str, list[tuple[Layout, Mapping[Path, date]]]] = defaultdict(list)
        for layout, members in layouts.items():
            for name in {file.table for file in members.values()}:
                days = {path: self._day_of(file) for path, file in members.items() if file.table == name}
                by_name[name].append((layout, days))
        (whole,) = self._files_of(table, end)
        path = Path(whole.path)
        mapped = file_mapping.mapped(connection, self.mapping, table, "", by_name, path)
        return Group(mapped.layout, {path: whole}, mapped=mapped)

    def _mapped(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: SourceTable,
        layouts: Mapping[Layout, Mapping[Path, File]],
        end: date | None,
        stack: ExitStack,
    ) -> Iterator[Group]:
        """Groups of files as the mapping sees them; a query that does not tell files apart reads one."""
        name = self._name_of(table) or ""
        others: dict[str, file_mapping.Files] = {}
        for other in self._tables_of(table):
            if other != name:
                local = stack.enter_context(self._store.local(self._due(other, end)))
                others[other] = [
                    (layout, {path: self._day_of(file) for path, file in members.items()})
                    for layout, members in self._layouts(table, local).items()
                ]
        select = self.mapping.of(table).select
        at_once = FILES_AT_ONCE if not select or PATH in select else 1

        def group(layout: Layout, some: Sequence[Path]) -> Group:
            members = {path: layouts[layout][path] for path in some}
            days = {path: self._day_of(file) for path, file in members.items()}
            files = {**others, name: [(layout, days)]}
            only = some[0] if at_once == 1 else None
            mapped = file_mapping.mapped(connection, self.mapping, table, name, files, only)
            return Group(mapped.layout, members, mapped=mapped, of_one=lambda path: group(layout, [path]))

        for layout, members in layouts.items():
            for some in _portions(members, at_once):
                yield group(layout, some)

    def _day_of(self, file: File) -> date:
        """The day that a file is of, or on which it was written."""
        written = file.modified_at or datetime.now(UTC)
        return file.day or written.astimezone(self._timezone).date()


def _named(paths: Sequence[str]) -> str:
    """Some of the paths, with the verb."""
    more = len(paths) - FILES_NAMED
    listed = f"{', '.join(paths[:FILES_NAMED])}{f' and {more:,} more' if more > 0 else ''}"
    return f"{listed} {'was' if len(paths) == 1 else 'were'}"


def _portions(files: Mapping[Path, File], at_once: int = FILES_AT_ONCE) -> Iterator[Sequence[Path]]:
    portion: list[Path] = []
    size = 0
    for path, file in files.items():
        if portion and (len(portion) == at_once or size + file.size > BYTES_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(path)
        size += file.size
    if portion:
        yield portion
