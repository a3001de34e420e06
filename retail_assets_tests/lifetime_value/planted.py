"""Customers whose habits are known, in a warehouse of their own: the models must find the habits again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from retail_assets.lifetime_value.bgnbd import Counts, Purchasing
from retail_assets.lifetime_value.catalog import COLUMNS, table
from retail_assets.lifetime_value.gamma_gamma import Spending
from retail_assets.lifetime_value.weekly import Week, run_week
from retail_assets.resources.sessions import DuckDBSession

FIRST_DAY = date(2022, 1, 3)
HABITS = Purchasing(r=0.8, alpha=10.0, a=0.9, b=3.0)
MARGINS = Spending(p=6.0, q=4.0, v=15.0)


def lives(
    customers: int, days: int, seed: int, habits: Purchasing = HABITS, margins: Spending = MARGINS
) -> pd.DataFrame:
    """Purchases of customers who begin on any of the `days`, a row each: customer, time in days, margin."""
    draws = np.random.default_rng(seed)
    rate = draws.gamma(habits.r, 1 / habits.alpha, customers) / 7
    stops = draws.beta(habits.a, habits.b, customers)
    begins = np.floor(draws.uniform(0, days, customers))
    alive, at, rows = np.arange(customers), begins.copy(), [(np.arange(customers), begins)]
    while len(alive):
        at[alive] += draws.exponential(1 / rate[alive])
        alive = alive[at[alive] < days]
        rows.append((alive, at[alive]))
        alive = alive[draws.random(len(alive)) >= stops[alive]]
    frame = pd.DataFrame(
        {"customer": np.concatenate([each for each, _ in rows]), "at": np.concatenate([at for _, at in rows])}
    )
    scale = draws.gamma(margins.q, 1 / margins.v, customers)
    frame["margin"] = np.round(draws.gamma(margins.p, 1 / scale[frame.customer.to_numpy()]), 2)
    return frame


def counts(purchases: pd.DataFrame, days: float) -> Counts:
    """The triples at the end of the days, in weeks; times are as exact as they were drawn."""
    each = purchases.groupby("customer")["at"].agg(["min", "max", "count"])
    return Counts(
        (each["count"] - 1).to_numpy(np.float64),
        ((each["max"] - each["min"]) / 7).to_numpy(),
        ((days - each["min"]) / 7).to_numpy(),
        np.ones(len(each)),
    )


def monday(week: int) -> str:
    """The Monday of a week, by its number."""
    return str(FIRST_DAY + timedelta(weeks=week))


@dataclass(frozen=True)
class Cohort:
    """Purchases of the customers of a population that came through a channel."""

    purchases: pd.DataFrame
    population: str = "person"
    channel: str = "online"


class Warehouse:
    """A warehouse that has the purchases of some cohorts, and the weeks that were asked for."""

    weeks: Sequence[Week] = ()
    """Where a fixture keeps what its run made."""

    def __init__(self, cohorts: Sequence[Cohort]):
        self.connection = duckdb.connect()
        self.execute = DuckDBSession(self.connection)
        rows = [
            each.purchases.assign(
                consumer_key=f"{each.population} {each.channel} " + each.purchases.customer.astype(str),
                population=each.population,
                first_channel=each.channel,
                day=np.floor(each.purchases["at"]).astype(int),
            )
            for each in cohorts
        ]
        self.connection.register("given", pd.concat(rows))
        self.execute(
            "create table days as select consumer_key, population, first_channel, day,"
            " sum(cast(margin as decimal(18, 6))) as margin from given"
            " group by consumer_key, population, first_channel, day"
        )
        self.execute("create table purchases as select * from (" + _summary(0) + ") where false")

    def add(self, *weeks: int) -> None:
        """What is known at the end of these weeks: as the dbt model has it."""
        for week in weeks:
            self.execute(f"delete from purchases where week_start = '{monday(week)}'")
            self.execute("insert into purchases " + _summary(week))

    def run(self, *weeks: int) -> list[Week]:
        """Make values of these weeks, in this order."""
        return [run_week(self.execute, monday(week), "purchases") for week in weeks]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        return {name: list(self.execute(f"select * from {table(name)} order by all")) for name in COLUMNS}

    def one(self, statement: str) -> tuple[Any, ...]:
        """The only row of a query."""
        (row,) = self.execute(statement)
        return row


def _summary(week: int) -> str:
    end = 7 * week + 7
    return f"""
    with until as (
        select *, min(day) over (partition by consumer_key) as first_day from days where day < {end}
    )
    select
        cast('{monday(week)}' as date) as week_start,
        consumer_key,
        population,
        first_channel,
        date '{FIRST_DAY}' + cast(first_day as integer) as first_purchase_date,
        date '{FIRST_DAY}' + cast(max(day) as integer) as last_purchase_date,
        cast(count(*) as integer) as purchases,
        cast(max(day) - first_day as integer) as first_to_last_days,
        cast({end} - first_day as integer) as age_days,
        cast(sum(margin) * 2 as decimal(38, 6)) as revenue_to_date,
        cast(sum(margin) as decimal(38, 6)) as margin_to_date,
        cast(count(case when day > first_day then margin end) as integer) as later_purchases_of_known_margin,
        cast(sum(case when day > first_day then margin end) as decimal(38, 6)) as later_margin,
        cast(count(case when day >= {end - 91} then 1 end) as integer) as purchases_last_13_weeks,
        cast(coalesce(sum(case when day >= {end - 91} then margin end), 0) as decimal(38, 6))
            as margin_last_13_weeks
    from until
    group by consumer_key, population, first_channel, first_day"""
