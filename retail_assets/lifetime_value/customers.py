"""What the warehouse knows of a week's customers, counted: the data that parameters are fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from retail_assets.lifetime_value.bgnbd import Counts
from retail_assets.lifetime_value.model import Margins
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday

DAYS_A_WEEK = 7.0

Group = tuple[str, str]
"""A population and a cohort of it."""


@dataclass(frozen=True)
class Customers:
    """Everybody who has bought, by group; triples are in days as the warehouse has them."""

    triples: Mapping[Group, Mapping[str, np.ndarray]]
    margins: Mapping[Group, Margins]

    def counts(self, *groups: Group) -> Counts:
        """The customers of these groups together, by triple, in weeks."""
        parts = [self.triples[group] for group in groups]
        frequency, recency, age, customers = (
            np.concatenate([part[name] for part in parts])
            for name in ("frequency", "recency", "age", "customers")
        )
        return Counts(frequency, recency / DAYS_A_WEEK, age / DAYS_A_WEEK, customers)

    def margins_of(self, *groups: Group) -> Margins:
        """Their margins."""
        parts = [self.margins[group] for group in groups if group in self.margins]
        if not parts:
            return Margins(np.zeros(0), np.zeros(0))
        return Margins(
            np.concatenate([part.purchases for part in parts]), np.concatenate([part.total for part in parts])
        )


def read_customers(session: Session, week: str, purchases: str) -> Customers:
    """The week's customers. The same rows give the same arrays, whatever their order was."""
    triples = session.read(
        "select population, first_channel as cohort, purchases - 1 as frequency,"
        " first_to_last_days as recency, age_days as age, count(*) as customers"
        f" from {purchases} where week_start = {monday(week)}"
        " group by population, first_channel, purchases, first_to_last_days, age_days"
        " order by population, first_channel, purchases, first_to_last_days, age_days"
    )
    margins = session.read(
        "select population, first_channel as cohort,"
        " later_purchases_of_known_margin as purchases, cast(later_margin as double) as total"
        f" from {purchases} where week_start = {monday(week)} and later_purchases_of_known_margin > 0"
        " order by population, first_channel, later_purchases_of_known_margin, later_margin"
    )
    return Customers(
        triples=_by_group(triples),
        margins={
            group: Margins(columns["purchases"], columns["total"])
            for group, columns in _by_group(margins).items()
        },
    )


def _by_group(rows: pa.Table) -> dict[Group, dict[str, np.ndarray]]:
    """The numbers of each group; rows are in the order of groups."""
    found: dict[Group, dict[str, np.ndarray]] = {}
    sizes = rows.group_by(["population", "cohort"], use_threads=False).aggregate([([], "count_all")])
    first = 0
    for size in sizes.to_pylist():
        part = rows.slice(first, size["count_all"])
        found[size["population"], size["cohort"]] = {
            name: part.column(name).to_numpy().astype(np.float64) for name in rows.column_names[2:]
        }
        first += size["count_all"]
    return found
