"""Whether every asset has its newest partition.

Dagster's freshness looks at when an asset was last materialized, so that a backfill of an old day makes a
stale asset look fresh. These checks ask for the newest partition itself.
"""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

CHECK_NAME = "newest_partition"


def newest_partition_checks(assets: Iterable[dg.AssetsDefinition]) -> dg.AssetChecksDefinition:
    """One check for each partitioned asset, all evaluated by one step."""
    specs = [spec for definition in assets for spec in definition.specs if spec.partitions_def]
    partitions = {spec.key: spec.partitions_def for spec in specs}

    @dg.multi_asset_check(
        name="newest_partition_checks",
        specs=[
            dg.AssetCheckSpec(
                CHECK_NAME,
                asset=key,
                description="The newest partition of the partitions definition is materialized.",
            )
            for key in partitions
        ],
        can_subset=True,
    )
    def newest_partition(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for check in sorted(context.selected_asset_check_keys):
            definition = partitions[check.asset_key]
            assert definition is not None
            newest = definition.get_last_partition_key()
            yield result(
                check.asset_key,
                newest,
                context.instance.get_materialized_partitions(check.asset_key),
            )

    return newest_partition


def result(
    asset_key: dg.AssetKey, newest: str | None, materialized: Sequence[str] | set[str]
) -> dg.AssetCheckResult:
    """The verdict on one asset. Before the first day is over there is nothing to ask for."""
    there = newest is None or newest in materialized
    latest = max(materialized, default=None)
    return dg.AssetCheckResult(
        check_name=CHECK_NAME,
        asset_key=asset_key,
        passed=there,
        description=None
        if there
        else f"Partition {newest} is not there; the latest that is: {latest or 'none'}.",
        metadata={"newest": newest or "none", "latest_materialized": latest or "none"},
    )
