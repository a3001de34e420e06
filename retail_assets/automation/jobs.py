"""The jobs: everything daily, everything weekly, and the check on the newest partitions."""

import dagster as dg

from retail_assets.internals import UnresolvedAssetJobDefinition
from retail_assets.partitions import daily_partitions, weekly_partitions
from retail_assets.settings import Settings

DAILY_JOB = "daily"
WEEKLY_JOB = "weekly"
NEWEST_PARTITION_JOB = "newest_partition"

_WEEKLY = dg.AssetSelection.groups(
    "segmentation", "lifetime_value", "recommendations", "demand", "prices",
    "reports", "weekly_dashboards", "weekly_extracts",
)  # fmt: skip


def daily_job(settings: Settings) -> UnresolvedAssetJobDefinition:
    """Every daily asset from raw to marts and all their checks, for one day or a range of days."""
    return dg.define_asset_job(
        DAILY_JOB,
        selection=dg.AssetSelection.all() - _WEEKLY,
        partitions_def=daily_partitions(settings),
        description="Raw to marts, with their checks, for one day or a range of days.",
    )


def weekly_job(settings: Settings) -> UnresolvedAssetJobDefinition:
    """Segments, lifetime values, recommendations, forecasts and prices, with their checks, week by week."""
    return dg.define_asset_job(
        WEEKLY_JOB,
        selection=_WEEKLY,
        partitions_def=weekly_partitions(settings),
        description=(
            "Customer segments, lifetime values, recommendations, forecasts of demand, prices and offers,"
            " with their checks, for one week or a range."
        ),
    )


def newest_partition_job(
    newest_partition: dg.AssetChecksDefinition,
) -> UnresolvedAssetJobDefinition:
    """The checks that every asset has its newest partition, to run when all deadlines are over."""
    return dg.define_asset_job(
        NEWEST_PARTITION_JOB,
        selection=dg.AssetSelection.checks(newest_partition),
        description="Whether every asset has its newest partition.",
    )
