"""Forecasts of the weeks ahead, by the method that was chosen for each category."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from retail_assets.demand.catalog import COLUMNS, FORECASTS, HORIZON, QUANTILES, quantile_column, table
from retail_assets.demand.methods import BOOSTING, METHODS
from retail_assets.demand.quantiles import bucket, name
from retail_assets.demand.seasons import LEAST, MOST
from retail_assets.demand.trials import BLOCKS, Choice
from retail_assets.resources.sql import decimal, monday, number
from retail_assets.resources.weekly_tables import weeks_later

NAIVE_WEEKS = 52
"""Weeks over which one is compared with the one before."""
MEDIAN = 0.5


def choices_table(choices: Mapping[str, Choice]) -> pa.Table:
    """One row per category and block: the method's number, and the spread."""
    rows = [
        (category, block, list(METHODS).index(choice.method), spread)
        for category, choice in choices.items()
        for block, spread in enumerate(choice.spreads)
    ]
    types = (pa.string(), pa.int64(), pa.int64(), pa.float64())
    names = ("category", "block", "method", "spread")
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return pa.table(
        {
            name_: pa.array(list(values), type_)
            for name_, values, type_ in zip(names, columns, types, strict=True)
        }
    )


def expected_of(levels: str, seasons: str, naive: str, boosted: str, choices: str) -> str:
    """A query: series, weeks_ahead, category, method, spread, naive, season and mean, as of now.

    What boosting expects of the slowest level is its season.
    """
    means = " ".join(f"when {number_} then {method.mean}" for number_, method in enumerate(METHODS.values()))
    seasonal = ", ".join(str(number_) for number_, each in enumerate(METHODS.values()) if each.season)
    times = (
        f"least(greatest(boosted.boosted / nullif(cast(levels.slow as double), 0), {number(LEAST)}),"
        f" {number(MOST)})"
    )
    block = " ".join(
        f"when naive.weeks_ahead <= {last} then {number_}" for number_, (_, last) in enumerate(BLOCKS)
    )
    return f"""
    select
        levels.series,
        naive.weeks_ahead,
        levels.category,
        choices.method,
        choices.spread,
        naive.naive,
        case
            when choices.method in ({seasonal}) then seasons.slow
            when choices.method = {list(METHODS).index(BOOSTING)} then coalesce({times}, 1)
            else 1
        end as season,
        {decimal(f"case choices.method {means} end", 38)} as mean
    from {levels} as levels
    inner join {naive} as naive on levels.origin = naive.origin and levels.series = naive.series
    inner join {seasons} as seasons
        on levels.category = seasons.category
        and levels.origin = seasons.origin
        and naive.weeks_ahead = seasons.weeks_ahead
    left join {boosted} as boosted
        on levels.origin = boosted.origin
        and levels.series = boosted.series
        and naive.weeks_ahead = boosted.weeks_ahead
    inner join {choices} as choices
        on levels.category = choices.category and choices.block = case {block} end
    where levels.origin = 0"""


def _quantiles() -> Iterator[tuple[float, str]]:
    """Each quantile as SQL, over tables `expected`, `pooled` and `own`, in their order.

    The median is that of the product's own weeks; few lie beyond the others, which are the mean of both.
    """
    for level in QUANTILES:
        column = name(level)
        pooled = (
            f"case when pooled.is_part = 1 then pooled.{column} * cast(expected.mean as double)"
            f" else cast(pooled.{column} as double) end"
        )
        own = f"cast(own.{column} as double) * expected.season"
        both = own if level == MEDIAN else f"cast({own} + {pooled} as double) / 2"
        yield level, f"case when own.series is null then {pooled} else {both} end"


def pinball(level: float, quantile: str, quantity: str) -> str:
    """What a quantile loses by what came: `level` of each piece too few, the rest of 1 of each too many."""
    return (
        f"greatest({number(level)} * ({quantity} - {quantile}),"
        f" {number(round(1 - level, 6))} * ({quantile} - {quantity}))"
    )


def insert_forecasts(
    week: str, series: str, expected: str, distributions: str, own: str, history: str
) -> str:
    """The statement that adds a week's forecasts."""
    columns = ", ".join(COLUMNS[FORECASTS])
    targets = " union all ".join(
        f"select {ahead} as weeks_ahead, {monday(weeks_later(week, ahead))} as target_week"
        for ahead in range(1, HORIZON + 1)
    )
    step = decimal("abs(later.rate - earlier.rate)", 38)
    methods = " ".join(f"when {number_} then '{each}'" for number_, each in enumerate(METHODS))
    quantiles = ",\n        ".join(
        f"{decimal(each, 38)} as {quantile_column(level)}" for level, each in _quantiles()
    )
    return f"""insert into {table(FORECASTS)} ({columns})
with naive_errors as (

    select
        later.series,
        {decimal(f"cast(sum({step}) as double) / count(*)", 38)} as naive_error
    from ({_rates(history)}) as later
    inner join ({_rates(history)}) as earlier
        on later.series = earlier.series and later.age + 1 = earlier.age
    where later.age < {NAIVE_WEEKS}
    group by later.series

),

forecasts as (

    select
        expected.*,
        {quantiles}
    from ({expected}) as expected
    inner join {distributions} as pooled
        on expected.spread = pooled.spread and {bucket("cast(expected.mean as double)")} = pooled.bucket
    left join {own} as own on expected.series = own.series

)

select
    {monday(week)},
    series.product_key,
    series.location_key,
    forecasts.weeks_ahead,
    targets.target_week,
    series.category,
    case forecasts.method {methods} end,
    forecasts.mean,
    {_in_order()},
    cast(forecasts.spread as decimal(18, 6)),
    forecasts.naive,
    naive_errors.naive_error
from forecasts
inner join ({targets}) as targets on forecasts.weeks_ahead = targets.weeks_ahead
inner join {series} as series on forecasts.series = series.series
left join naive_errors on forecasts.series = naive_errors.series"""


def _rates(history: str) -> str:
    return f"select series, age, 7 * cast(quantity as double) / days as rate from {history}"


def _in_order() -> str:
    """The quantiles, none below one of a smaller share."""
    columns = [f"forecasts.{quantile_column(each)}" for each in QUANTILES]
    return ", ".join(
        f"greatest({', '.join(columns[: last + 1])})" if last else columns[0] for last in range(len(columns))
    )
