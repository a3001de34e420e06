"""The interface of a source system, whatever its kind: tables that can be located and read."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from retail_assets.catalog.contract import SourceColumn, SourceTable
from retail_assets.ingestion.mapping import NO_MAPPING, SystemMapping
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 131_072


@dataclass(frozen=True)
class Found:
    """A table of the contract as a source has it."""

    table: SourceTable  # as it is read here: `absent` says which columns are not there
    place: str  # what the source calls it
    given_up: frozenset[str] = frozenset()  # absent, and the mapping says so

    @property
    def lacking(self) -> Sequence[SourceColumn]:
        """Columns that are not there and that the mapping does not give up."""
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
        """What is lost without the columns that are not there, one sentence per loss."""
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
    """Missing columns that keep a table from being loaded."""

    was_there: bool  # at earlier loads, with values
    what: str
    remedy: str


class Source(ABC):
    """One source system, opened to be read for one window."""

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
        """Everything that the system has: tables and views, or files, each with its columns."""

    @abstractmethod
    def text_key(self, table: SourceTable) -> str | None:
        """A key of a located table that is no whole number, such as `order_id '#1001'`; None without one."""

    @abstractmethod
    def read(self, table: SourceTable, window: Window, loaded_at: datetime) -> "Iterator[pa.Table]":
        """The rows of a located table for the window, with the columns that raw adds.

        A `window` table yields the rows modified in the window (a row without a time of modification
        belongs to every window); a `snapshot` table yields all its rows. A table without rows yields an empty
        batch; no batch at all means that the table was not read. Rows that cannot be loaded have the column
        `_refused` (versions.py).
        Raises `SourceError` if the table cannot be read; nothing of it stays loaded then.
        """

    is_current: bool
    """Whether rows are read as they are now, as from a database, and not as of some day, as from a file."""

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Within it all tables are read as they were at one moment, where the source can do that."""
        return nullcontext()

    def finds_again(self, table: SourceTable, window: Window) -> str:
        """A condition on `_refused_rows`: the refused rows that this reading would meet again."""
        return "true"

    def count_by_day(self, table: SourceTable, days: Sequence[Window]) -> Sequence[int] | None:
        """How many of the table's rows changed on each day; None if the source cannot count them."""
        return None

    def keys(self, table: SourceTable) -> "Iterator[pa.Table] | None":
        """The keys of all rows that a located table has now; None if the source cannot tell what is gone."""
        return None

    def is_empty(self, table: SourceTable) -> bool:
        """Whether a located table has not a single row now, and the source can tell."""
        return False

    def times(self, table: SourceTable, others: Sequence[str]) -> "Iterator[pa.Table] | None":
        """The keys of all rows that a located table has now, with their times of change and these other
        columns; None if the source has no rows but those of a reading."""
        return None

    def has_read_all(self, table: SourceTable, window: Window) -> bool:
        """Whether everything that changed before the window's end has been read, from the beginning on."""
        return False

    def first_day(self, zone: str) -> date | None:
        """The retailer's first day, whose reading also has all before it; None if no reading has."""
        return None

    def later(self, table: SourceTable, window: Window, until: datetime) -> tuple[int, Sequence[str]]:
        """What a table that was read has from the window's end up to `until`: a number of rows, and files
        that are not counted by rows."""
        return 0, ()

    def days_read(self, table: SourceTable, window: Window) -> Sequence[Window]:
        """The windows of the table that have been read so far, including this one."""
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

    def is_expected(self, table: SourceTable) -> bool:
        """Whether it is no matter of course that a table is not there: a company's own mapping says where it
        is. A layout that is shipped, or extended, has tables that many companies have not."""
        said = self.mapping.of(table)
        return self.mapping.is_own and bool(said.from_ or said.select)

    def problems(self, table: SourceTable) -> Sequence[str]:
        """Problems of a table that has been read, one sentence each."""
        return ()

    def doubtful(self, table: SourceTable) -> Sequence[str]:
        """What was loaded of a table, and may be wrong or too little: one sentence each."""
        return ()

    def unfinished(self, table: SourceTable) -> Sequence[str]:
        """The problems that keep something, such as a file, from being loaded for now."""
        return ()

    def refused(self, table: SourceTable) -> Sequence[str]:
        """What was refused as a whole, such as a file, of a table that has been read: one sentence each."""
        return ()

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        """Called before the reading: looks up what was loaded earlier, except for the `emptied` tables."""
        self._execute = execute

    def remember(
        self, tables: Sequence[SourceTable], missed: Sequence[SourceTable], window: Window, execute: Execute
    ) -> None:
        """Called after loading: records that `tables` were loaded for the window, and `missed` were not."""
        return

    def lack(self, table: SourceTable, lacking: Iterable[SourceColumn]) -> Lack | None:
        """Which of the `lacking` columns keep the table from being loaded; None if none does."""
        lacking = list(lacking)
        place = f"under tables.{table.name}.columns in the mapping (RETAIL_{self.system.upper()}_MAPPING)"
        needed = [column.name for column in lacking if column.is_required]
        gone = self._had(table, lacking)
        if gone:
            # A required column cannot be given up.
            other_name, known = "if it has another name, write it", "if it is gone for good, write"
            remedy = other_name if {*gone} & {*needed} else f"{known} `{gone[0]}: null`"
            return Lack(True, f"no column {', '.join(gone)} any more", f"Restore it; {remedy} {place}")
        if needed:
            what = f"no column {', '.join(needed)}, which {table.name} must have"
            return Lack(False, what, f"Name the source's column {place}")
        return None

    def _had(self, table: SourceTable, columns: Iterable[SourceColumn]) -> Sequence[str]:
        """The columns that have values in raw, other than the contract's default."""
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
