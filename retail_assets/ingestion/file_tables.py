"""The way of files through DuckDB, in temporary tables.

`given` has their rows in order, as they are written; `versions` has them as raw does; `wrong` names those of
them that are refused.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from retail_assets.catalog.contract import LOADED_AT, ROW_HASH, SourceColumn, SourceTable
from retail_assets.ingestion import refusals
from retail_assets.ingestion.file_formats import PATH, ROW, Layout, UnreadableFileError, relation_sql
from retail_assets.ingestion.file_mapping import Mapped
from retail_assets.ingestion.file_repair import Reject, lines_of
from retail_assets.ingestion.file_values import (
    Doubt,
    Form,
    form_of,
    given_sql,
    is_row_sql,
    may_have_thousands,
    read_otherwise,
    shown_by,
)
from retail_assets.ingestion.file_versions import (
    ADDED,
    IS_HELD_BACK,
    NAME,
    file_versions_sql,
    rejected_rows_sql,
)
from retail_assets.ingestion.files import File
from retail_assets.ingestion.source import BATCH_ROWS
from retail_assets.ingestion.versions import REFUSED
from retail_assets.resources.sql import text
from retail_assets.windows import Window


@dataclass(frozen=True)
class Group:
    """Files of one layout, by their local paths: one query reads them."""

    layout: Layout
    files: Mapping[Path, File]
    rejected: Sequence[Reject] = ()  # of a file that stands by itself: rows that fell apart
    mapped: Mapped | None = None  # as a mapping sees them, and then the layout is what it makes of them
    of_one: Callable[[Path], "Group"] | None = None  # the same of one of the files, where they are mapped

    def each(self) -> Iterator["Group"]:
        """A group for each of the files."""
        if self.of_one:
            return map(self.of_one, self.files)
        return (Group(self.layout, {path: file}) for path, file in self.files.items())

    def relation(self, *, past_errors: bool = False) -> str:
        """The files' rows, with `PATH`."""
        if self.mapped:
            return self.mapped.relation
        return relation_sql(self.layout, list(self.files), past_errors=past_errors)

    def columns(self, table: SourceTable) -> Mapping[str, str]:
        """What the relation calls those of a table's columns that the files have."""
        found = {column.name: self.layout.places(column.source_name) for column in table.columns}
        return {name: self.layout.relation_columns[places[0]] for name, places in found.items() if places}

    def lacking(self, table: SourceTable) -> Sequence[SourceColumn]:
        """The table's columns that the files do not have, and of which no mapping says so."""
        there, known = self.columns(table), self.mapped.given_up if self.mapped else ()
        return [each for each in table.columns if each.name not in there and each.name not in known]


class Counts(NamedTuple):
    """The rows of a file."""

    rows: int = 0
    held_back: int = 0
    refused: int = 0


