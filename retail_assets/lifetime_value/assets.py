"""The weekly assets: parameters, customers' values and their record, made together by one step."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.freshness import freshness_by_name
from retail_assets.lifetime_value.catalog import (
    CALIBRATION,
    CHECKS,
    COLUMNS,
    MODELS,
    RECORD,
    SCHEMA,
    TABLES,
    VALUES,
)
from retail_assets.partitions import weekly_partitions
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Finding, check_results, column_schema

if TYPE_CHECKING:
    from retail_assets.lifetime_value.weekly import Week

PURCHASES = dg.AssetKey([SCHEMA, "customer_purchases"])
_MODEL, _VALUE, _RECORD = (dg.AssetKey([SCHEMA, name]) for name in (MODELS, VALUES, CALIBRATION))

_THEN = dg.TimeWindowPartitionMapping(start_offset=-RECORD, end_offset=-RECORD)
_DESCRIPTIONS: Mapping[dg.AssetKey, str] = {
    _MODEL: (
        "Grain: one week, population and cohort. The parameters of how often customers buy and until when"
        " (BG/NBD), and of what a purchase brings (Gamma-Gamma), fitted on everybody who has bought by the"
        " end of the week; and why there are none, where the data is too little."
    ),
    _VALUE: (
        "Grain: one week and consumer, for everybody who has bought by the end of the week. Purchases and"
        " margin expected in the next 4, 13 and 52 weeks with an interval, the probability of being alive,"
        " the risk of churn, and value to date, after returns. Whether to believe it: value_calibration."
    ),
    _RECORD: (
        "Grain: one week, population and decile of expected purchases. What was predicted 13 weeks before"
        " against what happened until the end of the week, beside the plainest forecast, each customer's own"
        " rate."
    ),
}


def lifetime_value_assets(settings: Settings) -> dg.AssetsDefinition:
    """Parameters, values and record. A range of weeks is one run, which takes them in their order."""

    @dg.multi_asset(
        name="lifetime_value",
        specs=list(_specs(settings)),
        check_specs=[
            dg.AssetCheckSpec(name, asset=dg.AssetKey([SCHEMA, table]), description=description)
            for name, (table, _, description) in CHECKS.items()
        ],
        partitions_def=weekly_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60),
        pool="warehouse",
    )
    def lifetime_value(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        from retail_assets.lifetime_value.checks import findings
        from retail_assets.lifetime_value.weekly import run_week

        found: dict[str, list[tuple[str, Finding]]] = defaultdict(list)
        with warehouse.writing(say=context.log.info):
            with warehouse.session() as session:
                for key in context.partition_keys:
                    week = run_week(session, key)
                    judged = list(findings(session, week))
                    for finding in judged:
                        found[finding.check].append((key, finding))
                    for asset, metadata in _metadata(week, judged).items():
                        context.add_asset_metadata(metadata, asset_key=asset, partition_key=key)
                rows = TABLES.count_rows(session)
                texts = {key.path[-1]: text for key, text in _DESCRIPTIONS.items()}
                warehouse.comment(list(TABLES.described(texts)), session)
            warehouse.publish()
        for asset in _DESCRIPTIONS:
            yield dg.MaterializeResult(asset_key=asset, metadata={"dagster/row_count": rows[asset.path[-1]]})
        assets = {name: dg.AssetKey([SCHEMA, table]) for name, (table, _, _) in CHECKS.items()}
        yield from check_results(found, assets, {name: severity for name, (_, severity, _) in CHECKS.items()})

    return lifetime_value


def _specs(settings: Settings) -> Iterator[dg.AssetSpec]:
    dependencies: dict[dg.AssetKey, list[dg.AssetKey | dg.AssetDep]] = {
        _MODEL: [PURCHASES],
        _VALUE: [PURCHASES, _MODEL],
        _RECORD: [PURCHASES, dg.AssetDep(_VALUE, partition_mapping=_THEN)],
    }
    for key, description in _DESCRIPTIONS.items():
        yield dg.AssetSpec(
            key,
            deps=dependencies[key],
            description=description,
            group_name="lifetime_value",
            kinds={"python", "scipy", settings.warehouse},
            owners=["team:data-science"],
            freshness_policy=freshness_by_name(settings)["weekly_segments"],
            metadata={"dagster/column_schema": column_schema(COLUMNS[key.path[-1]])},
        )


def _metadata(week: "Week", judged: list[Finding]) -> Mapping[dg.AssetKey, dict[str, Any]]:
    """What the UI shows of a week's materialization."""
    said = {finding.check: finding.text for finding in judged}
    parameters = {
        f"{population}, {cohort}": str(each.purchasing or " ".join(each.reasons))
        for (population, cohort), each in week.groups.items()
    }
    customers = sum(each.customers for (_, cohort), each in week.groups.items() if cohort != "all")
    return {
        _MODEL: {"dagster/partition_row_count": len(week.rows), **parameters},
        _VALUE: {"dagster/partition_row_count": customers, "record": said["beats_own_rate"]},
        _RECORD: {"verdict": said["beats_own_rate"], "purchases": said["calibrated"]},
    }
