"""What a source system is to the ingestion, whatever its kind: something with tables to read."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from retail_assets.catalog.contract import SourceColumn, SourceTable
from retail_assets.ingestion.mapping import NO_MAPPING, SystemMapping
from retail_assets.ingestion.versions import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

BATCH_ROWS = 131_072


@dataclass(frozen=True)
class Found:
    """A table of the contract as a source has it."""

    table: SourceTable  # as it is read here: `absent` says which columns are not there
    place: str  # what the source calls it
    given_up: frozenset[str] = frozenset()  # absent, and the mapping says so

    @property
    def lacking(self) -> Sequence[SourceColumn]:
        """Columns that are not there though nobody said so."""
        return [
            column
            for column in self.table.columns
            if column.name in self.table.absent and column.name not in self.given_up
        ]

    @property
    def missing(self) -> Sequence[SourceColumn]:
        """Columns without which the table cannot be loaded."""
        return [column for column in self.lacking if column.is_required]

    @property
    def costs(self) -> Sequence[str]:
        """What is lost by the columns that are not there: one sentence for each loss."""
        return [f"no {', '.join(columns)}: {loss}" for loss, columns in self.lost.items()]

    @property
    def lost(self) -> Mapping[str, Sequence[str]]:
        """The columns that are not there, by what is lost without them."""
        found: dict[str, list[str]] = {}
        for column in self.table.columns:
            if column.name in self.table.absent and not column.is_required:
                found.setdefault(column.without, []).append(column.name)
        return found


@dataclass(frozen=True)
class Lack:
    """Columns without which a table is not loaded."""

    was_there: bool  # at earlier loads, with values
    what: str
    remedy: str


class Source(ABC):
    """One system, opened to be read for one window."""

    system: str
    mapping: SystemMapping = NO_MAPPING
    tables: Sequence[SourceTable] = ()  # the contract's, as the mapping describes them
    _execute: Execute | None = None

    @abstractmethod
    def check(self) -> None:
        """Raise `SourceError` if the system cannot be reached."""

    @abstractmethod
    def locate(self, table: SourceTable) -> Found | None:
        """The table as the system has it; None if it has no such table.

        Raises `SourceError` if it cannot be reached, or if the mapping cannot be followed.
        """

    def probe(self, table: SourceTable) -> None:
        """Ask for a located table without reading a row. Raises `SourceError` if it could not be read."""
        return

    @abstractmethod
    def relations(self) -> Mapping[str, Sequence[str]]:
        """All that the system has, whatever it is called: tables and views, or files, with their columns."""

    @abstractmethod
    def text_key(self, table: SourceTable) -> str | None:
        """A key of a located table that is no whole number, if there is one: `order_id '#1001'`."""

    @abstractmethod
    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> Iterator[pa.Table]:
        """The rows of a located table for the window, with the columns that raw adds.

        A `window` table yields the rows modified in the window (a row without a time of modification
        belongs to every window); a `snapshot` table yields all its rows. If nothing at all is yielded,
        nothing was looked at; a table without rows gives an empty batch. A row that cannot be one of raw
        has the column `_refused` (versions.py).
        Raises `SourceError` if the table cannot be read; nothing of it stays loaded then.
        """

    is_current: bool
    """Whether a reading tells how its rows are now, as a database does, and not how they were on some day."""

    def finds_again(self, table: SourceTable, window: Window) -> str:
        """A condition on `_refused_rows`: the refusals that the table's reading would have found again."""
        return "true"

    def count_by_day(self, table: SourceTable, days: Sequence[Window]) -> Sequence[int] | None:
        """How many of the table's rows changed on each day; None if that cannot be asked for."""
        return None

    def later(self, table: SourceTable, window: Window, until: datetime) -> tuple[int, Sequence[str]]:
        """What there is of a table, once it was read, from the window's end until a moment: how many rows,
        and whole files besides."""
        return 0, ()

    def days_read(self, table: SourceTable, window: Window) -> Sequence[Window]:
        """What has been read of a table's changes, with this window."""
        return ()

    def absence(self, table: SourceTable) -> str:
        """That the system has no such table, as a sentence."""
        said = self.mapping.of(table)
        if said.select:
            return (
                f"{self.system} has nothing that tables.{table.name}.select in {self.mapping.path} reads:"
                f" {table.name} counts as empty."
            )
        named = f" (tables.{table.name}.from in {self.mapping.path})" if said.from_ else ""
        return f"{self.system} has no table {said.from_ or table.source_table}{named}: it counts as empty."

    def problems(self, table: SourceTable) -> Sequence[str]:
        """What there is to say of a table that has been read: one sentence each."""
        return ()

    def unfinished(self, table: SourceTable) -> Sequence[str]:
        """Those of the problems that keep something from being loaded for now, such as a file."""
        return ()

    def refused(self, table: SourceTable) -> Sequence[str]:
        """What of a table that has been read was refused as a whole, such as a file: one sentence each."""
        return ()

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        """Before the reading: look up in the warehouse what was loaded, except of the `emptied` tables."""
        self._execute = execute

    def remember(
        self, tables: Sequence[SourceTable], missed: Sequence[SourceTable], window: Window, execute: Execute
    ) -> None:
        """What was read of these tables is in the warehouse; of the `missed` ones nothing is."""
        return

    def lack(self, table: SourceTable, lacking: Iterable[SourceColumn]) -> Lack | None:
        """What keeps a table from being loaded, of the columns that it does not have."""
        lacking = list(lacking)
        place = f"under tables.{table.name}.columns in the mapping (RETAIL_{self.system.upper()}_MAPPING)"
        needed = [column.name for column in lacking if column.is_required]
        gone = self._had(table, lacking)
        if gone:
            # What it must have cannot be given up.
            other_name, known = "if it has another name, write it", "if it is gone for good, write"
            remedy = other_name if {*gone} & {*needed} else f"{known} `{gone[0]}: null`"
            return Lack(True, f"no column {', '.join(gone)} any more", f"Restore it; {remedy} {place}")
        if needed:
            what = f"no column {', '.join(needed)}, which {table.name} must have"
            return Lack(False, what, f"Name the source's column {place}")
        return None

    def _had(self, table: SourceTable, columns: Iterable[SourceColumn]) -> Sequence[str]:
        """Those of the columns that raw has values of, other than what stands in for a missing column."""
        asked = [
            f"select {text(column.name)} where exists (select 1 from {table.schema}.{table.name}"
            f" where {_is_told(column)})"
            for column in columns
        ]
        if not asked or self._execute is None:
            return ()
        found = {name for (name,) in self._execute(" union all ".join(asked))}
        return [column.name for column in table.columns if column.name in found]


def _is_told(column: SourceColumn) -> str:
    if column.default is None:
        return f"{column.name} is not null"
    return f"{column.name} <> cast({text(column.default)} as {column.data_type})"
