"""The weekly assets: what is recommended to whom, and its record, made together by one step."""

from collections.abc import Mapping

import dagster as dg

from retail_assets.recommendations.catalog import (
    AFFINITY,
    CHECKS,
    POPULARITY,
    QUALITY,
    RECOMMENDATIONS,
    RECORD,
    SCHEMA,
    SHORTAGES,
    TABLES,
)
from retail_assets.resources.sessions import Session
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Finding, Metadata, weekly_step

MODELS = tuple(dg.AssetKey(name.split(".")) for name in (AFFINITY, POPULARITY, SHORTAGES))
"""What recommendations are made of, beside the warehouse: dbt models."""
_WAREHOUSE = tuple(
    dg.AssetKey(["warehouse", name])
    for name in (
        "wh_fact_sales",
        "wh_fact_sales_returns",
        "wh_dim_consumer",
        "wh_dim_consumer_history",
        "wh_dim_location",
    )
)

_THEN = dg.TimeWindowPartitionMapping(start_offset=-RECORD, end_offset=-RECORD)
_DESCRIPTIONS: Mapping[str, str] = {
    RECOMMENDATIONS: (
        "Grain: one week, consumer, list and rank, for everybody known who has bought by the end of the"
        " week. What to buy again and what is new to them, ten products each at most, with the reason in"
        " words. Nothing that is discontinued, out of stock where the consumer is served, or was returned by"
        " them. Who opted out of marketing is marked. Whether to believe it: recommendation_quality."
    ),
    QUALITY: (
        "Grain: one week, list and method. What was recommended the week before against what was bought in"
        " the week: hit rate, recall and NDCG at 10, beside the plainest recommendation, what is popular."
    ),
}


def recommendation_assets(settings: Settings) -> dg.AssetsDefinition:
    """Lists and record."""
    return weekly_step(
        settings,
        "recommendations",
        TABLES,
        library="sql",
        descriptions=_DESCRIPTIONS,
        dependencies={
            RECOMMENDATIONS: [*MODELS, *_WAREHOUSE],
            QUALITY: [MODELS[1], dg.AssetDep([SCHEMA, RECOMMENDATIONS], partition_mapping=_THEN)],
        },
        checks=CHECKS,
        make_week=_make_week,
    )


def _make_week(_: dg.AssetExecutionContext, session: Session, key: str) -> tuple[list[Finding], Metadata]:
    from retail_assets.recommendations.checks import findings
    from retail_assets.recommendations.weekly import run_week

    week = run_week(session, key)
    judged = list(findings(session, week))
    said = {finding.check: finding.text for finding in judged}
    return judged, {
        RECOMMENDATIONS: {
            "buyers": week.buyers,
            "products": week.products,
            "record": said["beats_popularity"],
        },
        QUALITY: {"verdict": said["beats_popularity"]},
    }
