"""What has been read of a database's tables, remembered in the warehouse: `raw_<system>._readings`.

Of each table the times whose changes were read, joined where they meet, and the windows in which it could not
be read: the next reading makes up for these. Files are remembered one by one (loaded_files.py).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from retail_assets.ingestion.versions import timestamp
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

TABLE = "_readings"
COLUMNS = {
    "table_name": "varchar",
    "starts_at": "timestamp",
    "ends_at": "timestamp",
    "is_missed": "boolean",
}


@dataclass
class Readings:
    """Of one table, in the order of time."""

    read: list[Window] = field(default_factory=list)
    missed: list[Window] = field(default_factory=list)


def recall(schema: str, emptied: Collection[str], execute: Execute) -> Mapping[str, Readings]:
    """What was read, by table. What is known of `emptied` tables no longer holds."""
    columns = ", ".join(f"{name} {data_type}" for name, data_type in COLUMNS.items())
    execute(f"create table if not exists {schema}.{TABLE} ({columns})")
    if emptied:
        execute(f"delete from {schema}.{TABLE} where table_name in ({', '.join(map(text, emptied))})")
    found: dict[str, Readings] = defaultdict(Readings)
    for table, starts_at, ends_at, is_missed in execute(
        f"select {', '.join(COLUMNS)} from {schema}.{TABLE} order by starts_at"
    ):
        of_table = found[table]
        window = Window(_utc(starts_at), _utc(ends_at))
        (of_table.missed if is_missed else of_table.read).append(window)
    return found


def remember(
    schema: str,
    window: Window,
    done: Sequence[str],
    missed: Sequence[str],
    known: Mapping[str, Readings],
    execute: Execute,
) -> None:
    """A window was read of the tables `done`, with what they had missed, and was not of the `missed` ones."""
    rows = []
    changed = []
    for table in (*done, *missed):
        before = known.get(table, Readings())
        if table in done:
            after = Readings(joined([*before.read, *before.missed, window]))
        else:
            after = Readings(before.read, joined([*before.missed, window]))
        if after != before:
            changed.append(table)
            rows += [*_values(table, after.read, "false"), *_values(table, after.missed, "true")]
    if not changed:
        return
    execute("begin")
    try:
        execute(f"delete from {schema}.{TABLE} where table_name in ({', '.join(map(text, changed))})")
        execute(f"insert into {schema}.{TABLE} values {', '.join(rows)}")
    except BaseException:
        execute("rollback")
        raise
    execute("commit")


def joined(windows: Iterable[Window]) -> list[Window]:
    """The windows in order, those that meet or overlap as one."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and window.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, window.end))
        else:
            found.append(window)
    return found


def _values(table: str, windows: Iterable[Window], is_missed: str) -> Iterable[str]:
    return (f"({text(table)}, {timestamp(start)}, {timestamp(end)}, {is_missed})" for start, end in windows)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
