"""What figures of past days were, and what they became: `quality.restatements`.

A run that replaces rows of a mart also changes figures that somebody may have read. For each mart that says
so (`meta.restated`), past day and measure whose sum becomes another, the record gets a row, in the
transaction that replaces the mart's rows (dbt_project/macros/restatements.sql).

Reported are the days that were whole in the mart before the run, by its state: so a first build restates
nothing, in whatever order its days are run, and a second run of the same day only what really differs. What
is known as of when is the data's time, not the clock's: `known_at` is the end of the newest window that the
mart has. On the morning of D that is midnight.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from retail_assets.catalog.presence import table_of
from retail_assets.limits import limit_of
from retail_assets.quality.dbt_tests import FAILING_ROWS, ROWS_SHOWN
from retail_assets.quality.table_states import SCHEMA, TableState
from retail_assets.quality.warned import warned
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute
from retail_assets.settings import Settings
from retail_assets.windows import Window

TABLE = f"{SCHEMA}.restatements"
CHECK_NAME = "little_is_restated"

_COLUMNS = {
    "mart": "varchar",  # with its schema, as in SQL
    "figure_day": "date",  # the day whose figure it is, as in the mart
    "measure": "varchar",
    "was": "decimal(38, 6)",  # the sum over the mart's rows of the day; null if none of them says
    "became": "decimal(38, 6)",
    "affected_keys": "bigint",  # how many keys, such as orders, affected the day in this run
    "examples": "varchar",  # the first of them
    "window_start": "timestamp",  # in UTC, as all times here: what changed in this window did it
    "window_end": "timestamp",
    "known_at": "timestamp",  # the end of the newest window that the mart had after the run
    "is_rebuild": "boolean",  # the whole table was rebuilt, so that other code may have done it
    "recorded_at": "timestamp",  # by the run's clock
    "run_id": "varchar",
}


@dataclass(frozen=True)
class Restated:
    """A mart whose figures are watched."""

    unique_id: str
    table: str
    day: str
    where: str
    measures: tuple[str, ...]
    watched: tuple[str, ...]
    """The measures of which a share says something; of the others a limit has to name them."""
    usual: tuple[str, ...] = ()
    """The measures that are like on the same weekdays before (quality/values.py)."""


@dataclass(frozen=True)
class Restatement:
    """A figure of a past day that became another."""

    mart: str
    day: date
    measure: str
    was: Decimal | None
    became: Decimal | None
    examples: str | None

    @property
    def difference(self) -> Decimal:
        """What came or went."""
        return (self.became or Decimal(0)) - (self.was or Decimal(0))

    @property
    def told(self) -> str:
        """`2024-03-05 net_sales: 100.00 became 120.00 (+20.0%)`."""
        was, became = ("nothing" if each is None else f"{each:,.2f}" for each in (self.was, self.became))
        share = f" ({100 * self.difference / abs(self.was):+.1f}%)" if self.was else ""
        return f"{self.day} {self.measure}: {was} became {became}{share}"


def restated_marts(manifest: Mapping[str, Any]) -> Mapping[str, Restated]:
    """The marts that say that they are watched, by unique id."""
    found = {}
    for unique_id, node in manifest["nodes"].items():
        entry = node["config"].get("meta", {}).get("restated") if node["resource_type"] == "model" else None
        if entry:
            found[unique_id] = Restated(
                unique_id,
                table_of(manifest, unique_id),
                entry["day"],
                entry.get("where", "true"),
                tuple(entry["measures"]),
                tuple(entry.get("watched", ())),
                tuple(entry.get("usual", ())),
            )
    return found


def create(execute: Execute) -> None:
    """Create the record, if it is not there."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    execute(f"create schema if not exists {SCHEMA}")
    execute(f"create table if not exists {TABLE} ({columns})")


