"""The weekly assets: what will be asked for, how that is known, and its record, made together by one step."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from retail_assets.demand.catalog import (
    ACCURACY,
    CHECKS,
    FORECASTS,
    HORIZON,
    MODELS,
    REPLAY,
    SCHEMA,
    SERIES,
    TABLES,
)
from retail_assets.demand.history import DEMAND, SALES
from retail_assets.demand.plan_assets import ORDERS_KEY, STOCK_KEY
from retail_assets.resources.sessions import Session
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Finding, Metadata, weekly_step

if TYPE_CHECKING:
    from retail_assets.demand.weekly import Week

SERIES_KEY = dg.AssetKey(SERIES.split("."))
"""What there is to be forecast: a dbt model."""
_WAREHOUSE = tuple(dg.AssetKey(name.split(".")) for name in (DEMAND, SALES))

_THEN = dg.TimeWindowPartitionMapping(start_offset=-HORIZON, end_offset=-1)
_DESCRIPTIONS: Mapping[str, str] = {
    FORECASTS: (
        "Grain: one week, product, distribution center and week ahead, 1 to 13, as of the end of the week."
        " Pieces that will be asked for: the mean, and what suffices in 50, 90 and 95 of 100 such weeks. Days"
        " without stock are missing, not zero. Whether to believe it: forecast_accuracy."
    ),
    MODELS: (
        "Grain: one week and category. The method that the category is forecast with, chosen on its own past,"
        " and why. Where nothing is better than seasonal naive, it is that."
    ),
    ACCURACY: (
        "Grain: one week, category and weeks ahead. What was forecast so many weeks before against what left:"
        " WAPE, bias, MASE, pinball loss and coverage of the quantiles, beside seasonal naive."
    ),
    REPLAY: (
        "Grain: one week and distribution center, and all of them. What the plans of the 13 weeks that end"
        " with the week would have done, beside what was done: stock, its value, days out of stock, pieces"
        " missed."
    ),
}


def demand_assets(settings: Settings, present: frozenset[dg.AssetKey]) -> dg.AssetsDefinition:
    """Forecasts and their record. `present` has the tables that the deployment builds."""

    def make_week(_: dg.AssetExecutionContext, session: Session, key: str) -> tuple[list[Finding], Metadata]:
        from retail_assets.demand.weekly import run_week

        made = run_week(session, key)
        if STOCK_KEY in present:
            # The days that have run before their forecasts were there.
            from retail_assets.demand.plan import plan_days
            from retail_assets.demand.replay import replay_weeks

            monday = date.fromisoformat(key) + timedelta(weeks=1)
            plan_days(session, monday.isoformat(), (monday + timedelta(days=6)).isoformat())
            replay_weeks(session, key)
        return _judged(session, made)

    warehouse = [key for key in _WAREHOUSE if key in present]
    return weekly_step(
        settings,
        "demand",
        TABLES,
        library="sql",
        descriptions=_DESCRIPTIONS,
        dependencies={
            FORECASTS: [SERIES_KEY, *warehouse],
            MODELS: [SERIES_KEY, *warehouse],
            REPLAY: [*(key for key in (STOCK_KEY, ORDERS_KEY) if key in present)],
            ACCURACY: [SERIES_KEY, *warehouse, dg.AssetDep([SCHEMA, FORECASTS], partition_mapping=_THEN)],
        },
        checks=CHECKS,
        make_week=make_week,
    )


def _judged(session: Session, week: "Week") -> tuple[list[Finding], Metadata]:
    from retail_assets.demand.checks import findings

    judged = list(findings(session, week))
    said = {finding.check: finding.text for finding in judged}
    return judged, {
        FORECASTS: {"series": week.series, "record": said["beats_seasonal_naive"]},
        MODELS: {"methods": said["methods_are_told"]},
        ACCURACY: {"verdict": said["beats_seasonal_naive"], "coverage": said["quantiles_cover"]},
        REPLAY: {"verdict": said["plan_is_better"]},
    }
