"""Reading a system's files, in a folder or a bucket.

DuckDB reads many files at once, and all of a group before any of its rows goes further: a file that is not
whole gives no row at all. A row that cannot be read is refused by itself; a file is refused where none of its
rows can be trusted. Neither keeps other files from being read.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from datetime import time as clock
from functools import cached_property
from hashlib import file_digest, sha256
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
from retail_assets.ingestion.files import READ, File, FileStore, read_times, recency, recognised, to_read
from retail_assets.ingestion.keys import first_text
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.mapping import Hash
from retail_assets.ingestion.source import Found, Source
from retail_assets.ingestion.versions import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

FILES_AT_ONCE = 500
FILES_NAMED = 3
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
    unfinished: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


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
        self._readings: dict[str, _Reading] = {}
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
        return reading.problems if reading else ()

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
        reading = self._readings[table.name] = _Reading(table, window, known, read_at)
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
            finished = self._behind(table, self._finished(reading, files), end)
            layouts = self._readable(reading, stack.enter_context(self._store.local(finished)))
            for group in self._groups(connection, table, layouts, end, stack):
                yield from self._rows(tables, reading, group)

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
            return _checksum(path) + self._fingerprint(table)

    def _finished(self, reading: _Reading, files: Sequence[File]) -> Sequence[File]:
        for file in files:
            if file.why_unfinished:
                self._left_out(reading, file, file.why_unfinished)
        return [file for file in files if not file.why_unfinished]

    def _left_out(self, reading: _Reading, file: File, why: str, *, breaks_off: bool = False) -> None:
        said = f"{self.system}: {file.path} is not whole ({why}). Nothing of it was loaded;"
        if breaks_off and file.modified_at and _age(file) >= ABANDONED:
            reading.refused.append(
                f"{said} it was written at {file.modified_at:%Y-%m-%d %H:%M} UTC: send it again."
            )
        else:
            reading.unfinished.append(f"{said} the next run tries it again.")
            reading.problems.append(reading.unfinished[-1])

    def _refuse(self, reading: _Reading, file: File, why: str) -> None:
        reading.refused.append(
            f"{self.system}: {file.path} was not loaded: {why}. Mend the file; the next run tries it again."
        )

    def _readable(
        self, reading: _Reading, paths: Mapping[Path, File]
    ) -> Mapping[Layout, Mapping[Path, File]]:
        """The files that can be read, by their layouts; of the others it is said why not."""
        layouts: dict[Layout, dict[Path, File]] = defaultdict(dict)
        table = reading.table
        is_mapped = table.name in self.mapping.filled
        told = {file.left_out for file in reading.known.values()}
        for path, file in paths.items():
            try:
                # Before it is read: what changes after that is a change for the next run.
                reading.checksums[file.path] = self._checksum_of(reading, path, file)
                layout = self._layout(table, path)
                if not is_mapped:
                    self._refuse_columns(table, Group(layout, {path: file}))
                self._refuse_repeated(table, layout)
                self._refuse_unfinished(file, layout)
                left_out = "" if is_mapped else ", ".join(layout.left_out(table))
                if left_out and left_out not in told:
                    told.add(left_out)
                    reading.problems.append(
                        f"{self.system}: {file.path} has columns that are not ingested: {left_out}."
                    )
                if layout.encoding != UTF_8:
                    path, layout = self._in_utf8(reading, path, file, layout)
            except NotWholeError as error:
                self._left_out(reading, file, str(error), breaks_off=isinstance(error, BreaksOffError))
            except UnreadableFileError as error:
                self._refuse(reading, file, str(error))
            else:
                layouts[layout][path] = file
        return layouts

    def _layouts(
        self, table: SourceTable, paths: Mapping[Path, File], *, to_be_read: bool = True
    ) -> Mapping[Layout, Mapping[Path, File]]:
        """Files by layout, without those whose layout cannot be read: these are reported later."""
        layouts: dict[Layout, dict[Path, File]] = defaultdict(dict)
        for path, file in paths.items():
            try:
                layout = self._layout(table, path)
            except (NotWholeError, UnreadableFileError):
                continue
            if to_be_read and layout.encoding != UTF_8:
                path, layout = as_utf8(path, layout, Path(self._folder.name))
            layouts[layout][path] = file
        return layouts

    def _layout(self, table: SourceTable, path: Path) -> Layout:
        is_mapped = table.name in self.mapping.filled
        return layout_of(path, () if is_mapped else [column.source_name for column in table.columns])

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

    def _checksum_of(self, reading: _Reading, path: Path, file: File) -> str:
        known = reading.known.get(file.path)
        is_known = known and known.checksum and known.loaded_at == reading.read_at.get(file.path)
        try:
            if known and is_known:
                return known.checksum
            return _checksum(path) + self._fingerprint(reading.table)
        except OSError as error:
            raise NotWholeError(f"it cannot be opened: {error.strerror or error}") from None

    def _refuse_columns(self, table: SourceTable, group: Group) -> None:
        lack = self.lack(table, group.lacking(table))
        if lack:
            raise UnreadableFileError(f"it has {lack.what}. {lack.remedy}")

    def _refuse_repeated(self, table: SourceTable, layout: Layout) -> None:
        if table.name in self.mapping.filled:
            said = self.mapping.of(table).model_dump_json().lower()
            counts = Counter(name.strip().lower() for name in layout.columns if name.strip())
            twice = [name for name, count in counts.items() if count > 1 and name in said]
        else:
            places = (layout.places(column.source_name) for column in table.columns)
            twice = [layout.columns[found[0]].strip() for found in places if len(found) > 1]
        if twice:
            raise UnreadableFileError(
                f"its header has more than one column {', '.join(twice)}. Keep the right one"
            )

    def _refuse_unfinished(self, file: File, layout: Layout) -> None:
        """Refuse a CSV that is still being written. A CSV has no mark of its end."""
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
                f"{self.system}: {file.path} is not UTF-8; it was read as Windows-1252. Save it as UTF-8 if"
                " letters are wrong."
            )
        return copy

    def _rows(self, tables: FileTables, reading: _Reading, group: Group) -> Iterator[pa.Table]:
        try:
            if group.mapped:
                self._refuse_columns(reading.table, group)
            tables.give(group)
            counts = tables.version(group, self._described(reading, group))
        except UnreadableFileError as error:
            for file in group.files.values():
                self._refuse(reading, file, str(error))
            return
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
        if group.mapped:
            why = reason_of(error).rstrip(".")
            self._refuse(reading, file, f"{why} (tables.{reading.table.name} in {self.mapping.path})")
            return None
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
                # A query's files have one each.
                checksum=reading.checksums.get(file.path, ""),
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

    def _day_of(self, file: File) -> date:
        """The day that a file is of, or on which it was written."""
        written = file.modified_at or datetime.now(UTC)
        return file.day or written.astimezone(self._timezone).date()

    def _start_of(self, day: date | None) -> datetime | None:
        return _naive(datetime.combine(day, clock(), self._timezone).astimezone(UTC)) if day else None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _age(file: File) -> float:
    """The seconds since a file was written."""
    return (datetime.now(UTC) - file.modified_at).total_seconds() if file.modified_at else 0.0


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


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
