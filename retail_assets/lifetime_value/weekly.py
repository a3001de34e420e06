"""One week of lifetime values, from the purchases in the warehouse to its rows in three tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.lifetime_value.bgnbd import Purchasing
from retail_assets.lifetime_value.calibration import insert_calibration
from retail_assets.lifetime_value.catalog import (
    ALL,
    CALIBRATION,
    MODELS,
    PURCHASES,
    RECORD,
    SCHEMA,
    TABLES,
    table,
)
from retail_assets.lifetime_value.customers import Customers, Group, read_customers
from retail_assets.lifetime_value.gamma_gamma import Spending
from retail_assets.lifetime_value.model import Fitted, fitted
from retail_assets.lifetime_value.scoring import insert_values, scores
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday
from retail_assets.resources.warehouse import transaction
from retail_assets.resources.weekly_tables import weeks_later


@dataclass(frozen=True)
class Week:
    """What came of a week: of each group what was fitted, and whose parameters it has."""

    week: str
    groups: Mapping[Group, Fitted]
    purchases_from: Mapping[Group, str | None]
    margins_from: Mapping[Group, str | None]
    rows: Sequence[Mapping[str, Any]]

    def purchasing(self, group: Group) -> Purchasing | None:
        """The parameters of a group's purchases, its own or its population's."""
        source = self.purchases_from[group]
        return self.groups[group[0], source].purchasing if source else None

    def spending(self, group: Group) -> Spending | None:
        """The parameters of a group's margins, its own or its population's."""
        source = self.margins_from[group]
        return self.groups[group[0], source].spending if source else None


def run_week(session: Session, week: str, purchases: str = PURCHASES) -> Week:
    """Fit and score a week and replace its rows, all of them in one transaction.

    Values depend on the week's purchases alone. The record of 13 weeks later depends on these values and the
    purchases of then: it is made with whichever comes last, so that weeks give the same rows in any order.
    """
    TABLES.create(session)
    customers = read_customers(session, week, purchases)
    found = _fit(week, customers)
    cohorts = list(customers.triples)
    scored = scores(customers, {group: found.purchasing(group) for group in cohorts})
    later = weeks_later(week, RECORD)
    with session.holding(f"{SCHEMA}.scores", scored) as held, transaction(session):
        TABLES.delete_week(session, week)
        session(f"delete from {table(CALIBRATION)} where week_start = {monday(later)}")
        TABLES.insert_rows(session, MODELS, found.rows)
        session(insert_values(week, purchases, held, {group: found.spending(group) for group in cohorts}))
        for each in (week, later):
            if _has(session, purchases, each):
                session(insert_calibration(each, purchases))
    return found


def _has(session: Session, table_name: str, week: str) -> bool:
    return bool(session(f"select 1 from {table_name} where week_start = {monday(week)} limit 1"))


def _fit(week: str, customers: Customers) -> Week:
    """Each cohort by itself; what is too small for that has the parameters of its whole population."""
    groups = {
        group: fitted(customers.counts(group), customers.margins_of(group)) for group in customers.triples
    }
    for population in sorted({population for population, _ in groups}):
        members = [group for group in groups if group[0] == population]
        lacking = any(not groups[each].purchasing or not groups[each].spending for each in members)
        if lacking and len(members) > 1:
            groups[population, ALL] = fitted(customers.counts(*members), customers.margins_of(*members))
    purchases_from = {group: _source(groups, group, "purchasing") for group in groups}
    margins_from = {group: _source(groups, group, "spending") for group in groups}
    rows = list(_rows(week, groups, purchases_from, margins_from))
    return Week(week, groups, purchases_from, margins_from, rows)


def _source(groups: Mapping[Group, Fitted], group: Group, parameters: str) -> str | None:
    population, cohort = group
    for each in (cohort, ALL):
        if (population, each) in groups and getattr(groups[population, each], parameters):
            return each
    return None


def _rows(
    week: str,
    groups: Mapping[Group, Fitted],
    purchases_from: Mapping[Group, str | None],
    margins_from: Mapping[Group, str | None],
) -> Iterator[Mapping[str, Any]]:
    for group, each in groups.items():
        yield {
            "week_start": week,
            "population": group[0],
            "cohort": group[1],
            "customers": each.customers,
            "repeaters": each.repeaters,
            "purchases_from": purchases_from[group],
            "margins_from": margins_from[group],
            "reason": " ".join(each.reasons) or None,
            "log_likelihood": each.log_likelihood,
            "margin_correlation": each.correlation,
            "model": each.to_json(),
        }
