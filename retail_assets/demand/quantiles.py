"""Quantiles of a week's pieces: of a negative binomial about the mean, or of the product's own weeks.

The distribution has the variance m + s * m * m: chance, and a spread `s` that the category's errors had.
Its quantiles stand in a table by spread and by steps of the mean, so that the warehouse only joins them.
"""

from collections.abc import Sequence
from functools import cache
from math import ceil, log

import pyarrow as pa

from retail_assets.demand.catalog import QUANTILES
from retail_assets.demand.methods import SMOOTHINGS
from retail_assets.resources.sql import decimal, number

STEP = 0.02
"""Steps of the mean, as a part of it."""
LEAST, MOST = 0.001, 1e9
"""Means that stand in the table."""
SMOOTH = 1_000
"""From this mean on, quantiles are parts of the mean, of a gamma distribution: whole pieces tell no more."""
LEAST_SPREAD = 0.001
"""Less is chance alone."""
SPREAD_STEP = 1.05
OWN = SMOOTHINGS[0]
"""How weeks weigh in a product's own quantiles."""
OWN_WEEKS, FEWEST_OWN = 104, 26
"""Weeks that they are of, and how many must be known."""


def on_grid(spread: float) -> float:
    """The spread in steps of a twentieth, so that few distributions are asked for."""
    if spread < LEAST_SPREAD:
        return 0.0
    return round(LEAST_SPREAD * SPREAD_STEP ** round(log(spread / LEAST_SPREAD) / log(SPREAD_STEP)), 6)


def step_of(spread: str) -> str:
    """The step of a spread on the grid, as SQL; -1 for chance alone."""
    return (
        f"case when {spread} < {number(LEAST_SPREAD)} then -1 else cast(floor(ln({spread}"
        f" / {number(LEAST_SPREAD)}) / {number(log(SPREAD_STEP))} + {number(0.5)}) as integer) end"
    )


def bucket(mean: str) -> str:
    """The step of a mean, as SQL."""
    bounded = f"least(greatest({mean}, {number(LEAST)}), {number(MOST)})"
    return f"cast(floor(ln({bounded} / {number(LEAST)}) / {number(STEP)} + {number(0.5)}) as integer)"


def negative_binomial(spreads: Sequence[float]) -> pa.Table:
    """spread, bucket, is_part (1: of the mean), and a column for each quantile."""
    return pa.concat_tables([_of_spread(spread) for spread in sorted(set(spreads))])


@cache
def _of_spread(spread: float) -> pa.Table:
    import numpy as np
    from scipy import stats

    buckets = np.arange(ceil(log(MOST / LEAST) / STEP) + 1)
    means = LEAST * np.exp(buckets * STEP)
    few, many = means[means < SMOOTH], means[means >= SMOOTH]
    columns = {
        "spread": np.full(len(buckets), spread),
        "bucket": buckets,
        "is_part": (means >= SMOOTH).astype(int),
    }
    for quantile in QUANTILES:
        if spread > 0:
            size = 1 / spread
            counts = stats.nbinom.ppf(quantile, size, size / (size + few))
            parts = np.full(len(many), stats.gamma.ppf(quantile, size, scale=spread))
        else:
            counts, parts = stats.poisson.ppf(quantile, few), stats.gamma.ppf(quantile, many) / many
        columns[name(quantile)] = np.round(np.concatenate([counts, parts]), 6)
    return pa.table(columns)


def quantiles_at(steps: Sequence[int], buckets: Sequence[int], quantile: float) -> pa.Table:
    """spread_step, bucket, is_part and the quantile at these steps of spread and mean alone."""
    import numpy as np
    from scipy import stats

    means = LEAST * np.exp(np.asarray(buckets, float) * STEP)
    known = np.asarray(steps, float)
    spreads = LEAST_SPREAD * SPREAD_STEP ** np.maximum(known, 0)
    size, is_part, is_chance = 1 / spreads, means >= SMOOTH, known < 0
    found = np.select(
        [is_part & is_chance, is_part, is_chance],
        [
            stats.gamma.ppf(quantile, means) / means,
            stats.gamma.ppf(quantile, size, scale=spreads),
            stats.poisson.ppf(quantile, np.minimum(means, SMOOTH)),
        ],
        stats.nbinom.ppf(quantile, size, size / (size + np.minimum(means, SMOOTH))),
    )
    return pa.table(
        {
            "spread_step": pa.array(steps, pa.int64()),
            "bucket": pa.array(buckets, pa.int64()),
            "is_part": is_part.astype(int),
            "quantile": np.round(found, 6),
        }
    )


def name(quantile: float) -> str:
    """A quantile's column here."""
    return f"q{quantile * 100:.0f}"


def own_of(history: str) -> str:
    """A query: series, and the quantiles of its own weeks' rates, newer ones weighing more."""
    columns = ",\n        ".join(
        f"min(case when cumulated >= {number(quantile)} * total then rate end) as {name(quantile)}"
        for quantile in QUANTILES
    )
    return f"""
    with known as (

        select series, age as weeks, days, 7 * cast(quantity as double) / days as rate
        from {history}
        where age < {OWN_WEEKS}

    ),

    weighed as (select series, {decimal("rate", 38)} as rate, {OWN.weight} * days as weight from known),

    ordered as (

        select
            series,
            rate,
            cast(sum(weight) over (partition by series order by rate) as double) as cumulated,
            cast(sum(weight) over (partition by series) as double) as total,
            count(*) over (partition by series) as weeks
        from weighed

    )

    select
        series,
        {columns}
    from ordered
    where weeks >= {FEWEST_OWN}
    group by series"""
