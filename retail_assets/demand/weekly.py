"""One week of demand, from what left the centers to its rows in three tables."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from retail_assets.demand.accuracy import actual_of, insert_accuracy, is_made
from retail_assets.demand.boosted import Boosted, boost
from retail_assets.demand.catalog import ACCURACY, HORIZON, MODELS, SCHEMA, TABLES, table
from retail_assets.demand.forecasts import (
    choices_table,
    expected_of,
    insert_forecasts,
)
from retail_assets.demand.history import history_of, series_of
from retail_assets.demand.methods import ORIGINS, levels_of, naive_of
from retail_assets.demand.quantiles import negative_binomial, own_of
from retail_assets.demand.seasons import seasons, weeks_by_category
from retail_assets.demand.trials import Choice, choose_all, read_trials, trials_of
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday
from retail_assets.resources.warehouse import transaction
from retail_assets.resources.weekly_tables import weeks_later
from retail_assets.versions import libraries

FORMAT = 2


@dataclass(frozen=True)
class Week:
    """What a week was made of."""

    week: str
    series: int
    """Products times centers that are forecast."""
    choices: Mapping[str, Choice]


def run_week(session: Session, week: str) -> Week:
    """Forecast a week, and replace its rows and records, all of them in one transaction.

    Forecasts depend on what is known at the end of the week alone. The record of a later week depends on
    these forecasts and what left in it: it is made with whichever comes last, so that weeks give the same
    rows in any order.
    """
    TABLES.create(session)
    later = (weeks_later(week, ahead) for ahead in range(1, HORIZON + 1))
    recorded = [week, *(each for each in later if session(is_made(each)))]
    with ExitStack() as stack:

        def keep(name: str, query: str) -> str:
            return stack.enter_context(session.keeping(f"{SCHEMA}.{name}", query))

        series = keep("series", series_of(week))
        history = keep("history", history_of(week, series))
        levels = keep("levels", levels_of(history, (0, *ORIGINS)))
        naive = keep("naive", naive_of(history, levels))
        by_category = session.read(
            "select category, age, cast(sum(quantity) as double) as quantity,"
            f" cast(sum(days) as double) as days from {history} group by category, age order by category, age"
        )
        season = stack.enter_context(
            session.holding(f"{SCHEMA}.seasons", seasons(weeks_by_category(by_category)))
        )
        counts = {name: int(rows) for name, rows in session(
            f"select category, count(*) from {levels} where origin = 0 group by category"
        )}  # fmt: skip
        told = boost(session, series, history, week)
        boosted = stack.enter_context(session.holding(f"{SCHEMA}.boosted", told.rows))
        choices = choose_all(
            list(counts), read_trials(session.read(trials_of(history, levels, season, naive, boosted)))
        )
        spreads = [spread for choice in choices.values() for spread in choice.spreads]
        distributions = stack.enter_context(
            session.holding(f"{SCHEMA}.distributions", negative_binomial(spreads or [0.0]))
        )
        own = keep("own_quantiles", own_of(history))
        chosen = stack.enter_context(session.holding(f"{SCHEMA}.choices", choices_table(choices)))
        expected = expected_of(levels, season, naive, boosted, chosen)
        actual = {each: keep(f"actual_{number}", actual_of(each)) for number, each in enumerate(recorded)}
        with transaction(session):
            TABLES.delete_week(session, week)
            session(f"delete from {table(ACCURACY)} where predicted_week = {monday(week)}")
            rows = list(_rows(week, choices, counts, told))
            TABLES.insert_rows(session, MODELS, rows)
            session(insert_forecasts(week, series, expected, distributions, own, history))
            for each in recorded:
                session(insert_accuracy(each, actual[each], None if each == week else week))
    return Week(week, sum(counts.values()), choices)


def _rows(
    week: str, choices: Mapping[str, Choice], counts: Mapping[str, int], told: Boosted
) -> Iterator[Mapping[str, Any]]:
    versions = libraries("numpy", "scikit-learn", "scipy")
    for category, choice in choices.items():
        yield {
            "week_start": week,
            "category": category,
            "method": choice.method,
            "beats_seasonal_naive": choice.beats_naive,
            "reason": choice.reason,
            "series": counts[category],
            "tested": choice.trials.count,
            "model": _as_json(choice, told, versions),
        }


def _as_json(choice: Choice, told: Boosted, versions: Mapping[str, str]) -> str:
    """The text of what was chosen; the same data and versions have the same text."""
    trials = choice.trials
    tried = {
        "weeks": trials.counts,
        "pieces": trials.pieces,
        "errors": {
            name: {block: asdict(errors) for (block, each), errors in trials.errors.items() if each == name}
            for name in trials.methods
        },
        "boosting": told.facts,
    }
    facts = {
        "format": FORMAT,
        "method": choice.method,
        "spreads": choice.spreads,
        "trials": tried,
        "fingerprint": hashlib.sha256(json.dumps(tried, sort_keys=True).encode()).hexdigest(),
        "libraries": versions,
    }
    return json.dumps(facts, sort_keys=True)
