"""One reading of a system for one window."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.fractions import Fractions
from retail_assets.ingestion.reconciliation import Difference, Unbelievable
from retail_assets.ingestion.refusals import MANY, Refusals, Summary
from retail_assets.ingestion.source import Found, Source
from retail_assets.privacy.forgotten import Forgotten
from retail_assets.windows import Window

if TYPE_CHECKING:
    from retail_assets.ingestion.gone import Gone
    from retail_assets.ingestion.late_rows import Late

# How many batches are read ahead (the first may be empty), to find out whether there is anything to load. A
# table with fewer is read to its end, which also closes its connection or file.
BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Repeated:
    """Keys that occur in more than one row of a reading: with different times of change; or with the same, in
    files of which the one that was written last counts. Then there is the amount of the others."""

    keys: int
    example: str
    is_of_files: bool = False
    amount: Decimal | None = None


@dataclass
class Extraction:
    """The state of one reading, by table. Tables in `errors` are not loaded."""

    source: Source
    window: Window
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    zone: str = "UTC"  # of the retailer's days
    forgotten: Forgotten = field(default_factory=Forgotten)
    kept_out: Counter[str] = field(default_factory=Counter)  # rows of persons who were forgotten
    found: dict[str, Found] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)
    refused: Sequence[Summary] = ()
    repeated: dict[str, Repeated] = field(default_factory=dict)
    missing: dict[str, Sequence[Difference]] = field(default_factory=dict)
    unbelievable: Mapping[str, Unbelievable] = field(default_factory=dict)
    gone: Mapping[str, "Gone"] = field(default_factory=dict)
    late: Mapping[str, "Late"] = field(default_factory=dict)
    fractions: dict[str, Sequence[Fractions]] = field(default_factory=dict)
    _ahead: dict[str, list[pa.Table]] = field(default_factory=dict)
    _rest: dict[str, Iterator[pa.Table]] = field(default_factory=dict)

    def locate(self, tables: Iterable[SourceTable]) -> None:
        """Find the tables. Raises `SourceError` if the system cannot be reached."""
        self.source.check()
        for table in tables:
            try:
                found = self.source.locate(table)
                if found:
                    self.found[table.name] = found
            except SourceUnreachableError:
                raise
            except SourceError as error:
                self.errors[table.name] = str(error)

    def day_of(self, moment: datetime) -> date:
        """The retailer's day of a moment in UTC, as raw has it."""
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).date()

    @property
    def located(self) -> set[str]:
        """The tables that the system has."""
        return set(self.found)

    def as_found(self, table: SourceTable) -> SourceTable:
        """The table as it is read from this source."""
        found = self.found.get(table.name)
        return found.table if found else table

    def open(self, table: SourceTable) -> None:
        """Begin to read a table. Raises `SourceUnreachableError`; any other error is kept in `errors`."""
        self.rows[table.name] = 0
        if table.name not in self.located or table.name in self.errors:
            return
        # First, so that no refusal names somebody who was forgotten.
        read = self.source.read(table, self.window, self.loaded_at)
        batches = self.refusals.sifted(table, self.forgotten.sifted(table, read, self.kept_out))
        try:
            self._ahead[table.name] = list(islice(batches, BATCHES_AHEAD))
        except SourceUnreachableError:
            raise
        except SourceError as error:
            self.errors[table.name] = str(error)
            return
        self._rest[table.name] = batches
        self.rows[table.name] = sum(batch.num_rows for batch in self._ahead[table.name])

    def was_read(self, table: SourceTable) -> bool:
        """Whether an opened table was read at all, even if it had no rows."""
        return bool(self._ahead.get(table.name))

    def whole(self, table: SourceTable) -> pa.Table | None:
        """All rows of an opened table, if it was read and all of them were read ahead; else None."""
        ahead = self._ahead.get(table.name, [])
        if not ahead or len(ahead) == BATCHES_AHEAD:
            return None
        return pa.concat_tables(
            [table.raw_schema.empty_table(), *(each.cast(table.raw_schema) for each in ahead)]
        )

    def read(self, table: SourceTable) -> Iterator[pa.Table]:
        """An opened table's batches; an empty one of the right types comes first.

        If reading fails midway, the batches end and the table is in `errors`.
        """
        yield table.raw_schema.empty_table()
        for batch in self._ahead.pop(table.name, []):
            yield batch.cast(table.raw_schema)
        try:
            for batch in self._rest.pop(table.name, iter(())):
                self.rows[table.name] += batch.num_rows
                yield batch.cast(table.raw_schema)
        except SourceUnreachableError:
            raise
        except SourceError as error:
            self.errors[table.name] = str(error)

    def rows_read(self, table: SourceTable) -> int:
        """How many rows were read, including the refused ones."""
        return self.rows.get(table.name, 0) + sum(each.is_lost for each in self.refusals.of(table))

    def is_refused_whole(self, table: SourceTable) -> bool:
        """Whether every row of the table was refused: then the table is at fault, not single rows."""
        refused = len(self.refusals.of(table))
        is_all = refused > 0 and self.rows.get(table.name, 0) == 0
        return is_all and (table.load == "snapshot" or refused >= MANY)
