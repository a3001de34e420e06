"""One reading of a table's files.

Which files are read, what becomes of their rows, and what is said of the others.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from datetime import time as clock
from hashlib import file_digest
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from retail_assets.catalog.contract import SourceTable
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
from retail_assets.ingestion.file_values import Doubt
from retail_assets.ingestion.file_versions import DAY_START, NAME, READ_AT, WRITTEN_AT
from retail_assets.ingestion.files import File, FileStore
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.mapping import SystemMapping
from retail_assets.ingestion.source import Source

# A CSV may still be written to, unless nobody has done so for so many seconds.
QUIET = 5.0
# A file that lacks its end, and that nobody has written to for so many seconds, will not be made whole.
ABANDONED = 3600.0
# The share of its rows from which on a list of what there is has not shrunk.
_MOST = 0.9


@dataclass
class FileReading:
    """What a reading has to know, and what came of each file so far.

    `known` are the files that were read before, `read_at` the times at which those of this reading count as
    read, and `fingerprint` is the mapping's. `scratch` is a folder for copies.
    """

    source: Source
    store: FileStore
    scratch: Path
    timezone: ZoneInfo
    table: SourceTable
    fingerprint: str
    known: Mapping[str, LoadedFile]
    read_at: Mapping[str, datetime]
    has_begun: bool = False
    checksums: dict[str, str] = field(default_factory=dict)
    done: list[LoadedFile] = field(default_factory=list)
    renamed: list[LoadedFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    shrunk: list[str] = field(default_factory=list)
    doubts: dict[str, tuple[Doubt, list[str]]] = field(default_factory=dict)  # by column, with its files

    def finished(self, files: Sequence[File]) -> Sequence[File]:
        """Those that are whole; of the others it is said what they lack."""
        for file in files:
            if file.why_unfinished:
                self._left_out(file, file.why_unfinished)
        return [file for file in files if not file.why_unfinished]

    @property
    def doubtful(self) -> Sequence[str]:
        """What was read, and may be something else, or too little: a sentence for each column, and file."""
        return [
            *self.shrunk,
            *(
                f"{self.source.system}: {paths[0]}"
                f"{f' and {len(paths) - 1:,} more' if len(paths) > 1 else ''}: {doubt.told}."
                for doubt, paths in self.doubts.values()
            ),
        ]

    def _left_out(self, file: File, why: str, *, breaks_off: bool = False) -> None:
        said = f"{self.source.system}: {file.path} is not whole ({why}). Nothing of it was loaded;"
        if breaks_off and file.modified_at and _age(file) >= ABANDONED:
            self.refused.append(
                f"{said} it was written at {file.modified_at:%Y-%m-%d %H:%M} UTC: send it again."
            )
        else:
            self.unfinished.append(f"{said} the next run tries it again.")
            self.problems.append(self.unfinished[-1])

    def _refuse(self, file: File, why: str) -> None:
        self.refused.append(
            f"{self.source.system}: {file.path} was not loaded: {why}. Mend the file; the next run tries it"
            " again."
        )

    def readable(self, paths: Mapping[Path, File]) -> Mapping[Layout, Mapping[Path, File]]:
        """The files that can be read, by their layouts; of the others it is said why not."""
        layouts: dict[Layout, dict[Path, File]] = defaultdict(dict)
        table = self.table
        is_mapped = table.name in self.source.mapping.filled
        told = {file.left_out for file in self.known.values()}
        for path, file in paths.items():
            try:
                # Before it is read: what changes after that is a change for the next run.
                self.checksums[file.path] = self._checksum_of(path, file)
                layout = layout_in(self.source.mapping, table, path)
                if not is_mapped:
                    self._refuse_columns(Group(layout, {path: file}))
                self._refuse_repeated(layout)
                self._refuse_unfinished(file, layout)
                left_out = "" if is_mapped else ", ".join(layout.left_out(table))
                if left_out and left_out not in told:
                    told.add(left_out)
                    self.problems.append(
                        f"{self.source.system}: {file.path} has columns that are not ingested: {left_out}."
                    )
                if layout.encoding != UTF_8:
                    path, layout = self._in_utf8(path, file, layout)
            except NotWholeError as error:
                self._left_out(file, str(error), breaks_off=isinstance(error, BreaksOffError))
            except UnreadableFileError as error:
                self._refuse(file, str(error))
            else:
                layouts[layout][path] = file
        return layouts

    def _checksum_of(self, path: Path, file: File) -> str:
        known = self.known.get(file.path)
        is_known = known and known.checksum and known.loaded_at == self.read_at.get(file.path)
        try:
            if known and is_known:
                return known.checksum
            return checksum_of(path) + self.fingerprint
        except OSError as error:
            raise NotWholeError(f"it cannot be opened: {error.strerror or error}") from None

    def _refuse_columns(self, group: Group) -> None:
        lack = self.source.lack(self.table, group.lacking(self.table))
        if lack:
            raise UnreadableFileError(f"it has {lack.what}. {lack.remedy}")

    def _refuse_repeated(self, layout: Layout) -> None:
        table = self.table
        if table.name in self.source.mapping.filled:
            said = self.source.mapping.of(table).model_dump_json().lower()
            counts = Counter(name.strip().lower() for name in layout.columns if name.strip())
            twice = [name for name, count in counts.items() if count > 1 and name in said]
        else:
            places = (layout.places(column.source_name) for column in table.columns)
            spelled = ([layout.columns[place].strip() for place in each] for each in places if len(each) > 1)
            twice = [" and ".join(dict.fromkeys(each)) for each in spelled]
        if twice:
            raise UnreadableFileError(
                f"its header has more than one column {', '.join(twice)}. Keep the right one"
            )

    def _refuse_unfinished(self, file: File, layout: Layout) -> None:
        """Refuse a CSV that is still being written. A CSV has no mark of its end."""
        if layout.kind != "csv":
            return
        # A bucket's files appear whole, and each look costs a request.
        is_sure = not self.store.is_folder and _age(file) >= QUIET
        now = file if is_sure else self.store.as_it_is_now(file)
        if not now.trouble and now.modified_at and _age(now) < QUIET:
            time.sleep(min(QUIET, QUIET - _age(now)))
            if self.store.as_it_is_now(file) != now:
                raise NotWholeError("it is being written")
        if now.trouble:
            raise NotWholeError(now.trouble)

    def _in_utf8(self, path: Path, file: File, layout: Layout) -> tuple[Path, Layout]:
        copy = as_utf8(path, layout, self.scratch)
        if layout.encoding == WINDOWS:
            self.problems.append(
                f"{self.source.system}: {file.path} is not UTF-8; it was read as Windows-1252. Save it as"
                " UTF-8 if letters are wrong."
            )
        return copy

    def rows(self, tables: FileTables, group: Group) -> Iterator[pa.Table]:
        """A group's rows, as raw has them. What cannot be read at once is read file by file."""
        try:
            if group.mapped:
                self._refuse_columns(group)
            tables.give(group)
            counts = tables.version(group, self._described(group))
        except UnreadableFileError as error:
            for file in group.files.values():
                self._refuse(file, str(error))
            return
        except duckdb.Error as error:
            if len(group.files) > 1:
                for one in group.each():
                    yield from self.rows(tables, one)
                return
            mended = self._mended(tables, group, error)
            if mended is None:
                return
            group, counts = mended
        for path, outcome in counts.items():
            if not isinstance(outcome, str):
                for doubt in tables.doubts.get(str(path), ()):
                    self.doubts.setdefault(doubt.column, (doubt, []))[1].append(group.files[path].path)
            if isinstance(outcome, str):
                self._refuse(group.files[path], outcome)
            else:
                self._account(group, group.files[path], outcome)
        if self.done and not self.has_begun:
            self.has_begun = True
            yield self.table.raw_schema.empty_table()
        yield from tables.batches()

    def _mended(
        self, tables: FileTables, group: Group, error: duckdb.Error
    ) -> tuple[Group, Mapping[Path, Counts | str]] | None:
        """A file that DuckDB does not read as it is, without its rows that fall apart; if that works."""
        (file,) = group.files.values()
        if group.mapped:
            why = reason_of(error).rstrip(".")
            self._refuse(file, f"{why} (tables.{self.table.name} in {self.source.mapping.path})")
            return None
        try:
            if group.layout.kind == "parquet" or "gzip" in str(error).lower():
                raise BreaksOffError(reason_of(error))
            group = self._past_errors(tables, group)
            return group, tables.version(group, self._described(group))
        except NotWholeError as problem:
            self._left_out(file, str(problem), breaks_off=isinstance(problem, BreaksOffError))
        except UnreadableFileError as problem:
            self._refuse(file, str(problem))
        except duckdb.Error as problem:
            self._refuse(file, reason_of(problem))
        return None

    def _past_errors(self, tables: FileTables, group: Group) -> Group:
        """The rows of one file into `given`, except those that fall apart."""
        ((path, file),) = group.files.items()
        try:
            tables.give(group, past_errors=True)
        except duckdb.Error:
            # It has line ends of several kinds.
            path, layout = as_utf8(path, group.layout, self.scratch, plain_lines=True)
            group = Group(layout, {path: file})
            tables.give(group, past_errors=True)
        has_other_letters = tables.connection.execute(
            "select 1 from rejected where error_type = 'INVALID ENCODING' limit 1"
        ).fetchone()
        if has_other_letters and is_of_one_byte_letters(path, group.layout):
            path, layout = self._in_utf8(path, file, replace(group.layout, encoding=WINDOWS))
            group = Group(layout, {path: file})
            tables.give(group, past_errors=True)
        return replace(group, rejected=rejects(tables.connection, path, group.layout))

    def _compare(self, file: File, rows: int) -> None:
        """Tell of a file that has less than when it was read before."""
        before = self.known.get(file.path)
        if before is None:
            return
        had = before.rows + before.held_back
        # A list of what there is now loses a row now and then.
        is_list = self.table.load == "snapshot" and file.day is None
        if rows < had and not (is_list and rows >= _MOST * had):
            now = f"has {rows:,} row{'' if rows == 1 else 's'}, and had {had:,}"
        elif file.size < before.size and not is_list:
            now = f"has {file.size:,} bytes, and had {before.size:,}"
        else:
            return
        self.shrunk.append(
            f"{self.source.system}: {file.path} {now} when it was read before. What was loaded of it stays:"
            " send the file again if it lost rows."
        )

    def _account(self, group: Group, file: File, counts: Counts) -> None:
        self._compare(file, counts.rows)
        self.done.append(
            LoadedFile(
                table=self.table.name,
                path=file.path,
                size=file.size,
                version=file.version,
                day=file.day,
                rows=counts.rows - counts.held_back - counts.refused,
                held_back=counts.held_back,
                loaded_at=self.read_at[file.path],
                changed=file.changed,
                # A query's files have one each.
                checksum=self.checksums.get(file.path, ""),
                left_out=", ".join(group.layout.left_out(self.table)),
            )
        )

    def _described(self, group: Group) -> pa.Table:
        files = group.files.values()
        moments = pa.timestamp("us")
        return pa.table(
            {
                PATH: pa.array([str(path) for path in group.files], pa.string()),
                NAME: pa.array([file.path for file in files], pa.string()),
                DAY_START: pa.array([self._start_of(file.day) for file in files], moments),
                WRITTEN_AT: pa.array([_naive(file.modified_at) for file in files], moments),
                READ_AT: pa.array([_naive(self.read_at[file.path]) for file in files], moments),
            }
        )

    def _start_of(self, day: date | None) -> datetime | None:
        return _naive(datetime.combine(day, clock(), self.timezone).astimezone(UTC)) if day else None


def layout_in(mapping: SystemMapping, table: SourceTable, path: Path) -> Layout:
    """How a table's file is written. Of a table without a mapping, its columns tell the header."""
    is_mapped = table.name in mapping.filled
    return layout_of(path, () if is_mapped else [column.source_name for column in table.columns])


def checksum_of(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _age(file: File) -> float:
    """The seconds since a file was written."""
    return (datetime.now(UTC) - file.modified_at).total_seconds() if file.modified_at else 0.0


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
