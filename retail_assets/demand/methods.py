"""The ways to forecast a week's pieces, as statements over the history: all at once, as of several ends.

An origin is an end of a week, counted back like an age: forecasts of origin 8 know what is 8 weeks old or
older. Origin 0 is now; the others are what methods are tried on. Weights are whole numbers and quantities
decimals, so that sums are the same in any order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retail_assets.demand.catalog import HORIZON
from retail_assets.resources.sql import decimal, number

YEAR = 52
ORIGINS = (4, 8, 13, 26)
"""Weeks before now from which methods are tried: what came then is known by now."""
MILLION = 1_000_000


@dataclass(frozen=True)
class Smoothing:
    """An exponentially weighted mean of the weeks' rates, missing days left out."""

    column: str
    share: float
    """By how much less a week weighs than the one after it."""

    @property
    def weight(self) -> str:
        """A week's weight by its age in weeks, `weeks`, in millionths."""
        return (
            f"cast(floor({number(MILLION)} * power({number(1 - self.share)}, weeks) + {number(0.5)})"
            " as bigint)"
        )


SMOOTHINGS = (Smoothing("slow", 0.05), Smoothing("medium", 0.15), Smoothing("fast", 0.4))
SIZE, CHANCE = SMOOTHINGS[0], SMOOTHINGS[1]
"""Of the method for intermittent demand: pieces of a week with any, and the share of weeks with any."""
DEFAULT = SMOOTHINGS[1]
NAIVE, INTERMITTENT, BOOSTING = "seasonal naive", "intermittent", "boosting"
LEVELS = (*(each.column for each in SMOOTHINGS), INTERMITTENT)
"""Columns of the levels."""


@dataclass(frozen=True)
class Method:
    """A way to forecast: a column of the levels, and the season that it is multiplied by, if any."""

    name: str
    column: str
    season: Smoothing | None = None

    @property
    def mean(self) -> str:
        """The forecast of a whole week as SQL, over tables `levels`, `seasons`, `naive` and `boosted`."""
        if self.column in ("naive", "boosted"):
            return f"{self.column}.{self.column}"
        return f"levels.{self.column}" + (f" * seasons.{self.season.column}" if self.season else "")


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        *(Method(f"smoothing {each.share}", each.column) for each in SMOOTHINGS),
        *(Method(f"seasonal smoothing {each.share}", each.column, each) for each in SMOOTHINGS),
        Method(INTERMITTENT, INTERMITTENT),
        Method(BOOSTING, "boosted"),
        Method(NAIVE, "naive"),
    )
}


def levels_of(history: str, origins: Sequence[int]) -> str:
    """A query: origin, series, category, last_age, and the level of each smoothing in pieces a week.

    A series begins with its category's level, which weighs as much as half a week, and less with every week
    that is known of itself.
    """
    return f"""
    with origins as ({_values("origin", origins)}),

    known as (

        select origins.origin, history.*, history.age - origins.origin as weeks
        from {history} as history
        inner join origins on history.age >= origins.origin

    ),

    weighed as (

        select
            origin,
            series,
            category,
            min(age) as last_age,
            cast(sum(days) as double) / 7 as whole_weeks,
            {_lines(_sums())}
        from known
        group by origin, series, category

    ),

    categories as (

        select
            origin,
            category,
            {
        _lines(
            f"{_ratio(f'sum({each.column}_pieces)', f'sum({each.column}_days)')} as {each.column}"
            for each in SMOOTHINGS
        )
    }
        from weighed
        group by origin, category

    ),

    levels as (

        select
            weighed.origin,
            weighed.series,
            weighed.category,
            weighed.last_age,
            {_lines(f"{_level(each)} as {each.column}" for each in SMOOTHINGS)},
            {_ratio(f"weighed.{CHANCE.column}_days_with", f"weighed.{CHANCE.column}_days")}
            * {
        _ratio(f"weighed.{SIZE.column}_pieces", f"weighed.{SIZE.column}_days_with")
    } / 7 as intermittent
        from weighed
        inner join categories
            on weighed.origin = categories.origin and weighed.category = categories.category

    )

    select
        origin,
        series,
        category,
        last_age,
        {_lines(f"{decimal(f'coalesce({name}, 0)', 38)} as {name}" for name in LEVELS)}
    from levels"""


def _sums() -> Iterator[str]:
    for each in SMOOTHINGS:
        yield f"sum({each.weight} * quantity) as {each.column}_pieces"
        yield f"sum({each.weight} * days) as {each.column}_days"
    for each in (SIZE, CHANCE):
        yield f"sum(case when quantity > 0 then {each.weight} * days else 0 end) as {each.column}_days_with"


def _ratio(pieces: str, days: str) -> str:
    """Pieces a week; null without days."""
    return f"7 * cast({pieces} as double) / nullif(cast({days} as double), 0)"


def _level(each: Smoothing) -> str:
    """The mean with its category's, which weighs `begin` weeks."""
    begin = f"{number(MILLION / 2)} * power({number(1 - each.share)}, weighed.whole_weeks)"
    return (
        f"7 * (cast(weighed.{each.column}_pieces as double)"
        f" + {begin} * coalesce(categories.{each.column}, 0))"
        f" / nullif(cast(weighed.{each.column}_days as double) + 7 * {begin}, 0)"
    )


def naive_of(history: str, levels: str) -> str:
    """A query: origin, series, weeks_ahead and what seasonal naive says of each week ahead.

    Of the same week a year before, or of the last known one before that, or of the newest.
    """
    rate = "7 * cast({0}.quantity as double) / {0}.days".format
    return f"""
    with years_before as (

        select
            series,
            age,
            {rate("history")} as rate,
            lag(age) over (partition by series order by age) as newer
        from {history} as history

    )

    select
        levels.origin,
        levels.series,
        ahead.weeks_ahead,
        {decimal(f"coalesce(years_before.rate, {rate('newest')})", 38)} as naive
    from {levels} as levels
    cross join ({_values("weeks_ahead", range(1, HORIZON + 1))}) as ahead
    inner join {history} as newest on levels.series = newest.series and levels.last_age = newest.age
    left join years_before
        on levels.series = years_before.series
        and years_before.age >= levels.origin - ahead.weeks_ahead + {YEAR}
        and coalesce(years_before.newer, -1) < levels.origin - ahead.weeks_ahead + {YEAR}
        and years_before.age >= {YEAR - HORIZON}
    where levels.origin = 0 or ahead.weeks_ahead <= levels.origin"""


def _values(name: str, values: Sequence[int]) -> str:
    return " union all ".join(f"select {value} as {name}" for value in values)


def _lines(parts: Iterator[str] | list[str]) -> str:
    return ",\n        ".join(parts)
