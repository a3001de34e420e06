"""From a system's contract to the source that reads it."""

from collections.abc import Sequence
from datetime import timedelta

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.source import Source
from retail_assets.settings import Settings


def open_source(settings: Settings, tables: Sequence[SourceTable]) -> Source:
    """The source of a system's tables, of the kind that its contract names.

    Raises `SourceError` if its URL cannot be used. Each kind imports what it needs only here.
    """
    system, kind = tables[0].system, tables[0].kind
    url = settings.source_url(system)
    if kind == "files":
        from retail_assets.ingestion.file_source import FileSource

        return FileSource(system, url, settings.timezone, settings.source_timezone(system))
    from retail_assets.ingestion.sql_source import SqlSource

    return SqlSource(
        system,
        url,
        zone=settings.source_timezone(system),
        overlap=timedelta(hours=settings.overlap_hours),
        beginning=settings.beginning,
    )
