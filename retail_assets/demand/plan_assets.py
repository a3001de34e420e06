"""The daily asset: what to order, as of the end of each day."""

from datetime import date, timedelta

import dagster as dg

from retail_assets.demand.catalog import FORECASTS, SCHEMA
from retail_assets.demand.plan_catalog import PLAN, PLAN_CHECKS, PLAN_TABLES
from retail_assets.resources.sessions import Session
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Finding, Metadata, weekly_step

STOCK_KEY = dg.AssetKey(["warehouse", "wh_fact_inventory"])
"""Without stock there is nothing to plan."""
ORDERS_KEY = dg.AssetKey(["staging", "stg_purchase_orders"])
_MADE_OF = (
    STOCK_KEY,
    ORDERS_KEY,
    dg.AssetKey(["warehouse", "wh_product_identities"]),
    dg.AssetKey(["warehouse", "wh_dim_location"]),
)
_WEEK_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
_DESCRIPTION = (
    "Grain: one day, product and distribution center, as of the end of the day. How many pieces to order or"
    " to bring from another center, and why: from the forecasts of the week before, stock, open purchase"
    " orders and lead times as they were. A day that runs before these forecasts are there gets its plan with"
    " them."
)


def plan_assets(settings: Settings) -> dg.AssetsDefinition:
    """The plan."""
    return weekly_step(
        settings,
        "replenishment",
        PLAN_TABLES,
        library="sql",
        descriptions={PLAN: _DESCRIPTION},
        dependencies={PLAN: [*_MADE_OF, dg.AssetDep([SCHEMA, FORECASTS], partition_mapping=_WEEK_BEFORE)]},
        checks=PLAN_CHECKS,
        make_week=_make_day,
        partition="daily",
        freshness="marts",
    )


def _make_day(_: dg.AssetExecutionContext, session: Session, key: str) -> tuple[list[Finding], Metadata]:
    from retail_assets.demand.catalog import TABLES
    from retail_assets.demand.plan import plan_days
    from retail_assets.demand.plan_checks import plan_findings

    # The weekly step may not have run yet.
    TABLES.create(session)
    rows = plan_days(session, key, key)
    judged = list(plan_findings(session, key))
    return judged, {PLAN: {"planned": rows, "orders": judged[-1].text}} if rows else {}


def week_of_plan(session: Session, week: str) -> int:
    """Plan the days of a week anew, given by its Monday."""
    from retail_assets.demand.plan import plan_days

    return plan_days(session, week, (date.fromisoformat(week) + timedelta(days=6)).isoformat())
