"""The weekly assets: model, segments and profiles, made together by one step, week after week."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.catalog.exposures import REPORTS, Exposure
from retail_assets.resources.sessions import Session
from retail_assets.segmentation.catalog import CHECKS, MODELS, PROFILES, SCHEMA, SEGMENTS, TABLES
from retail_assets.segmentation.thresholds import SEVERITY, THRESHOLDS
from retail_assets.settings import Settings
from retail_assets.weekly_assets import ERROR, Check, Finding, Metadata, weekly_step

if TYPE_CHECKING:
    from retail_assets.segmentation.weekly import Week

FEATURES = dg.AssetKey([SCHEMA, "customer_segmentation_features"])

# A run over more weeks draws the last ones only: pictures cost more than all else that a week needs.
WEEKS_PICTURED = 13

_DESCRIPTIONS: Mapping[str, str] = {
    MODELS: (
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

REPORT = Exposure(
    REPORTS,
    "segments",
    "Report of customer segments",
    "What a week's segments are like, who moved, and how sure it is: an HTML file in the home, `reports/`.",
    "team:data-science",
    "weekly",
    [".".join(FEATURES.path), *(f"{SCHEMA}.{table}" for table in (MODELS, SEGMENTS, PROFILES))],
    {
        "segments": "What each segment is like, and what marketing may do.",
        "pictures": "How many segments, where they lie, and who went where.",
        "checks": "Whether the week's segments are sound.",
    },
)
_WHOLE = "report_is_whole"


def segmentation_assets(settings: Settings) -> dg.AssetsDefinition:
    """Model, segments and profiles."""

    def make_week(
        context: dg.AssetExecutionContext, session: Session, key: str
    ) -> tuple[list[Finding], Metadata]:
        from retail_assets.segmentation.checks import findings
        from retail_assets.segmentation.pictures import pictures
        from retail_assets.segmentation.report import write_report
        from retail_assets.segmentation.weekly import run_week

        week = run_week(session, key)
        judged = list(findings(session, week, THRESHOLDS))
        drawn = pictures(week) if key in context.partition_keys[-WEEKS_PICTURED:] else {}
        report = write_report(settings.home / "reports", week, drawn, judged)
        return [*judged, _wholeness(report, week)], _metadata(week, drawn, report)

    return weekly_step(
        settings,
        "segmentation",
        TABLES,
        library="scikitlearn",
        descriptions=_DESCRIPTIONS,
        dependencies={
            MODELS: [FEATURES, _last_weeks(MODELS)],
            SEGMENTS: [FEATURES, dg.AssetKey([SCHEMA, MODELS]), _last_weeks(SEGMENTS)],
            PROFILES: [FEATURES, dg.AssetKey([SCHEMA, SEGMENTS])],
        },
        checks={
            **{name: Check(table, SEVERITY[name], text) for name, (table, text) in CHECKS.items()},
            _WHOLE: Check(REPORT.name, ERROR, "The report's file has all segments of the week."),
        },
        make_week=make_week,
        report=REPORT,
    )


def _wholeness(report: Path, week: "Week") -> Finding:
    from html import escape

    written = report.read_text(encoding="utf-8")
    names = [str(row["segment_name"]) for row in week.profiles.rows]
    missing = [name for name in names if escape(name) not in written]
    return Finding(_WHOLE, not missing, f"Not in it: {', '.join(missing)}" if missing else "It has them.")


def _last_weeks(table: str) -> dg.AssetDep:
    return dg.AssetDep(
        [SCHEMA, table], partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    )


def _metadata(week: "Week", drawn: Mapping[str, Any], report: Any) -> Metadata:
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
    rows = {MODELS: 1, SEGMENTS: consumers, PROFILES: len(week.profiles.rows)}
    said = {
        MODELS: model,
        SEGMENTS: segments | _some(shown, "projection", "migration"),
        PROFILES: profiles | _some(shown, "heat map", "migration"),
    }
    tables = {key: {"dagster/partition_row_count": rows[key], **metadata} for key, metadata in said.items()}
    return {**tables, REPORT.name: {"report": dg.MetadataValue.path(report)}}


def _some(shown: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: shown[name] for name in names if name in shown}
