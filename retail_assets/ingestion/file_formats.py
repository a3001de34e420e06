"""CSV, gzipped CSV and Parquet: what a file has, whether it is whole, and how DuckDB reads it."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from glob import escape
from pathlib import Path
from typing import IO, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet

from retail_assets.catalog.contract import SourceTable, snake_case
from retail_assets.resources.sql import text as quoted

# Columns that tell which file a row is from, and which of the rows that are read together it is.
PATH, ROW = "_path", "_row"
_DELIMITERS = (",", ";", "\t", "|")
UTF_8, WINDOWS = "utf-8", "windows-1252"
_MARKS = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CHUNK = 1 << 20  # bytes
# Of a row, where rows are read one by one: DuckDB's own limit is 2 MB. Its buffer is as large as ever.
_LONGEST, _BUFFER = 16_000_000, 32_000_000
# What may come before a header: empty lines, and how Excel is told what separates columns.
_BEFORE_HEADER = re.compile(r'\s*|"?sep=.?"?\s*', re.IGNORECASE)


class NotWholeError(Exception):
    """A file that somebody may still be writing; the message says how that shows."""


class BreaksOffError(NotWholeError):
    """A file that lacks its end."""


class UnreadableFileError(Exception):
    """A file that is whole and cannot be read all the same; the message says why, and what to do."""


@dataclass(frozen=True)
class Layout:
    """How a file is laid out. Files of one layout can be read by one query."""

    kind: Literal["csv", "csv.gz", "parquet"]
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = UTF_8

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[int]]:
        """The places of the columns by their names: as written, else in snake_case, else by their letters."""
        names: dict[str, list[int]] = {}
        for spelling in (str.strip, _spelt, _letters):
            taken = {*names}
            for place, column in enumerate(self.columns):
                name = spelling(column)
                if name and name not in taken:
                    names.setdefault(name, []).append(place)
        return names

    def places(self, name: str) -> Sequence[int]:
        """Where a column of the contract, in snake_case, stands; more than one if its name is there twice."""
        return self._by_name.get(name) or self._by_name.get(_letters(name)) or ()

    @property
    def relation_columns(self) -> Sequence[str]:
        """What the relation calls the columns: those of a CSV by their place, whatever its header says."""
        if self.kind == "parquet":
            return self.columns
        return [f"column_{place}" for place in range(len(self.columns))]

    def taken(self, table: SourceTable) -> Collection[int]:
        """The places of the columns that the contract has."""
        return {place for column in table.columns for place in self.places(column.source_name)}

    def left_out(self, table: SourceTable) -> Sequence[str]:
        """The columns that the contract does not have."""
        taken = self.taken(table)
        return [
            name.strip() for place, name in enumerate(self.columns) if name.strip() and place not in taken
        ]


def _spelt(name: str) -> str:
    return re.sub(r"\W+", "_", snake_case(name.strip())).strip("_")


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def layout_of(path: Path, wanted: Sequence[str] = ()) -> Layout:
    """A file's layout, from its beginning or its end. Raises `NotWholeError` or `UnreadableFileError`.

    Of the characters that may separate columns, the one counts by which the header has most of the wanted
    ones, and then most at all.
    """
    try:
        with path.open("rb") as file:
            return _layout(file, path.name.lower(), wanted)
    except OSError as error:
        raise NotWholeError(f"it cannot be opened: {error.strerror or error}") from None


def _layout(file: IO[bytes], name: str, wanted: Sequence[str]) -> Layout:
    if file.seek(0, io.SEEK_END) == 0:
        raise NotWholeError("it is empty")
    file.seek(0)
    if name.endswith(".parquet"):
        return _parquet(file)
    if name.endswith(".gz"):
        return _csv(gzip.GzipFile(fileobj=file), "csv.gz", wanted)
    return _csv(file, "csv", wanted)


def _parquet(file: IO[bytes]) -> Layout:
    try:
        schema = pyarrow.parquet.read_schema(file)
    except (pa.ArrowInvalid, OSError):
        raise BreaksOffError("it has no complete Parquet footer") from None
    return Layout("parquet", tuple(schema.names), tuple(map(str, schema.types)))


def _csv(file: IO[bytes] | gzip.GzipFile, kind: Literal["csv", "csv.gz"], wanted: Sequence[str]) -> Layout:
    try:
        beginning = file.read(_CHUNK)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise BreaksOffError("its gzip stream is not complete") from None
    encoding = _encoding(beginning)
    before = _before_header(beginning, encoding)
    if before:
        raise UnreadableFileError(
            f"its header is not in its first line, but in line {before + 1}. Remove what is before it"
        )
    layouts = [Layout(kind, _header(beginning, encoding, mark), (), mark, encoding) for mark in _DELIMITERS]
    best = max(
        layouts,
        key=lambda layout: (sum(bool(layout.places(name)) for name in wanted), len(layout.columns)),
    )
    if not any(name.strip() for name in best.columns):
        raise NotWholeError("it has no header")
    # A name may have two lines. With what separates columns in the second, that is a row.
    if any(best.delimiter in line for name in best.columns for line in name.splitlines()[1:]):
        raise UnreadableFileError(
            "rows run into its header: a quote is opened there and not closed. Write a quote within a value"
            " twice"
        )
    if encoding == UTF_8 and any("\udc80" <= letter <= "\udcff" for letter in "".join(best.columns)):
        return replace(best, columns=_header(beginning, WINDOWS, best.delimiter), encoding=WINDOWS)
    return best


def _encoding(beginning: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if beginning.startswith(mark):
            return encoding
    # The first letters of a header are ASCII: in UTF-16 every other byte of them is 0.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if beginning[first : first + 3 : 2] == b"\0\0":
            return encoding
    return UTF_8


def _header(beginning: bytes, encoding: str, delimiter: str) -> tuple[str, ...]:
    """The first line's columns; what is not UTF-8 in it as lone surrogates."""
    with _text_of(beginning, encoding) as text:
        try:
            return tuple(next(csv.reader(text, delimiter=delimiter), ()))
        except csv.Error as error:
            raise UnreadableFileError(f"its first line cannot be read: {error}") from None


