"""What DuckDB cannot read of a CSV as it is: other encodings, mixed line ends, rows that fall apart.

Only files that need it come here, one by one.
"""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import md5
from io import BufferedReader
from pathlib import Path
from tempfile import NamedTemporaryFile

import duckdb

from retail_assets.ingestion.file_formats import (
    UTF_8,
    BreaksOffError,
    Layout,
    UnreadableFileError,
)

_CHUNK = 1 << 20  # bytes
# Values may be long; Python's default is 128 KB.
csv.field_size_limit(1 << 30)
_ENDS = "\r\n\x1a\0"  # what may end a file behind its last row
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Reject:
    """A row that could not be taken apart, by its first line in the file."""

    line: int
    reason: str  # empty if there is nothing in it
    row_hash: int


def as_utf8(path: Path, layout: Layout, folder: Path, *, plain_lines: bool = False) -> tuple[Path, Layout]:
    """A copy of a CSV in UTF-8, with its layout; with `plain_lines` all of its line ends are newlines.

    Raises `UnreadableFileError` if it has bytes that its encoding does not know.
    """
    newline = None if plain_lines else ""
    # Bytes that are not UTF-8 stay as they are: the row that has them is found later.
    errors = "surrogateescape" if layout.encoding == UTF_8 else "strict"
    try:
        with (
            _opened(path, layout) as source,
            io.TextIOWrapper(source, layout.encoding, errors, newline=newline) as text,
            NamedTemporaryFile(
                "w", encoding=UTF_8, errors=errors, newline="", suffix=".csv", dir=folder, delete=False
            ) as copy,
        ):
            while chunk := text.read(_CHUNK):
                copy.write(chunk)
    except UnicodeDecodeError as error:
        if layout.encoding.startswith("utf"):
            raise BreaksOffError(f"it breaks off within a letter of {layout.encoding.upper()}") from None
        byte = f"0x{error.object[error.start]:02X}"
        raise UnreadableFileError(
            f"it is neither UTF-8 nor Windows-1252 (it has the byte {byte}). Save it as UTF-8"
        ) from None
    return Path(copy.name), replace(layout, kind="csv", encoding=UTF_8)


def is_of_one_byte_letters(path: Path, layout: Layout) -> bool:
    """Whether nothing but ASCII in a file is UTF-8: then it is of an encoding with one byte a letter."""
    decoder = codecs.getincrementaldecoder(UTF_8)("ignore")
    with _opened(path, layout) as file:
        while chunk := file.read(_CHUNK):
            if not decoder.decode(chunk).isascii():
                return False
    return True


def rejects(connection: duckdb.DuckDBPyConnection, path: Path, layout: Layout) -> list[Reject]:
    """The rows that DuckDB skipped while it read a file; blank ones have no reason.

    Raises `BreaksOffError` if the last one does, `UnreadableFileError` if a quote is not closed: then no
    row behind it can be trusted.
    """
    found = [
        _Passed(position - 1, *others)
        for position, *others in connection.execute("""
            select
                line_byte_position,
                first(cast(error_type as varchar) order by byte_position),
                first(csv_line order by byte_position),
                first(error_message order by byte_position)
            from rejected group by line_byte_position order by line_byte_position
        """).fetchall()
    ]
    lines, runs_to_the_end = _lines_of(path, layout, found)
    for line, passed in zip(lines, found, strict=True):
        is_last = passed is found[-1] and runs_to_the_end
        if (passed.is_open and is_last) or (is_last and passed.text and not _ends_with_a_line(path, layout)):
            raise BreaksOffError(f"its last row, from line {line} on, breaks off")
        if passed.is_open:
            raise UnreadableFileError(
                f"from line {line} on rows run together: a quote is opened and not closed. Write a quote"
                " within a value twice"
            )
    return [Reject(line, passed.reason, passed.row_hash) for line, passed in zip(lines, found, strict=True)]


@dataclass(frozen=True)
class _Passed:
    """A row that DuckDB skipped, as it reports it."""

    position: int  # of its first byte, or of a line end before it
    kind: str
    raw: str
    message: str

    @property
    def text(self) -> str:
        return self.raw.strip(" \t\r\n\x1a\0")

    @property
    def start(self) -> int:
        return self.position + len(self.raw) - len(self.raw.lstrip("\r\n"))

    @property
    def is_open(self) -> bool:
        """Whether a quote has swallowed the rows that follow."""
        is_long = self.kind == "LINE SIZE OVER MAXIMUM" or "\n" in self.text or "\r" in self.text
        return is_long or (self.kind == "UNQUOTED VALUE" and self.text.count('"') % 2 == 1)

    @property
    def row_hash(self) -> int:
        """63 bits, as those of the rows that can be read."""
        return int.from_bytes(md5(self.text.encode(errors="replace")).digest()[:8]) >> 1

    @property
    def reason(self) -> str:
        if not self.text:
            return ""
        counts = re.search(r"Columns: (\d+) Found: (\d+)", self.message)
        if counts:
            return f"the row has {counts[2]} values, and the header {counts[1]} columns"
        if self.kind == "INVALID ENCODING":
            return "the row has letters that are not UTF-8"
        return "the row has a quote that is not closed, or followed by more text"


def lines_of(
    path: Path, layout: Layout, rows: Collection[int], rejected: Iterable[Reject], places: Collection[int]
) -> Mapping[int, int]:
    """The lines that rows begin at, as an editor counts them, by their numbers among the rows that were read.

    Those are all that have a value in one of the columns at `places`, but for the rejected ones.
    """
    wanted, found, last = set(rows), dict[int, int](), max(rows)
    passed_over = {each.line for each in rejected}
    for number, line in enumerate(_starts(path, layout, passed_over, places)):
        if number in wanted:
            found[number] = line
        if number == last:
            break
    return found


def _starts(
    path: Path, layout: Layout, passed_over: Collection[int], places: Collection[int]
) -> Iterator[int]:
    with (
        _opened(path, layout) as file,
        io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="") as text,
    ):
        reader = csv.reader(text, delimiter=layout.delimiter)
        next(reader, None)
        line = reader.line_num + 1
        for row in reader:
            if row and line not in passed_over and any(row[place] not in ("", "\\N") for place in places):
                yield line
            line = reader.line_num + 1


def _lines_of(path: Path, layout: Layout, found: Sequence[_Passed]) -> tuple[list[int], bool]:
    """The lines that rows begin at, and whether the last of them runs to the end of the file."""
    lines, line, place, rest = [], 1, 0, b""
    with _opened(path, layout) as file:
        for passed in found:
            while place < passed.start and (chunk := file.read(min(_CHUNK, passed.start - place))):
                # A line end of two bytes may be cut in two.
                if chunk.endswith(b"\r") and place + len(chunk) < passed.start:
                    chunk += file.read(1)
                line += len(_LINE_END.findall(chunk))
                place += len(chunk)
            lines.append(line)
        if found:
            # Blanks are values where they separate them: a row of nothing else is another row.
            last = found[-1].raw.strip(_ENDS).encode(errors="replace")
            rest = file.read(len(last) + 16).strip(_ENDS.encode())
            return lines, len(rest) <= len(last)
    return lines, False


def _ends_with_a_line(path: Path, layout: Layout) -> bool:
    """Whether a file's end shows that its last line is whole: its line end, or that of its format."""
    if layout.kind != "csv":
        return True
    with path.open("rb") as file:
        file.seek(-min(4, path.stat().st_size), io.SEEK_END)
        return file.read()[-1:] in (b"\n", b"\r", b"\x1a")


def _opened(path: Path, layout: Layout) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if layout.kind == "csv.gz" else path.open("rb")
