"""The record: what was forecast for a week in each of the 13 weeks before it, against what left in it."""

from retail_assets.demand.catalog import (
    ACCURACY,
    COLUMNS,
    EVERYTHING,
    FORECASTS,
    HORIZON,
    QUANTILES,
    percent,
    quantile_column,
    table,
)
from retail_assets.demand.forecasts import pinball
from retail_assets.demand.history import history_of, series_of
from retail_assets.resources.sql import decimal, monday, text
from retail_assets.resources.weekly_tables import weeks_later


def is_made(week: str) -> str:
    """A query that has a row if the week has run, so that what was forecast before is held against it."""
    return f"select 1 from {table(FORECASTS)} where week_start = {monday(week)} limit 1"


def actual_of(week: str) -> str:
    """A query: product_key, location_key, pieces and days that count of a week."""
    series = f"({series_of(week)})"
    return f"""
    select series.product_key, series.location_key, weeks.quantity, weeks.days
    from {series} as series
    inner join ({history_of(week, series, 1)}) as weeks on series.series = weeks.series"""


def insert_accuracy(week: str, actual: str, predicted: str | None = None) -> str:
    """The statement that adds a week's record; of one week of forecasts, or of all that there are.

    A forecast is of a whole week: of one with days without stock it counts by the days that have some.
    `actual` is a table of `actual_of`.
    """
    columns = ", ".join(COLUMNS[ACCURACY])
    first = monday(predicted or weeks_later(week, -HORIZON))
    last = monday(predicted or weeks_later(week, -1))
    pieces, share = "cast(actual.quantity as double)", "cast(actual.days as double) / 7"
    expected, naive = (
        f"cast(forecasts.{each} as double) * {share}" for each in ("expected_quantity", "seasonal_naive")
    )
    levels = {each: f"cast(forecasts.{quantile_column(each)} as double)" for each in QUANTILES}
    loss, naive_loss = (
        " + ".join(pinball(each, value, pieces) for each, value in values.items())
        for values in (levels, dict.fromkeys(QUANTILES, "cast(forecasts.seasonal_naive as double)"))
    )
    whole = "actual.days = 7"
    sums = {
        "series": "count(*)",
        "quantity": "sum(actual.quantity)",
        "expected": _sum(expected),
        "error": _sum(f"abs({expected} - {pieces})"),
        "naive_error": _sum(f"abs({naive} - {pieces})"),
        "step": _sum(f"coalesce(cast(forecasts.naive_error as double), 0) * {share}"),
        "whole_weeks": f"count(case when {whole} then 1 end)",
        "whole_quantity": f"sum(case when {whole} then actual.quantity else 0 end)",
        "loss": _sum(f"case when {whole} then {loss} else 0 end"),
        "naive_loss": _sum(f"case when {whole} then {naive_loss} else 0 end"),
        **{
            f"{kind}_{percent(each)}": f"count(case when {whole} and {pieces} {sign} {level} then 1 end)"
            for each, level in levels.items()
            for kind, sign in (("covered", "<="), ("below", "<"))
        },
    }
    listed = ",\n        ".join(f"{value} as {name}" for name, value in sums.items())
    summed = ", ".join(f"sum({name}) as {name}" for name in sums)
    shares = [f"{kind}_{percent(each)}" for kind in ("covered", "below") for each in QUANTILES]
    return f"""insert into {table(ACCURACY)} ({columns})
with categories as (

    select
        forecasts.category,
        forecasts.weeks_ahead,
        forecasts.week_start as predicted_week,
        {listed}
    from {table(FORECASTS)} as forecasts
    inner join {actual} as actual
        on forecasts.product_key = actual.product_key and forecasts.location_key = actual.location_key
    where
        forecasts.target_week = {monday(week)}
        and forecasts.week_start >= {first}
        and forecasts.week_start <= {last}
    group by forecasts.category, forecasts.weeks_ahead, forecasts.week_start

),

everything as (

    select * from categories

    union all

    select {text(EVERYTHING)} as category, weeks_ahead, predicted_week, {summed}
    from categories
    group by weeks_ahead, predicted_week

),

measured as (

    select
        *,
        {_part("error", "quantity")} as wape,
        {_part("expected - quantity", "quantity")} as bias,
        {_part("error", "step")} as mase,
        {_part("loss", f"whole_quantity * {len(QUANTILES)}")} as pinball,
        {_part("naive_error", "quantity")} as naive_wape,
        {_part("naive_loss", f"whole_quantity * {len(QUANTILES)}")} as naive_pinball
    from everything

)

select
    {monday(week)},
    category,
    weeks_ahead,
    predicted_week,
    series,
    quantity,
    expected,
    wape,
    bias,
    mase,
    pinball,
    whole_weeks,
    {", ".join(_part(each, "whole_weeks") for each in shares)},
    naive_wape,
    naive_pinball,
    error < naive_error,
    case
        when error < naive_error then 'Better than seasonal naive: '
        when error = naive_error then 'As good as seasonal naive: '
        else 'Not better than seasonal naive: '
    end
    || case
        when quantity > 0
        then 'WAPE ' || cast(cast(wape as decimal(18, 3)) as varchar) || ' against '
            || cast(cast(naive_wape as decimal(18, 3)) as varchar) || '.'
        else 'no piece left.'
    end
from measured"""


def _sum(value: str) -> str:
    return f"sum({decimal(value, 38)})"


def _part(part: str, whole: str) -> str:
    return f"cast(round(cast({part} as double) / nullif(cast({whole} as double), 0), 6) as decimal(18, 6))"
