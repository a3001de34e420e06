"""All tables of the CRM, and the wrong rows in it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from simulated_retailer.crm.consumers import Consumers, consumer_table
from simulated_retailer.crm.interactions import interaction_table, touchpoint_table
from simulated_retailer.crm.loyalty import activity_table, loyalty
from simulated_retailer.crm.schema import CRM
from simulated_retailer.engine.faults import Fault, Moved, Wrong, with_faults
from simulated_retailer.engine.timestamps import SECOND, Period
from simulated_retailer.population.people import People
from simulated_retailer.population.subscriptions import Subscriptions
from simulated_retailer.sales import Refunds, Sales

_WRONG: dict[str, tuple[str, Sequence[Wrong]]] = {
    "interactions": (
        "interaction_id",
        (
            Wrong("the interaction has no consumer", "consumer_id", None),
            Wrong("the satisfaction is not between 1 and 5", "satisfaction_score", 7),
            Wrong(
                "it was resolved before it happened", "resolved_at", Moved("interaction_at", -3600 * SECOND)
            ),
        ),
    ),
    "loyalty_activities": (
        "loyalty_activity_id",
        (
            Wrong("the points are negative", "points_earned", -50),
            Wrong("the activity has no consumer", "consumer_id", None),
            Wrong("the activity type is unknown", "activity_type", "gift"),
        ),
    ),
}


def crm_tables(
    period: Period,
    people: People,
    consumers: Consumers,
    subscribed: Subscriptions,
    sales: Sales,
    refunds: Refunds,
    seed: int,
) -> tuple[dict[str, pa.Table], list[Fault]]:
    """The versions of all of its tables, and the wrong rows among them."""
    activities = loyalty(period, people, consumers.of_person, sales, refunds, seed)
    tables = {
        "consumers": consumer_table(period, people, consumers, subscribed, activities, seed),
        "touchpoints": touchpoint_table(period),
        "interactions": interaction_table(period, people, consumers.of_person, sales, refunds, seed),
        "loyalty_activities": activity_table(period, activities, sales),
    }
    return with_faults(CRM, tables, _WRONG, seed)
