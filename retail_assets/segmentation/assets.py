"""The weekly assets: model, segments and profiles, made together by one step, week after week."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.freshness import freshness_by_name
from retail_assets.partitions import weekly_partitions
from retail_assets.resources.warehouse import Warehouse
from retail_assets.segmentation.catalog import CHECKS, COLUMNS, SCHEMA, TABLES
from retail_assets.segmentation.thresholds import SEVERITY, THRESHOLDS
from retail_assets.settings import Settings
from retail_assets.weekly_assets import Finding, check_results, column_schema

if TYPE_CHECKING:
    from retail_assets.segmentation.weekly import Week

FEATURES = dg.AssetKey([SCHEMA, "customer_segmentation_features"])
MODEL = dg.AssetKey([SCHEMA, "segmentation_model"])
SEGMENTS = dg.AssetKey([SCHEMA, "customer_segments"])
PROFILES = dg.AssetKey([SCHEMA, "segment_profiles"])

# A run over more weeks draws the last ones only: pictures cost more than all else that a week needs.
WEEKS_PICTURED = 13

_LAST_WEEK = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
_DESCRIPTIONS: Mapping[dg.AssetKey, str] = {
    MODEL: (
        "Grain: one week. The fitted model that the week's segments come from: trained in this week, or in"
        " the earlier one that it is scored with. The number of segments is chosen by silhouette,"
        " Davies-Bouldin index and stability under resampling."
    ),
    SEGMENTS: (
        "Grain: one week and consumer. The consumer's segment as of the end of the week: the nearest centre"
        " of the week's model, found in the warehouse. A number stands for the same people's segment from"
        " week to week."
    ),
    PROFILES: (
        "Grain: one week and segment. What a segment is like against the average, its part in revenue and"
        " margin, who came and went since last week, and what marketing may do."
    ),
}


def segmentation_assets(settings: Settings) -> dg.AssetsDefinition:
    """Model, segments and profiles. A range of weeks is one run, which takes them in their order."""

    @dg.multi_asset(
        name="segmentation",
        specs=list(_specs(settings)),
        check_specs=list(_check_specs()),
        partitions_def=weekly_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60),
        pool="warehouse",
    )
    def segmentation(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        from retail_assets.segmentation.checks import findings
        from retail_assets.segmentation.pictures import pictures
        from retail_assets.segmentation.report import write_report
        from retail_assets.segmentation.tables import count_rows
        from retail_assets.segmentation.weekly import run_week

        found: dict[str, list[tuple[str, Finding]]] = defaultdict(list)
        pictured = set(context.partition_keys[-WEEKS_PICTURED:])
        with warehouse.writing(say=context.log.info):
            with warehouse.session() as execute:
                for key in context.partition_keys:
                    week = run_week(execute, key)
                    judged = list(findings(execute, week, THRESHOLDS))
                    drawn = pictures(week) if key in pictured else {}
                    report = write_report(settings.home / "reports", week, drawn, judged)
                    for finding in judged:
                        found[finding.check].append((key, finding))
                    for asset, metadata in _metadata(week, drawn, report).items():
                        context.add_asset_metadata(metadata, asset_key=asset, partition_key=key)
                rows = count_rows(execute)
                texts = {key.path[-1]: text for key, text in _DESCRIPTIONS.items()}
                warehouse.comment(list(TABLES.described(texts)), execute)
            warehouse.publish()
        for asset in (MODEL, SEGMENTS, PROFILES):
            yield dg.MaterializeResult(asset_key=asset, metadata={"dagster/row_count": rows[asset.path[-1]]})
        assets = {name: dg.AssetKey([SCHEMA, table]) for name, (table, _) in CHECKS.items()}
        yield from check_results(found, assets, SEVERITY)

    return segmentation


def _specs(settings: Settings) -> Iterator[dg.AssetSpec]:
    dependencies: dict[dg.AssetKey, list[dg.AssetKey | dg.AssetDep]] = {
        MODEL: [FEATURES, dg.AssetDep(MODEL, partition_mapping=_LAST_WEEK)],
        SEGMENTS: [FEATURES, MODEL, dg.AssetDep(SEGMENTS, partition_mapping=_LAST_WEEK)],
        PROFILES: [FEATURES, SEGMENTS],
    }
    for key, description in _DESCRIPTIONS.items():
        yield dg.AssetSpec(
            key,
            deps=dependencies[key],
            description=description,
            group_name="segmentation",
            kinds={"python", "scikitlearn", settings.warehouse},
            owners=["team:data-science"],
            freshness_policy=freshness_by_name(settings)["weekly_segments"],
            metadata={"dagster/column_schema": column_schema(COLUMNS[key.path[-1]])},
        )


def _check_specs() -> Iterator[dg.AssetCheckSpec]:
    for name, (table, description) in CHECKS.items():
        yield dg.AssetCheckSpec(name, asset=dg.AssetKey([SCHEMA, table]), description=description)


def _metadata(week: "Week", drawn: Mapping[str, Any], report: Any) -> Mapping[dg.AssetKey, dict[str, Any]]:
    """What the UI shows of a week's materialization."""
    from retail_assets.segmentation.pictures import embedded
    from retail_assets.segmentation.report import decided, profile_table
    from retail_assets.segmentation.wording import left_out

    shown = {
        name: dg.MetadataValue.md(f"![{name}]({embedded(png)})\n\n{caption}")
        for name, (caption, png) in drawn.items()
    }
    model: dict[str, Any] = {
        "decision": decided(week),
        "segments": len(week.model.segments),
        "why so many": week.model.choice["reason"],
        **_some(shown, "choice"),
        "features left out": left_out(week.model.left_out) or "None.",
        "trained week": week.model.trained_week,
        "silhouette": week.quality["silhouette"],
        "share far from every segment": week.quality["strangers"],
        "drift": dict(week.decision.drift),
        "training": dict(week.model.training),
    }
    consumers = sum(row["consumers"] for row in week.profiles.rows)
    segments = {
        "consumers": consumers,
        "events": " ".join(week.events) or "No segment was born or died.",
    }
    profiles = {"profiles": dg.MetadataValue.md(profile_table(week)), "report": dg.MetadataValue.path(report)}
    rows = {MODEL: 1, SEGMENTS: consumers, PROFILES: len(week.profiles.rows)}
    said = {
        MODEL: model,
        SEGMENTS: segments | _some(shown, "projection", "migration"),
        PROFILES: profiles | _some(shown, "heat map", "migration"),
    }
    return {key: {"dagster/partition_row_count": rows[key], **metadata} for key, metadata in said.items()}


def _some(shown: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: shown[name] for name in names if name in shown}
