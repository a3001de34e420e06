"""The weekly assets: how demand answers to prices, and whether offers pay, made by one step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from retail_assets.prices.catalog import (
    CALENDAR,
    CHECKS,
    ELASTICITIES,
    KINDS,
    MODELS,
    OF_OFFERS,
    PLAN,
    RECORD,
    SCHEMA,
    TABLES,
)
from retail_assets.resources.sessions import Session
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Dependencies, Finding, Metadata, weekly_step

if TYPE_CHECKING:
    from retail_assets.prices.weekly import Week

SOLD = dg.AssetKey(["warehouse", "wh_fact_product_days"])
"""What was sold by day, with what it brought: a dbt model."""
CALENDAR_KEY = dg.AssetKey(CALENDAR.split("."))
ELASTICITY_KEY = dg.AssetKey([SCHEMA, ELASTICITIES])
_PRODUCTS = dg.AssetKey(["warehouse", "wh_dim_product"])
LONGEST = 26
"""Weeks between an offer's plan and its record; a longer offer has one too."""
_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-LONGEST, end_offset=-1)
_DESCRIPTIONS: Mapping[str, str] = {
    ELASTICITIES: (
        "Grain: one week and product, category, or everything, as of the end of the week. By how many percent"
        " pieces change if the price changes by one, with a 95% interval, over 104 weeks; and how much the"
        " price moved at all. Where it never moved, or too little is sold, the status says so and there is no"
        " estimate. Of prices outside those seen nothing is said. It is made every week and not every month,"
        " like everything that looks back: the run on Mondays makes it, and a month ends with one of its"
        " weeks. Whether to believe it where it is used: offer_plan_record."
    ),
    MODELS: (
        "Grain: one week. What the elasticities of the week were made with: settings, the slope that all"
        " products have in common, fingerprint of the data and versions."
    ),
    KINDS: (
        "Grain: one week and sales channel with offers. What its settled offers tell of the next: their mean,"
        " and what they did for what they took off; which of the two was nearer on the past, and is used."
    ),
    PLAN: (
        "Grain: one week and offer that was known by its end. Whether a past or running one paid, in margin"
        " and in words; of one ahead, the pieces, discount and margin to be expected, with intervals, or why"
        " nothing can be. Whether to believe it: offer_plan_record."
    ),
    RECORD: (
        "Grain: one week and offer that was settled in it (21 days after its last). What was expected in the"
        " last week before it began against what happened, beside the mean of past offers."
    ),
}


def price_assets(settings: Settings, present: frozenset[dg.AssetKey]) -> dg.AssetsDefinition:
    """Elasticities, and the plan of offers if `present`, the tables that are built, has their calendar."""
    made = _DESCRIPTIONS.keys() - (frozenset() if CALENDAR_KEY in present else OF_OFFERS)
    of_offers = [CALENDAR_KEY, SOLD, _PRODUCTS, ELASTICITY_KEY]
    dependencies: dict[str, Dependencies] = {
        ELASTICITIES: [SOLD, _PRODUCTS],
        MODELS: [SOLD, _PRODUCTS],
        KINDS: [CALENDAR_KEY],
        PLAN: of_offers,
        RECORD: [CALENDAR_KEY, dg.AssetDep([SCHEMA, PLAN], partition_mapping=_BEFORE)],
    }
    return weekly_step(
        settings,
        "prices",
        TABLES,
        library="numpy",
        descriptions={name: text for name, text in _DESCRIPTIONS.items() if name in made},
        dependencies=dependencies,
        checks={name: check for name, check in CHECKS.items() if check.table in made},
        make_week=_make_week,
    )


def _make_week(_: dg.AssetExecutionContext, session: Session, key: str) -> tuple[list[Finding], Metadata]:
    from retail_assets.prices.checks import findings
    from retail_assets.prices.weekly import run_week

    week = run_week(session, key)
    judged = list(findings(session, week))
    return judged, _metadata(week, judged)


def _metadata(week: "Week", judged: list[Finding]) -> Metadata:
    """What the UI shows of a week's materialization."""
    said = {finding.check: finding.text for finding in judged}
    of_offers = {
        KINDS: {"methods": said["methods_are_told"]},
        PLAN: {"verdicts": said["every_offer_is_told"]},
        RECORD: {"verdict": said["plans_are_near"], "intervals": said["intervals_hold"]},
    } if week.plan else {}  # fmt: skip
    return {
        ELASTICITIES: {"products": week.products, **week.statuses, "sense": said["dearer_sells_less"]},
        MODELS: {"settings": said["settings_are_told"]},
        **of_offers,
    }
