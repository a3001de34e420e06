"""One reading of a system for one window."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import pyarrow as pa

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.fractions import Fractions
from retail_assets.ingestion.reconciliation import Difference, Unbelievable
from retail_assets.ingestion.refusals import MANY, Refusals, Summary
from retail_assets.ingestion.source import Found, Source
from retail_assets.windows import Window

# So many batches are read ahead (the first may be empty), to know whether there is anything to load. A
# table that has fewer is read to its end, which also closes what was opened for it.
BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Repeated:
    """Keys that more than one row of a reading has, with different times of change."""

    keys: int
    example: str


@dataclass
class Extraction:
    """What a system says, table by table; a table in `errors` is left out."""

    source: Source
    window: Window
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    zone: str = "UTC"  # of the retailer's days
    found: dict[str, Found] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)
    refused: Sequence[Summary] = ()
    repeated: dict[str, Repeated] = field(default_factory=dict)
    missing: dict[str, Sequence[Difference]] = field(default_factory=dict)
    unbelievable: Mapping[str, Unbelievable] = field(default_factory=dict)
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

    @property
    def located(self) -> set[str]:
        """The tables that are there."""
        return set(self.found)

    def as_found(self, table: SourceTable) -> SourceTable:
        """The table as it is read here."""
        found = self.found.get(table.name)
        return found.table if found else table

    def open(self, table: SourceTable) -> None:
        """Begin to read a table. Raises `SourceUnreachableError`; other errors only leave the table out."""
        self.rows[table.name] = 0
        if table.name not in self.located or table.name in self.errors:
            return
        batches = self.refusals.sifted(table, self.source.read(table, self.window, self.loaded_at))
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
        """Whether the source looked at an opened table at all, be it empty."""
        return bool(self._ahead.get(table.name))

    def whole(self, table: SourceTable) -> pa.Table | None:
        """All rows of an opened table, if it was read and they are few enough to be known."""
        ahead = self._ahead.get(table.name, [])
        if not ahead or len(ahead) == BATCHES_AHEAD:
            return None
        return pa.concat_tables(
            [table.raw_schema.empty_table(), *(each.cast(table.raw_schema) for each in ahead)]
        )

    def read(self, table: SourceTable) -> Iterator[pa.Table]:
        """An opened table's batches; an empty one of the right types comes first.

        A table that cannot be read further ends there, and is in `errors`.
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
        """The rows that the source gave, those included that were refused."""
        return self.rows.get(table.name, 0) + sum(each.is_lost for each in self.refusals.of(table))

    def is_refused_whole(self, table: SourceTable) -> bool:
        """Whether a table was read and not one row of it could be: then it is no matter of rows."""
        refused = len(self.refusals.of(table))
        is_all = refused > 0 and self.rows.get(table.name, 0) == 0
        return is_all and (table.load == "snapshot" or refused >= MANY)
