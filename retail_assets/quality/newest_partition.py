"""Whether every asset has its newest partition, once that is due.

Dagster's freshness looks at when an asset was last materialized, so that a backfill of an old day makes a
stale asset look fresh. These checks ask for the newest partition itself: at the end of every run, of the
assets that it made, and every morning of all, when everything should be there (automation/schedules.py).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from retail_assets.freshness import DUE_AFTER
from retail_assets.internals import AssetCheckEvaluationTargetMaterializationData

CHECK_NAME = "newest_partition"


def newest_partition_checks(assets: Iterable[dg.AssetsDefinition]) -> dg.AssetChecksDefinition:
    """One check for each partitioned asset, all evaluated by one step."""
    partitions = {
        spec.key: spec.partitions_def
        for definition in assets
        for spec in definition.specs
        if isinstance(spec.partitions_def, dg.TimeWindowPartitionsDefinition)
    }

    specs = {
        key: dg.AssetCheckSpec(
            CHECK_NAME,
            asset=key,
            description="The newest partition whose deadline is over is materialized.",
        )
        for key in partitions
    }

    @dg.multi_asset_check(name="newest_partition_checks", specs=list(specs.values()), can_subset=True)
    def newest_partition(
        context: dg.AssetCheckExecutionContext,
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
        keys = sorted(check.asset_key for check in context.selected_asset_check_keys)
        now = datetime.now(UTC)
        newest = {definition: newest_due(definition, now) for definition in set(partitions.values())}
        records = {
            record.asset_entry.asset_key: record for record in context.instance.get_asset_records(keys)
        }
        for key in keys:
            last = records[key].asset_entry.last_materialization_record if key in records else None
            yield _evaluation(context.instance, key, newest[partitions[key]], last)
            yield dg.Output(None, specs[key].get_python_identifier())

    return newest_partition


def newest_due(definition: dg.TimeWindowPartitionsDefinition, now: datetime) -> str | None:
    """The newest partition that has to be there: between midnight and the deadlines, the one before it.

    None before the first is due.
    """
    # The hours are the clock's, also in the night in which it changes.
    due_since = now.astimezone(ZoneInfo(definition.timezone)) - DUE_AFTER
    return next(reversed(definition.get_partition_keys(due_since)), None)


def _evaluation(
    instance: dg.DagsterInstance, key: dg.AssetKey, newest: str | None, last: dg.EventLogRecord | None
) -> dg.AssetCheckEvaluation:
    """The verdict on one asset. Before the first partition is due there is nothing to ask for.

    `last` is what was materialized last, which after a nightly run is the newest partition. Dagster's own
    `AssetCheckResult` would read all partitions of each asset to find it again.
    """
    made_last = last.partition_key if last else None
    passed = newest is None or newest == made_last or _is_there(instance, key, newest)
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=CHECK_NAME,
        passed=passed,
        description=None if passed else _missing(instance, key, newest),
        metadata={"newest due": newest or "none", "materialized last": made_last or "none"},
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            storage_id=last.storage_id, run_id=last.run_id, timestamp=last.timestamp
        )
        if last
        else None,
    )


def _missing(instance: dg.DagsterInstance, key: dg.AssetKey, newest: str | None) -> str:
    latest = max(instance.get_materialized_partitions(key), default="none")
    return f"Partition {newest} is not there; the latest that is: {latest}."


def _is_there(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str) -> bool:
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition])
    return bool(instance.fetch_materializations(wanted, limit=1).records)
