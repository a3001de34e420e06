"""A folder of a shop's files, read as ingestion reads them, without a warehouse."""

from datetime import UTC, datetime

from retail_assets.ingestion.file_source import FileSource
from retail_assets.ingestion.loaded_files import LoadedFile
from retail_assets.ingestion.refusals import Refusal, Refusals

LOADED_AT = datetime(2024, 5, 1, tzinfo=UTC)


class Shop:
    """A folder, and the memory of what was loaded from it."""

    def __init__(self, url, timezone="UTC", own_timezone="UTC"):
        self.url, self.timezones = url, (timezone, own_timezone)
        self.memory: dict[str, dict[str, LoadedFile]] = {}
        self.problems: list[str] = []
        self.refused: list[str] = []
        self.doubtful: list[str] = []
        self._refusals = Refusals()

    def read(self, table, window):
        """The rows of a reading; what it refused is kept until the next."""
        source = FileSource("webshop", str(self.url), *self.timezones)
        source._known = self.memory
        self._refusals = Refusals()
        batches = self._refusals.sifted(table, source.read(table, window, LOADED_AT))
        rows = [row for batch in batches for row in batch.to_pylist()]
        self.problems, self.refused = list(source.problems(table)), list(source.refused(table))
        self.doubtful = list(source.doubtful(table))
        reading = source._readings[table.name]
        for file in (*reading.done, *reading.renamed):
            self.memory.setdefault(table.name, {})[file.path] = file
        return sorted(rows, key=str)

    def keys(self, table, window):
        return sorted(row[table.primary_key[0]] for row in self.read(table, window))

    def refused_rows(self, table) -> list[Refusal]:
        return sorted(self._refusals.of(table), key=lambda row: row.origin or "")
