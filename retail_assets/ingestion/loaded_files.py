"""What was loaded from files, remembered in the warehouse, beside the rows: `raw_<system>._drops`.

It is written after the rows. A crash between only makes the next run read a file again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from retail_assets.ingestion.versions import text, timestamp
from retail_assets.resources.warehouse import Execute

FILES_AT_ONCE = 1000


@dataclass(frozen=True)
class LoadedFile:
    """A file that was loaded into a table."""

    table: str
    path: str
    size: int
    version: str
    day: date | None
    rows: int
    held_back: int  # rows that had changed after the window's end: they come with a later one
    loaded_at: datetime  # when this version of it was read first


def recall(schema: str, emptied: Collection[str], execute: Execute) -> Mapping[str, Mapping[str, LoadedFile]]:
    """What was loaded, by table and path. What is known of `emptied` tables no longer holds."""
    execute(f"""
        create table if not exists {schema}._drops (
            table_name varchar, path varchar, size bigint, version varchar, day date,
            rows_loaded bigint, rows_held_back bigint, loaded_at timestamp
        )
    """)
    if emptied:
        execute(f"delete from {schema}._drops where table_name in ({_literals(emptied)})")
    known: dict[str, dict[str, LoadedFile]] = defaultdict(dict)
    for *fields, loaded_at in execute(
        "select table_name, path, size, version, day, rows_loaded, rows_held_back, loaded_at"
        f" from {schema}._drops"
    ):
        file = LoadedFile(*(*fields, loaded_at.replace(tzinfo=UTC)))
        known[file.table][file.path] = file
    return known


def remember(schema: str, files: Sequence[LoadedFile], execute: Execute) -> None:
    """These files are loaded, in place of what was known of their paths."""
    for start in range(0, len(files), FILES_AT_ONCE):
        some = files[start : start + FILES_AT_ONCE]
        execute(f"delete from {schema}._drops where path in ({_literals(file.path for file in some)})")
        execute(f"insert into {schema}._drops values {', '.join(map(_values, some))}")


def _values(file: LoadedFile) -> str:
    day = f"date '{file.day}'" if file.day else "null"
    names = _literals([file.table, file.path])
    version, loaded_at = _literals([file.version]), timestamp(file.loaded_at)
    return f"({names}, {file.size}, {version}, {day}, {file.rows}, {file.held_back}, {loaded_at})"


def _literals(texts: Iterable[str]) -> str:
    return ", ".join(map(text, texts))
