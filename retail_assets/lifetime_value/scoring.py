"""What is expected of each triple, computed once, and the statement that gives it to its consumers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from retail_assets.lifetime_value import bgnbd
from retail_assets.lifetime_value.bgnbd import Purchasing
from retail_assets.lifetime_value.catalog import COLUMNS, COVERAGE, HORIZONS, RECORD, VALUES, table
from retail_assets.lifetime_value.customers import Customers, Group
from retail_assets.lifetime_value.gamma_gamma import Spending
from retail_assets.resources.sql import decimal, monday, number, text

LOW_RISK, HIGH_RISK = 0.7, 0.3
"""Probability of a purchase in a year from which on the risk of churn is low, and below which it is high."""
_MILLION = 1_000_000


def scores(customers: Customers, purchasing: Mapping[Group, Purchasing | None]) -> pa.Table:
    """One row per triple of the groups that have parameters."""
    parts = [
        _scored(customers, group, parameters)
        for group, parameters in purchasing.items()
        if parameters is not None
    ]
    return pa.concat_tables(parts) if parts else _empty()


def _scored(customers: Customers, group: Group, parameters: Purchasing) -> pa.Table:
    triples, counts = customers.triples[group], customers.counts(group)
    columns = {
        "population": pa.array(np.full(len(counts.age), group[0])),
        "cohort": pa.array(np.full(len(counts.age), group[1])),
        **{name: pa.array(triples[name].astype(np.int64)) for name in ("frequency", "recency", "age")},
        "alive": pa.array(_rounded(bgnbd.alive_probability(parameters, counts))),
    }
    for weeks in HORIZONS:
        outlook = bgnbd.outlook(parameters, counts, weeks, COVERAGE)
        columns |= {
            f"expected_{weeks}": pa.array(_rounded(bgnbd.expected_purchases(parameters, counts, weeks))),
            f"low_{weeks}": pa.array(outlook.low),
            f"high_{weeks}": pa.array(outlook.high),
        }
        if weeks == max(HORIZONS):
            columns["any_purchase"] = pa.array(_rounded(outlook.any))
    return pa.table(columns)


def _empty() -> pa.Table:
    words = {name: pa.array([], pa.string()) for name in ("population", "cohort")}
    whole = [
        "frequency",
        "recency",
        "age",
        *(f"{end}_{weeks}" for weeks in HORIZONS for end in ("low", "high")),
    ]
    parts = ["alive", "any_purchase", *(f"expected_{weeks}" for weeks in HORIZONS)]
    return pa.table(
        words
        | {name: pa.array([], pa.int64()) for name in whole}
        | {name: pa.array([], pa.float64()) for name in parts}
    )


def _rounded(values: np.ndarray) -> np.ndarray:
    """To six digits, as the warehouse keeps them; -0.0 is 0."""
    return np.floor(values * _MILLION + 0.5) / _MILLION + 0.0


def insert_values(week: str, purchases: str, scored: str, spending: Mapping[Group, Spending | None]) -> str:
    """The statement that adds the week's rows of everybody who has bought."""
    columns = ", ".join(COLUMNS[VALUES])
    margin = "cast(expected_margin_per_order as double)"
    ahead = ",\n    ".join(_ahead(weeks, margin) for weeks in HORIZONS)
    return f"""insert into {table(VALUES)} ({columns})
with spending as (

    {_spending(spending)}

),

valued as (

    select
        purchases.*,
        scores.alive,
        scores.any_purchase,
        {", ".join(f"scores.expected_{w}, scores.low_{w}, scores.high_{w}" for w in HORIZONS)},
        {decimal(_margin_per_order(), 38)} as expected_margin_per_order,
        cast(purchases.purchases - 1 as double) * {RECORD * 7} / purchases.age_days as own_rate_orders,
        cast(purchases.later_margin as double)
            / nullif(purchases.later_purchases_of_known_margin, 0) as own_margin

    from {purchases} as purchases
    left join {scored} as scores
        on purchases.population = scores.population
        and purchases.first_channel = scores.cohort
        and purchases.purchases - 1 = scores.frequency
        and purchases.first_to_last_days = scores.recency
        and purchases.age_days = scores.age
    left join spending
        on purchases.population = spending.population
        and purchases.first_channel = spending.cohort
    where purchases.week_start = {monday(week)}

)

select
    week_start,
    consumer_key,
    population,
    first_channel,
    first_purchase_date,
    last_purchase_date,
    purchases,
    revenue_to_date,
    margin_to_date,
    {decimal("alive", 9)},
    {decimal("any_purchase", 9)},
    case
        when any_purchase is null then 'unknown'
        when any_purchase >= {number(LOW_RISK)} then 'low'
        when any_purchase < {number(HIGH_RISK)} then 'high'
        else 'medium'
    end,
    expected_margin_per_order,
    {ahead},
    {decimal("own_rate_orders", 18)},
    case when purchases = 1 then 0 else {decimal("own_rate_orders * own_margin", 38)} end
from valued"""


def _margin_per_order() -> str:
    """As `gamma_gamma.expected_mean`, of what is known of each consumer."""
    known = "cast(purchases.later_purchases_of_known_margin as double)"
    total = f"case when {known} > 0 then cast(purchases.later_margin as double) else {number(0)} end"
    return f"spending.p * (spending.v + {total}) / (spending.p * {known} + spending.q - {number(1)})"


def _ahead(weeks: int, margin: str) -> str:
    ends = f"low_{weeks} * {margin}", f"high_{weeks} * {margin}"
    return (
        f"{decimal(f'expected_{weeks}', 18)},\n    low_{weeks},\n    high_{weeks},"
        f"\n    {decimal(f'expected_{weeks} * {margin}', 38)},"
        f"\n    {decimal(f'least({ends[0]}, {ends[1]})', 38)},"
        f"\n    {decimal(f'greatest({ends[0]}, {ends[1]})', 38)}"
    )


def _spending(spending: Mapping[Group, Spending | None]) -> str:
    known: Sequence[tuple[Group, Spending]] = [
        (group, each) for group, each in spending.items() if each is not None
    ]
    if not known:
        nothing = ", ".join(f"cast(null as double) as {name}" for name in ("p", "q", "v"))
        return f"select cast(null as varchar) as population, cast(null as varchar) as cohort, {nothing}"
    return "\n    union all ".join(
        f"select {text(population)} as population, {text(cohort)} as cohort,"
        f" {number(each.p)} as p, {number(each.q)} as q, {number(each.v)} as v"
        for (population, cohort), each in known
    )