def restating(
    manifest: Mapping[str, Any],
    built: Collection[str],
    states: Mapping[str, TableState],
    window: Window,
    settings: Settings,
    run_id: str,
) -> Mapping[str, Any]:
    """What the models have to know to record restatements: the variable `restating` of a run."""
    marts = {
        unique_id: reported
        for unique_id, mart in restated_marts(manifest).items()
        if unique_id in built and (reported := _reported(states.get(mart.table), window, settings))
    }
    return {"run_id": run_id, "recorded_at": _naive(datetime.now(UTC)), "marts": marts} if marts else {}


def _reported(state: TableState | None, window: Window, settings: Settings) -> Mapping[str, Any] | None:
    """The days that are whole in a mart, and the end of the newest window after the run."""
    if state is None or state.applied_from is None or state.applied_until is None:
        return None
    zone = ZoneInfo(settings.timezone)
    # A history that begins with the retailer's first day also has what is older.
    is_all = state.applied_from <= settings.beginning
    # A day that began before the first window is not whole.
    before = state.applied_from.astimezone(zone) - timedelta(microseconds=1)
    return {
        "first": None if is_all else str(before.date() + timedelta(days=1)),
        "until": str(state.applied_until.astimezone(zone).date()),
        "known_at": _naive(max(state.applied_until, window.end)),
    }


def _naive(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def restated_specs(
    manifest: Mapping[str, Any], models: Mapping[str, dg.AssetSpec]
) -> Iterator[dg.AssetCheckSpec]:
    """The check of each watched mart that is among the models, so that its owner is told."""
    for unique_id in restated_marts(manifest):
        if unique_id in models:
            yield dg.AssetCheckSpec(
                CHECK_NAME,
                asset=models[unique_id].key,
                description="No figure of a past day changes by more than RETAIL_RESTATEMENT_LIMITS allows.",
            )


def restated_results(
    selected: set[dg.AssetCheckKey],
    manifest: Mapping[str, Any],
    limits: str,
    run_id: str,
    execute: Execute,
) -> Iterator[dg.AssetCheckResult]:
    """A result for each selected check, of what this run restated. It warns: the new figure is right."""
    keys = {
        mart: dg.AssetCheckKey(dg.AssetKey(mart.table.split(".")), CHECK_NAME)
        for mart in restated_marts(manifest).values()
    }
    marts = {mart: key for mart, key in keys.items() if key in selected}
    found = _of_run(run_id, execute) if marts else []
    for mart, key in marts.items():
        own = [each for each in found if each.mart == mart.table]
        over = sorted(
            (each for each in own if is_over(each, mart.watched, limits)),
            key=lambda each: (-abs(each.difference), each.day, each.measure),
        )
        told = [
            f"{each.told}{f', by {each.examples}' if each.examples else ''}" for each in over[:ROWS_SHOWN]
        ]
        more = f"; and {len(over) - 1} more" if len(over) > 1 else ""
        yield warned(
            key,
            f"{over[0].told}{more}" if over else "",
            {
                "restated figures": len(own),
                "restated days": len({each.day for each in own}),
                "figures over the limit": len(over),
                **({FAILING_ROWS: dg.MetadataValue.text("\n".join(told))} if told else {}),
            },
        )


def _of_run(run_id: str, execute: Execute) -> Sequence[Restatement]:
    rows = execute(
        f"select mart, figure_day, measure, was, became, examples from {TABLE} where run_id = {text(run_id)}"
        " order by figure_day, measure, recorded_at"
    )
    return [Restatement(*row) for row in rows]


def is_over(found: Restatement, watched: Collection[str], limits: str) -> bool:
    """Whether a figure changed by more than its limit: that of the measure in the mart, else of the measure,
    else of the mart, else of all. The last two are of the watched measures."""
    mart = found.mart.partition(".")[2]
    names = [f"{mart}.{found.measure}", found.measure, *([mart, ""] if found.measure in watched else [])]
    limit, change = limit_of(limits, *names), abs(found.difference)
    return limit is not None and limit.is_exceeded(change, abs(found.was or Decimal(0)), change)
