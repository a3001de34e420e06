"""From a system's contract to the source that reads it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeAlias

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.mapping import load_mapping
from retail_assets.ingestion.source import Source
from retail_assets.settings import REFERENCE, Settings

Kind: TypeAlias = Literal["sql", "files"]


def open_source(settings: Settings, tables: Sequence[SourceTable]) -> Source:
    """The source of a system's tables; its own `tables` are as its mapping describes them.

    Raises `SourceError` if its URL or its mapping cannot be used. Each kind imports what it needs only here.
    """
    system = tables[0].system
    url, timezone = settings.source_url(system), settings.source_timezone(system)
    kind = kind_of(url, tables[0].kind)
    mapping = load_mapping(settings.source_mapping(system), tables, kind, settings.home)
    source: Source
    if kind == "files":
        from retail_assets.ingestion.file_source import FileSource

        shipped = REFERENCE / system
        source = FileSource(system, url, settings.timezone, timezone, shipped if shipped.is_dir() else None)
    else:
        from retail_assets.ingestion.sql_source import SqlSource

        source = SqlSource(
            system,
            url,
            zone=timezone,
            overlap=timedelta(hours=settings.overlap_hours),
            beginning=settings.beginning,
        )
    source.mapping = mapping
    source.tables = [mapping.described(table, kind) for table in tables]
    return source


def kind_of(url: str, declared: Kind) -> Kind:
    """Whether a URL is a database's or a folder's; what the contract declares where it does not tell."""
    from fsspec.registry import known_implementations

    scheme, is_url, _ = url.partition("://")
    if not is_url:
        return "files" if Path(url).is_dir() else declared
    if scheme in known_implementations:
        return "files"
    return "sql" if declared == "sql" or _is_dialect(scheme.partition("+")[0]) else declared


def _is_dialect(name: str) -> bool:
    # Not at the top: the definitions load often, and connect to no database.
    from sqlalchemy.dialects import registry
    from sqlalchemy.exc import NoSuchModuleError

    try:
        registry.load(name)
    except NoSuchModuleError:
        return False
    return True