@dataclass(frozen=True)
class FileTables:
    """The temporary tables of a reading of one table, in a connection of its own."""

    connection: duckdb.DuckDBPyConnection
    table: SourceTable
    window: Window
    doubts: dict[str, Sequence[Doubt]] = field(default_factory=dict)  # by path, what a file does not tell

    def prepare(self, timezone: str) -> None:
        """Times that name no zone are of this one."""
        self.connection.execute(f"set timezone = {text(timezone)}")
        self.connection.execute("create temp table seen (row_hash bigint)")

    def give(self, group: Group, *, past_errors: bool = False) -> None:
        """All rows of a group into `given`; with `past_errors` those that fall apart into `rejected`."""
        if past_errors:
            self.connection.execute("drop table if exists rejected; drop table if exists rejecting")
        relation = group.relation(past_errors=past_errors)
        self.connection.execute(f"""
            create or replace temp table given as
            select {given_sql(self.table, group.layout)}, {PATH}
            from {relation} where {is_row_sql(self.table, group.layout)}
        """)

    def version(self, group: Group, files: pa.Table) -> Mapping[Path, Counts | str]:
        """The rows of `given` into `versions`, by file how many there are.

        A file is left out, with the reason, if the format of its values cannot be detected, or if too many of
        its rows are refused. `files` has what `file_versions_sql` needs of each.
        """
        self.connection.register("files", files)
        self._fill("create or replace temp table versions as", group)
        left_out = self._fill_wrong_ones(group)
        self._add_rejected(group)
        counts = self._counts()
        for path, (rows, _, refused) in counts.items():
            if rows == refused >= refusals.MANY or refused > refusals.MOST_ROWS:
                share = f"none of its {rows:,}" if rows == refused else f"{refused:,} of its {rows:,}"
                can = "can" if rows == refused else "cannot"
                left_out[path] = f"{share} rows {can} be read: {self._example(path)}"
        self._drop(left_out)
        return {path: left_out.get(str(path), counts.get(str(path), Counts())) for path in group.files}

    def batches(self) -> Iterator[pa.Table]:
        """The rows of `versions` that no group had before, without those that are held back."""
        has_refused = any(counts.refused for counts in self._counts().values())
        added = ADDED if has_refused else (*ADDED, REFUSED)
        reader = self.connection.sql(f"""
            select * exclude ({", ".join(added)}) from versions
            where not {IS_HELD_BACK} and {ROW_HASH} not in (select row_hash from seen)
            -- A drop may have arrived twice.
            qualify row_number() over (partition by {ROW_HASH} order by {LOADED_AT} desc nulls last) = 1
        """).to_arrow_reader(BATCH_ROWS)
        yield from (pa.Table.from_batches([batch]) for batch in reader)
        self.connection.execute(f"insert into seen select {ROW_HASH} from versions where not {IS_HELD_BACK}")

    def _fill(self, into: str, group: Group, form: Form | None = None, paths: Iterable[str] = ()) -> None:
        absent = {column.name for column in self.table.columns} - group.columns(self.table).keys()
        table = replace(self.table, absent=frozenset(absent))
        self.connection.execute(f"{into} {file_versions_sql(table, group.layout, self.window, form, paths)}")

    def _fill_wrong_ones(self, group: Group) -> dict[str, str]:
        """Read the refused rows again, in the detected formats of their files. Returns files without one."""
        self._collect_wrong_ones()
        forms: dict[Form, list[str]] = defaultdict(list)
        left_out: dict[str, str] = {}
        wrong = self.connection.execute(f"select distinct {PATH} from wrong").fetchall()
        refused = {path for (path,) in wrong}
        for path in sorted(refused | {*may_have_thousands(self.connection, self.table, group.layout)}):
            others = partial(self._shown_by_others, group, path)
            try:
                form, self.doubts[path] = form_of(self.connection, self.table, group.layout, path, others)
            except UnreadableFileError as error:
                left_out[path] = str(error)
            else:
                if path in refused or form.commas:
                    forms[form].append(path)
        self._drop(left_out)
        for form, paths in forms.items():
            self.connection.execute(f"""
                insert into wrong
                select {PATH}, rowid from given where {PATH} in ({_texts(paths)}) and ({read_otherwise(form)})
            """)
            again = f"select {ROW} from wrong where {PATH} in ({_texts(paths)})"
            self.connection.execute(f"delete from versions where {ROW} in ({again})")
            self._fill("insert into versions", group, form, paths)
        if forms:
            self._collect_wrong_ones()
            self._name_places(group)
        return left_out

    def _shown_by_others(self, group: Group, path: str) -> tuple[bool, bool]:
        """Whether a file's other columns show decimal commas, and whether decimal points.

        A mapping may have computed a column, so that the file's others say nothing of it.
        """
        layout = group.layout
        if group.mapped or layout.types:
            return False, False
        taken = layout.taken(self.table)
        names = [name for place, name in enumerate(layout.relation_columns) if place not in taken]
        try:
            return shown_by(self.connection, relation_sql(layout, [Path(path)]), names)
        except duckdb.Error:
            # It has rows that fall apart.
            return False, False

    def _collect_wrong_ones(self) -> None:
        self.connection.execute(f"""
            create or replace temp table wrong as
            select {PATH}, {ROW} from versions where {REFUSED} is not null
        """)

    def _name_places(self, group: Group) -> None:
        """Refused rows say where in their file they stand."""
        wrong: dict[str, list[int]] = defaultdict(list)
        for path, row in self.connection.execute(f"select {PATH}, {ROW} from wrong").fetchall():
            wrong[path].append(row)
        places = []
        for path, rows in wrong.items():
            ((first,),) = self.connection.execute(
                f"select min(rowid) from given where {PATH} = ?", [path]
            ).fetchall()
            named = self._places(group, Path(path), [row - first for row in rows])
            places += [(path, row, place) for row, place in zip(rows, named, strict=True)]
        if not places:
            return
        columns = map(list, zip(*places, strict=True))
        self.connection.register("places", pa.table(dict(zip((PATH, ROW, "place"), columns, strict=True))))
        self.connection.execute(f"""
            update versions
            set {REFUSED} = struct_update({REFUSED}, origin := versions.{NAME} || ', ' || places.place)
            from places where versions.{PATH} = places.{PATH} and versions.{ROW} = places.{ROW}
        """)

    def _places(self, group: Group, path: Path, rows: Collection[int]) -> list[str]:
        if group.layout.kind == "parquet":
            return [f"row {row + 1}" for row in rows]
        lines = lines_of(path, group.layout, rows, group.rejected, group.layout.taken(self.table))
        return [f"line {lines[row]}" for row in rows]

    def _add_rejected(self, group: Group) -> None:
        rejected = [each for each in group.rejected if each.reason]
        if rejected:
            columns = {
                "line": [each.line for each in rejected],
                "reason": [each.reason for each in rejected],
                "row_hash": [each.row_hash for each in rejected],
            }
            self.connection.register("rejects", pa.table(columns))
            self.connection.execute(f"insert into versions by name {rejected_rows_sql(self.window)}")

    def _counts(self) -> Mapping[str, Counts]:
        return {
            path: Counts(*counts)
            for path, *counts in self.connection.execute(f"""
                select
                    {PATH},
                    count(*),
                    count(*) filter ({IS_HELD_BACK}),
                    count(*) filter ({REFUSED} is not null)
                from versions group by all
            """).fetchall()
        }

    def _drop(self, paths: Collection[str]) -> None:
        if paths:
            self.connection.execute(f"delete from versions where {PATH} in ({_texts(paths)})")

    def _example(self, path: str) -> str:
        """The first of a file's refused rows, in a few words."""
        ((refused,),) = self.connection.execute(
            f"select {REFUSED} from versions where {PATH} = ? order by {ROW} nulls last limit 1", [path]
        ).fetchall()
        value = f" ('{refused['value']}')" if refused["value"] else ""
        return f"{refused['reason']}{value} in {refused['origin'].rpartition(', ')[2]}"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(text, values))