def _before_header(beginning: bytes, encoding: str) -> int:
    """How many lines come before the header."""
    with _text_of(beginning, encoding) as text:
        return next((place for place, line in enumerate(text) if not _BEFORE_HEADER.fullmatch(line)), 0)


def _text_of(beginning: bytes, encoding: str) -> io.TextIOWrapper:
    codec, errors = ("utf-8-sig", "surrogateescape") if encoding == UTF_8 else (encoding, "replace")
    return io.TextIOWrapper(io.BytesIO(beginning), codec, errors, newline="")


def relation_sql(layout: Layout, paths: Sequence[Path], *, past_errors: bool = False) -> str:
    """The files of one layout as a relation, with `PATH`; of a CSV all columns are text.

    A row that cannot be taken apart is an error, or with `past_errors` one of DuckDB's table `rejected`.
    """
    files = ", ".join(quoted(escape(str(path))) for path in paths)
    options = f"filename = '{PATH}', hive_partitioning = false"
    if layout.kind == "parquet":
        return f"read_parquet([{files}], {options})"
    columns = ", ".join(f"{quoted(name)}: 'varchar'" for name in layout.relation_columns)
    compression = "gzip" if layout.kind == "csv.gz" else "none"
    if past_errors:
        options += ", store_rejects = true, rejects_table = 'rejected', rejects_scan = 'rejecting'"
        options += f", max_line_size = {_LONGEST}, buffer_size = {_BUFFER}"
    return (
        f"read_csv([{files}], {options}, columns = {{{columns}}}, header = true, auto_detect = false,"
        f" delim = {quoted(layout.delimiter)}, quote = '\"', escape = '\"', nullstr = ['', '\\N'],"
        f" compression = '{compression}')"
    )


def reason_of(error: duckdb.Error) -> str:
    """Why DuckDB could not read a file, without what stands in it."""
    text = str(error)
    if "gzip" in text.lower():
        return "its gzip stream is not complete"
    if "state machine" in text:
        return "its quotes or line ends are not those of a CSV"
    return text.splitlines()[0].partition(": ")[2] or text
