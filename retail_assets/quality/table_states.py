"""Up to which day each table is current, and why if it is behind: `quality.table_states`.

Everything that changed in the sources before a table's `applied_until` is in the table. It advances without
gaps: after a failure, or if the source was refused, the next run starts where the last good one ended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from retail_assets.resources.warehouse import Execute, transaction
from retail_assets.windows import Window

SCHEMA = "quality"
TABLE = f"{SCHEMA}.table_states"

State = Literal["current", "stale", "failed", "refused", "not ingested"]
"""`stale`: something upstream failed or was refused. `failed`: its build, or one of its checks, failed.
`refused`: its source could not be read. `not ingested`: its system is not in RETAIL_SOURCES."""

_COLUMNS = {
    "table_name": "varchar",  # with its schema, as in SQL
    "state": "varchar",
    "as_of": "date",  # the last of the retailer's days that is complete in it
    "applied_from": "timestamp",  # in UTC, as all times here: the start of the first window that was applied
    "applied_until": "timestamp",
    "since": "timestamp",  # when it came into this state
    "run_id": "varchar",  # the run that wrote the row
    "why": "varchar",
}


@dataclass(frozen=True)
class TableState:
    """The state of one table. Times are in UTC; in the warehouse they have no zone."""

    table: str
    state: State
    applied_from: datetime | None = None
    applied_until: datetime | None = None
    why: str | None = None

    def advanced(self, window: Window) -> "TableState":
        """The state after a window was applied that starts at or before `applied_until`.

        A window that ends before `applied_from` would leave a gap, and changes neither bound.
        """
        start, until = self.applied_from or window.start, self.applied_until or window.end
        if window.end >= start:
            start, until = min(start, window.start), max(until, window.end)
        return TableState(self.table, "current", start, until)

    def changed(self, state: State, why: str) -> "TableState":
        """The same rows, in another state."""
        return TableState(self.table, state, self.applied_from, self.applied_until, why)

    def set_back(self, start: datetime, why: str) -> "TableState":
        """The same rows, but nothing after `start` counts as applied."""
        until = min(self.applied_until, start) if self.applied_until else None
        return TableState(self.table, "stale", self.applied_from, until, why)

    def reaches(self, moment: datetime) -> bool:
        """Whether everything up to a time has been applied."""
        return self.applied_until is not None and self.applied_until >= moment


def read(execute: Execute) -> dict[str, TableState]:
    """All states by table; none before the first run."""
    found = execute(
        "select 1 from information_schema.tables"
        f" where lower(table_schema) = '{SCHEMA}' and lower(table_name) = 'table_states'"
    )
    if not found:
        return {}
    rows = execute(f"select table_name, state, applied_from, applied_until, why from {TABLE}")
    return {
        # Homes of earlier versions have the state by its former name.
        table: TableState(
            table, "not ingested" if state == "not taken in" else state, _utc(since), _utc(until), why
        )
        for table, state, since, until, why in rows
    }


def write(
    execute: Execute,
    states: Iterable[TableState],
    known: Mapping[str, TableState],
    run_id: str,
    timezone: str,
) -> None:
    """Replace the `known` states by these; a table whose state stays the same keeps its `since`.

    `timezone` is the zone of the retailer's days.
    """
    new = [state for state in states if known.get(state.table) != state]
    if not new:
        return
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    execute(f"create schema if not exists {SCHEMA}")
    execute(f"create table if not exists {TABLE} ({columns})")
    since: dict[str, datetime] = dict(execute(f"select table_name, since from {TABLE}"))
    now = datetime.now(UTC)
    rows = [
        ", ".join(
            (
                _text(each.table),
                _text(each.state),
                _day(each.applied_until, timezone),
                _timestamp(each.applied_from),
                _timestamp(each.applied_until),
                _timestamp(
                    since.get(each.table)
                    if each.table in known and known[each.table].state == each.state
                    else now
                ),
                _text(run_id),
                _text(each.why),
            )
        )
        for each in new
    ]
    names = ", ".join(_text(each.table) for each in new)
    with transaction(execute):
        execute(f"delete from {TABLE} where table_name in ({names})")
        execute(f"insert into {TABLE} values {', '.join(f'({row})' for row in rows)}")


def gap_before(window: Window, states: Iterable[TableState]) -> Window:
    """The window, started earlier if one of the tables ends before it, to make up for what was missed."""
    ends = [state.applied_until for state in states if state.applied_until]
    return Window(min([window.start, *ends]), window.end)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _timestamp(moment: datetime | None) -> str:
    return f"timestamp '{moment.replace(tzinfo=None)}'" if moment else "null"


def _day(until: datetime | None, timezone: str) -> str:
    if until is None:
        return "null"
    return f"date '{(until.astimezone(ZoneInfo(timezone)) - timedelta(microseconds=1)).date()}'"


def _text(value: str | None) -> str:
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
