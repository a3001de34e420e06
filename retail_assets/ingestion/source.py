"""What a source system is to the ingestion, whatever its kind: something with tables to read."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from retail_assets.catalog.contract import SourceTable
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

BATCH_ROWS = 131_072


class Source(ABC):
    """One system, opened to be read for one window."""

    @abstractmethod
    def check(self) -> None:
        """Raise `SourceError` if the system cannot be reached."""

    @abstractmethod
    def locate(self, table: SourceTable) -> bool:
        """Whether the system has the table.

        Raises `SourceError` if it cannot be reached, or if the table lacks a column.
        """

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

    def days_read(self, table: SourceTable, window: Window) -> Sequence[Window]:
        """What has been read of a table's changes, with this window."""
        return ()

    def problems(self, table: SourceTable) -> Sequence[str]:
        """What there is to say of a table that has been read: one sentence each."""
        return ()

    def refused(self, table: SourceTable) -> Sequence[str]:
        """What of a table that has been read was refused as a whole, such as a file: one sentence each."""
        return ()

    def recall(self, schema: str, emptied: Collection[str], execute: Execute) -> None:
        """Before the reading: look up in the warehouse what was loaded, except of the `emptied` tables."""
        return

    def remember(
        self, tables: Sequence[SourceTable], missed: Sequence[SourceTable], window: Window, execute: Execute
    ) -> None:
        """What was read of these tables is in the warehouse; of the `missed` ones nothing is."""
        return
