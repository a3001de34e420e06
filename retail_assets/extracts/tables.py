"""What has changed of a table, as files: one for each month, beside a schema that says what is in them.

A month is written again if its rows have another hash than when it was written last. The hashes are in
`.written.json` beside the files, which is written last: killed before, the same months are written once more.
"""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.catalog.exposures import is_dimension
from retail_assets.dashboards.answers import Query, comments_of
from retail_assets.extracts.folder import Folder
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_FILE, WRITTEN = "schema.json", ".written.json"
_ALL, _UNDATED = "all", "undated"


@dataclass(frozen=True)
class Column:
    """A column of an extract."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Shape:
    """What an extract of a table has."""

    table: str
    description: str
    columns: Sequence[Column]
    left_out: Sequence[str]
    formats: Sequence[str]

    @property
    def day(self) -> str | None:
        """The column that says the month: the first of days. A dimension has none, and is one file."""
        if is_dimension(self.table):
            return None
        return next((each.name for each in self.columns if each.type == "date"), None)

    @property
    def names(self) -> str:
        return ", ".join(each.name for each in self.columns)

    @property
    def version(self) -> str:
        """Another one if the files have to look otherwise."""
        said = [[each.name, each.type] for each in self.columns], self.day, list(self.formats)
        return sha256(json.dumps(said).encode()).hexdigest()[:16]

    def schema(self) -> str:
        """The schema file."""
        said = {
            "table": self.table,
            "description": self.description,
            "month_of": self.day,
            "formats": list(self.formats),
            "columns": [vars(each) for each in self.columns],
            "left_out_as_personal": list(self.left_out),
        }
        return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Written:
    """What was done with a table."""

    table: str
    rows: int
    months: int
    rewritten: Sequence[str]
    removed: Sequence[str]
    too_long: Sequence[str]
    """Months that have more rows than a sheet of a workbook."""
    problems: Sequence[str]
    """Files that are not there, or have other rows than the table."""


@dataclass(frozen=True)
class Writer:
    """Writes tables into a folder, as the warehouse shows them to readers now."""

    warehouse: Warehouse
    query: Query
    folder: Folder
    formats: Sequence[str]
    personal: Set[str]
    """Names of columns that are left out."""

    def write(self, tables: Sequence[str], family: str) -> Iterator[Written]:
        """The tables of a family that are there."""
        said = comments_of(self.query, self.warehouse.comments_query)
        for table in tables:
            if shape := self._shape(table, said):
                yield self._table(shape, f"{family}/{table.split('.')[1]}")

    def _shape(self, table: str, said: Mapping[tuple[str, str], str]) -> Shape | None:
        schema, name = table.split(".")
        rows = self.query(
            "select lower(column_name) as name, lower(data_type) as type from information_schema.columns"
            f" where lower(table_schema) = {text(schema)} and lower(table_name) = {text(name)}"
            " order by ordinal_position"
        ).to_pylist()
        # Columns that begin so are for the next run.
        shown = [row for row in rows if not row["name"].startswith("_")]
        columns = [
            Column(row["name"], row["type"], said.get((table, row["name"]), ""))
            for row in shown
            if row["name"] not in self.personal
        ]
        left_out = [row["name"] for row in shown if row["name"] in self.personal]
        described = said.get((table, ""), "")
        return Shape(table, described, columns, left_out, self.formats) if columns else None

    def _table(self, shape: Shape, place: str) -> Written:
        known = self.folder.read_json(f"{place}/{WRITTEN}") or {}
        former = known.get("months", {}) if known.get("version") == shape.version else {}
        there = self.folder.names(place)
        now = self._months(shape)
        name = place.rsplit("/", 1)[-1]
        files = {month: self._files(shape, name, month, rows) for month, (rows, _) in now.items()}
        changed = [
            month
            for month, state in now.items()
            if former.get(month) != list(state) or not set(files[month]) <= there
        ]
        for month in changed:
            found = self.query(f"select {shape.names} from {shape.table}{_where(shape, month)}")
            for file in files[month]:
                self.folder.write(f"{place}/{file}", partial(_make, found, name, file.rsplit(".", 1)[1]))
        if known.get("schema") != shape.schema() or SCHEMA_FILE not in there:
            self.folder.write(f"{place}/{SCHEMA_FILE}", partial(_put, shape.schema()))
        wanted = {file for each in files.values() for file in each}
        gone = sorted(each for each in there - wanted if each.startswith(name) and not each.startswith("."))
        for file in gone:
            self.folder.remove(f"{place}/{file}")
        self.folder.remove_unfinished(place)
        state = {
            "version": shape.version,
            "schema": shape.schema(),
            "months": {month: list(each) for month, each in now.items()},
        }
        if state != known:
            self.folder.write(f"{place}/{WRITTEN}", partial(_put, json.dumps(state)))
        too_long = [
            month for month in now if "xlsx" in shape.formats and f"{_name(name, month)}.xlsx" not in wanted
        ]
        problems = [f"{file} is not there" for file in sorted(wanted - self.folder.names(place))]
        for month in changed:
            file, (rows, _) = f"{_name(name, month)}.parquet", now[month]
            if (written := self.folder.parquet_rows(f"{place}/{file}")) != rows:
                problems.append(f"{file} has {written:,} rows, the table {rows:,}")
        return Written(
            shape.table, sum(rows for rows, _ in now.values()), len(now), changed, gone, too_long, problems
        )

    def _months(self, shape: Shape) -> Mapping[str, tuple[int, str]]:
        """Rows and hash of each month; of a table without days of all rows."""
        month = f"cast(date_trunc('month', {shape.day}) as date)" if shape.day else "cast(null as date)"
        hashed = self.warehouse.hash_of([each.name for each in shape.columns])
        found = self.query(
            f"select {month} as month_start, count(*) as row_count, cast({hashed} as varchar) as hash"
            f" from {shape.table} group by 1 order by 1"
        ).to_pylist()
        return {
            f"{start:%Y-%m}" if start else (_UNDATED if shape.day else _ALL): (int(rows), str(hash_))
            for start, rows, hash_ in (row.values() for row in found)
        }

    def _files(self, shape: Shape, name: str, month: str, rows: int) -> list[str]:
        from retail_assets.extracts.workbook import MOST_ROWS

        named = _name(name, month)
        return [f"{named}.{each}" for each in shape.formats if each != "xlsx" or rows <= MOST_ROWS]


def _name(name: str, month: str) -> str:
    return name if month == _ALL else f"{name}-{month}"


def _where(shape: Shape, month: str) -> str:
    if not shape.day:
        return ""
    if month == _UNDATED:
        return f" where {shape.day} is null"
    first = date.fromisoformat(f"{month}-01")
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return f" where {shape.day} >= date '{first}' and {shape.day} < date '{after}' order by {shape.day}"


def _put(content: str, path: Path) -> None:
    path.write_text(content, encoding="utf-8")


def _make(rows: "pa.Table", name: str, format: str, path: Path) -> None:
    from pyarrow import parquet

    from retail_assets.extracts.workbook import write_workbook
    from retail_assets.resources.tables import spreadsheet_csv

    if format == "parquet":
        parquet.write_table(rows, path)
    elif format == "csv":
        path.write_bytes(spreadsheet_csv(rows))
    else:
        write_workbook(rows, name, path)
