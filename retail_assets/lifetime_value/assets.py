"""The weekly assets: parameters, customers' values and their record, made together by one step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from retail_assets.lifetime_value.catalog import CALIBRATION, CHECKS, MODELS, RECORD, SCHEMA, TABLES, VALUES
from retail_assets.resources.sessions import Session
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Finding, Metadata, weekly_step

if TYPE_CHECKING:
    from retail_assets.lifetime_value.weekly import Week

PURCHASES = dg.AssetKey([SCHEMA, "customer_purchases"])

_THEN = dg.TimeWindowPartitionMapping(start_offset=-RECORD, end_offset=-RECORD)
_DESCRIPTIONS: Mapping[str, str] = {
    MODELS: (
        "Grain: one week, population and cohort. The parameters of how often customers buy and until when"
        " (BG/NBD), and of what a purchase brings (Gamma-Gamma), fitted on everybody who has bought by the"
        " end of the week; and why there are none, where the data is too little."
    ),
    VALUES: (
        "Grain: one week and consumer, for everybody who has bought by the end of the week. Purchases and"
        " margin expected in the next 4, 13 and 52 weeks with an interval, the probability of being alive,"
        " the risk of churn, and value to date, after returns. Whether to believe it: value_calibration."
    ),
    CALIBRATION: (
        "Grain: one week, population and decile of expected purchases. What was predicted 13 weeks before"
        " against what happened until the end of the week, beside the plainest forecast, each customer's own"
        " rate."
    ),
}


def lifetime_value_assets(settings: Settings) -> dg.AssetsDefinition:
    """Parameters, values and record."""
    return weekly_step(
        settings,
        "lifetime_value",
        TABLES,
        library="scipy",
        descriptions=_DESCRIPTIONS,
        dependencies={
            MODELS: [PURCHASES],
            VALUES: [PURCHASES, dg.AssetKey([SCHEMA, MODELS])],
            CALIBRATION: [PURCHASES, dg.AssetDep([SCHEMA, VALUES], partition_mapping=_THEN)],
        },
        checks=CHECKS,
        make_week=_make_week,
    )


def _make_week(_: dg.AssetExecutionContext, session: Session, key: str) -> tuple[list[Finding], Metadata]:
    from retail_assets.lifetime_value.checks import findings
    from retail_assets.lifetime_value.weekly import run_week

    week = run_week(session, key)
    judged = list(findings(session, week))
    return judged, _metadata(week, judged)


def _metadata(week: "Week", judged: list[Finding]) -> Metadata:
    """What the UI shows of a week's materialization."""
    said = {finding.check: finding.text for finding in judged}
    parameters = {
        f"{population}, {cohort}": str(each.purchasing or " ".join(each.reasons))
        for (population, cohort), each in week.groups.items()
    }
    customers = sum(each.customers for (_, cohort), each in week.groups.items() if cohort != "all")
    return {
        MODELS: {"dagster/partition_row_count": len(week.rows), **parameters},
        VALUES: {"dagster/partition_row_count": customers, "record": said["beats_own_rate"]},
        CALIBRATION: {"verdict": said["beats_own_rate"], "purchases": said["calibrated"]},
    }
