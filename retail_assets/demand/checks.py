"""What is asked of every week of forecasts: a look at what was just stored."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from retail_assets.demand.catalog import (
    ACCURACY,
    EVERYTHING,
    FORECASTS,
    HORIZON,
    MODELS,
    QUANTILES,
    REPLAY,
    SERIES,
    percent,
    quantile_column,
    table,
)
from retail_assets.demand.weekly import Week
from retail_assets.resources.sql import monday, text
from retail_assets.resources.warehouse import Execute
from retail_assets.resources.weekly_tables import weeks_later
from retail_assets.weekly_assets import Finding

NEAR = 4
"""Weeks ahead of which forecasts must be no worse than seasonal naive."""
MOST_OFF = 0.05
"""How far a quantile's coverage may lie from what it says, beside chance: two deviations."""
FEWEST_WEEKS, FEWEST_SERIES = 100, 30
"""Fewer are chance."""
NO_RECORD = "no forecast is a week old yet"


def findings(execute: Execute, week: Week) -> Iterator[Finding]:
    """Every check's finding on a week that was just stored."""
    yield _every_series_is_forecast(execute, week.week)
    yield _forecasts_are_sound(execute, week.week)
    yield _methods_are_told(execute, week.week)
    yield _beats_seasonal_naive(execute, week.week)
    yield _plan_is_better(execute, week.week)
    yield _quantiles_cover(execute, week.week)


def _every_series_is_forecast(execute: Execute, week: str) -> Finding:
    """But for what had no day with stock in all the time."""
    ((wrong, without),) = execute(
        "select count(case when forecasts.rows_ <> series.expected or (forecasts.rows_ is not null"
        f" and series.expected is null) or forecasts.weeks_ <> {HORIZON} then 1 end),"
        " count(case when forecasts.rows_ is null then 1 end)"
        f" from (select product_key, location_key, {HORIZON} as expected from {SERIES}"
        f" where week_start = {monday(week)} and not is_discontinued) as series"
        " full outer join (select product_key, location_key, count(*) as rows_,"
        f" count(distinct weeks_ahead) as weeks_ from {table(FORECASTS)}"
        f" where week_start = {monday(week)} group by product_key, location_key) as forecasts"
        " on series.product_key = forecasts.product_key and series.location_key = forecasts.location_key"
    )
    said = (
        f"{wrong:,} products of centers without exactly {HORIZON} forecasts; {without:,} have none, because"
        " no day with stock is known"
    )
    return Finding("every_series_is_forecast", wrong == 0, said, wrong)


def _forecasts_are_sound(execute: Execute, week: str) -> Finding:
    columns = ["expected_quantity", *map(quantile_column, QUANTILES), "seasonal_naive"]
    wrong = " or ".join(
        [f"{column} is null or {column} < 0" for column in columns]
        + [f"{quantile_column(a)} > {quantile_column(b)}" for a, b in pairwise(QUANTILES)]
    )
    ((rows,),) = execute(
        f"select count(*) from {table(FORECASTS)} where week_start = {monday(week)} and ({wrong})"
    )
    return Finding("forecasts_are_sound", rows == 0, f"{rows:,} unsound forecasts", rows)


def _methods_are_told(execute: Execute, week: str) -> Finding:
    rows = execute(f"select method, reason from {table(MODELS)} where week_start = {monday(week)}")
    untold = sum(not reason for _, reason in rows)
    used = Counter(method for method, _ in rows)
    said = ", ".join(f"{method}: {count}" for method, count in sorted(used.items()))
    return Finding("methods_are_told", not untold, said or "there is nothing to forecast yet", untold)


def _beats_seasonal_naive(execute: Execute, week: str) -> Finding:
    rows = execute(
        "select weeks_ahead, series, wape, naive_wape, verdict"
        f" from {table(ACCURACY)} where week_start = {monday(week)} and category = {text(EVERYTHING)}"
        f" and weeks_ahead <= {NEAR} order by weeks_ahead"
    )
    worse = sum(
        series >= FEWEST_SERIES and wape is not None and wape > naive for _, series, wape, naive, _ in rows
    )
    said = " ".join(f"{ahead} ahead: {verdict}" for ahead, *_, verdict in rows)
    return Finding("beats_seasonal_naive", not worse, said or NO_RECORD, worse)


def _plan_is_better(execute: Execute, week: str) -> Finding:
    """Less stock or fewer stock-outs is not worse; more of both is."""
    rows = execute(
        "select stock_planned > stock_done and stock_outs_planned >= stock_outs_done, verdict"
        f" from {table(REPLAY)} where week_start = {monday(week)} and location_key = {text(EVERYTHING)}"
    )
    if not rows:
        return Finding("plan_is_better", True, "there are no plans of four weeks yet")
    ((worse, verdict),) = rows
    return Finding("plan_is_better", not worse, verdict, int(worse))


def _quantiles_cover(execute: Execute, week: str) -> Finding:
    """Over 13 weeks, since errors of one week go together.

    Pieces are whole: the share that a quantile stands for lies between those below it and not above it.
    """
    percents = [*map(percent, QUANTILES)]
    ((weeks, *shares),) = execute(
        "select cast(sum(whole_weeks) as double), "
        + ", ".join(
            f"cast(sum({kind}_{each} * whole_weeks) as double)"
            for each in percents
            for kind in ("below", "covered")
        )
        + f" from {table(ACCURACY)} where category = {text(EVERYTHING)} and weeks_ahead <= {NEAR}"
        f" and week_start > {monday(weeks_later(week, -HORIZON))} and week_start <= {monday(week)}"
    )
    if not weeks or weeks < FEWEST_WEEKS:
        return Finding("quantiles_cover", True, "too few weeks of products to tell" if weeks else NO_RECORD)
    found = [share / weeks for share in shares]
    off = [
        max(below - level, level - covered, 0) > MOST_OFF + 2 * (level * (1 - level) / weeks) ** 0.5
        for level, below, covered in zip(QUANTILES, found[::2], found[1::2], strict=True)
    ]
    said = "; ".join(
        f"{each} of 100: {below:.1%} below, {covered:.1%} not above"
        for each, below, covered in zip(percents, found[::2], found[1::2], strict=True)
    )
    return Finding("quantiles_cover", not any(off), said, sum(off))
