"""CSV, gzipped CSV and Parquet: what a file has, whether it is whole, and how DuckDB reads it."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import escape
from pathlib import Path
from typing import IO, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet

from retail_assets.catalog.contract import Names
from retail_assets.ingestion.versions import text as quoted

PATH = "_path"  # the column that tells which file a row is from


class NotWholeError(Exception):
    """A file that somebody may still be writing; the message says how that shows."""


@dataclass(frozen=True)
class Layout:
    """How a file is laid out. Files of one layout can be read by one query."""

    kind: Literal["csv", "csv.gz", "parquet"]
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()

    def find(self, wanted: str) -> str | None:
        """What the relation calls a column, by its name in snake_case; None if the file does not have it."""
        name = self._names.find(wanted)
        return None if name is None else self.relation_columns[self.columns.index(name)]

    @cached_property
    def _names(self) -> Names:
        return Names(self.columns)

    @property
    def relation_columns(self) -> Sequence[str]:
        """What the relation calls the columns: those of a CSV by their place, whatever its header says."""
        if self.kind == "parquet":
            return self.columns
        return [f"column_{place}" for place in range(len(self.columns))]


def layout_of(path: Path) -> Layout:
    """A file's layout, from its beginning or its end. Raises `NotWholeError`."""
    try:
        with path.open("rb") as file:
            return _layout(file, path.suffix.lower())
    except OSError as error:
        raise NotWholeError(f"it cannot be opened: {error.strerror or error}") from None


def _layout(file: IO[bytes], suffix: str) -> Layout:
    if file.seek(0, io.SEEK_END) == 0:
        raise NotWholeError("it is empty")
    if suffix == ".parquet":
        return _parquet(file)
    if suffix == ".gz":
        return Layout("csv.gz", _header(file, zipped=True))
    file.seek(-1, io.SEEK_END)
    if file.read(1) not in (b"\n", b"\r"):
        raise NotWholeError("its last line has no end")
    return Layout("csv", _header(file))


def _parquet(file: IO[bytes]) -> Layout:
    try:
        schema = pyarrow.parquet.read_schema(file)
    except (pa.ArrowInvalid, OSError):
        raise NotWholeError("it has no complete Parquet footer") from None
    return Layout("parquet", tuple(schema.names), tuple(map(str, schema.types)))


def _header(file: IO[bytes], *, zipped: bool = False) -> tuple[str, ...]:
    names = _first_line(file, zipped)
    if not any(name.strip() for name in names):
        raise NotWholeError("it has no header")
    return names


def _first_line(file: IO[bytes], zipped: bool) -> tuple[str, ...]:
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if zipped else file
    try:
        with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            return tuple(next(csv.reader(text), ()))
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise NotWholeError("its gzip stream is not complete") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotWholeError(f"its first line cannot be read: {error}") from None


def relation_sql(layout: Layout, paths: Sequence[Path]) -> str:
    """The files of one layout as a relation, with `PATH`; of a CSV all columns are text."""
    files = ", ".join(quoted(escape(str(path))) for path in paths)
    options = f"filename = '{PATH}', hive_partitioning = false"
    if layout.kind == "parquet":
        return f"read_parquet([{files}], {options})"
    columns = ", ".join(f"{quoted(name)}: 'varchar'" for name in layout.relation_columns)
    compression = "gzip" if layout.kind == "csv.gz" else "none"
    return (
        f"read_csv([{files}], {options}, columns = {{{columns}}}, header = true, auto_detect = false,"
        f" delim = ',', quote = '\"', escape = '\"', nullstr = '', compression = '{compression}')"
    )


def reason_of(error: duckdb.Error) -> str:
    """Why DuckDB could not read a file, without what stands in it."""
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    if line:
        detail = re.search(r"Expected Number of Columns.*|Value with .*|Invalid unicode|Maximum line.*", text)
        return f"line {line[1]}: {detail[0].strip(' .') if detail else 'it cannot be read'}"
    if "gzip" in text.lower():
        return "its gzip stream is not complete"
    return text.splitlines()[0].partition(": ")[2] or text
