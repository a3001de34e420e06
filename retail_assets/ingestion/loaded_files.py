"""What was loaded from files, remembered in the warehouse, beside the rows: `raw_<system>._drops`.

It is written after the rows. A crash between only makes the next run read a file again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from retail_assets.ingestion.versions import timestamp
from retail_assets.resources.sql import text
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
    changed: str = ""  # as `File.changed`; empty where it is not known
    checksum: str = ""  # of its content; empty where it is not known
    left_out: str = ""  # columns that the contract does not have, separated by commas


_COLUMNS = {
    "table_name": "varchar",
    "path": "varchar",
    "size": "bigint",
    "version": "varchar",
    "day": "date",
    "rows_loaded": "bigint",
    "rows_held_back": "bigint",
    "loaded_at": "timestamp",
    "changed": "varchar",
    "checksum": "varchar",
    "left_out": "varchar",
}
_NAMES = ", ".join(_COLUMNS)


def recall(schema: str, emptied: Collection[str], execute: Execute) -> Mapping[str, Mapping[str, LoadedFile]]:
    """What was loaded, by table and path. What is known of `emptied` tables no longer holds."""
    _create(schema, execute)
    if emptied:
        execute(f"delete from {schema}._drops where table_name in ({_literals(emptied)})")
    known: dict[str, dict[str, LoadedFile]] = defaultdict(dict)
    for *fields, loaded_at, changed, checksum, left_out in execute(f"select {_NAMES} from {schema}._drops"):
        file = LoadedFile(
            *(*fields, loaded_at.replace(tzinfo=UTC), changed or "", checksum or "", left_out or "")
        )
        known[file.table][file.path] = file
    return known


def _create(schema: str, execute: Execute) -> None:
    columns = ", ".join(f"{name} {data_type}" for name, data_type in _COLUMNS.items())
    execute(f"create table if not exists {schema}._drops ({columns})")
    there = execute(
        "select lower(column_name) from information_schema.columns"
        f" where lower(table_schema) = '{schema}' and lower(table_name) = '_drops'"
    )
    # A home may be older than some columns.
    for name in _COLUMNS.keys() - {name for (name,) in there}:
        execute(f"alter table {schema}._drops add column {name} {_COLUMNS[name]}")


def remember(schema: str, files: Sequence[LoadedFile], execute: Execute) -> None:
    """These files are loaded, in place of what was known of their paths."""
    for start in range(0, len(files), FILES_AT_ONCE):
        some = files[start : start + FILES_AT_ONCE]
        execute(f"delete from {schema}._drops where path in ({_literals(file.path for file in some)})")
        execute(f"insert into {schema}._drops ({_NAMES}) values {', '.join(map(_values, some))}")


def _values(file: LoadedFile) -> str:
    day = f"date '{file.day}'" if file.day else "null"
    names = _literals([file.table, file.path])
    version, loaded_at = _literals([file.version]), timestamp(file.loaded_at)
    added = _literals([file.changed, file.checksum, file.left_out])
    return f"({names}, {file.size}, {version}, {day}, {file.rows}, {file.held_back}, {loaded_at}, {added})"


def _literals(texts: Iterable[str]) -> str:
    return ", ".join(map(text, texts))
