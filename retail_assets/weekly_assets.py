"""The steps that write weekly tables in Python, or daily ones: what they are to Dagster, all the same way."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from retail_assets.catalog.exposures import Exposure
from retail_assets.freshness import freshness_by_name
from retail_assets.partitions import partitions_by_name
from retail_assets.resources.sessions import Session
from retail_assets.resources.tags import purpose, tagged
from retail_assets.resources.warehouse import Warehouse
from retail_assets.resources.weekly_tables import Columns, WeeklyTables
from retail_assets.settings import Settings


@dataclass(frozen=True)
class Finding:
    """What a check found in one week."""

    check: str
    passed: bool
    text: str
    value: float | None = None


WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


@dataclass(frozen=True)
class Check:
    """A check of a table: how bad a miss is, and what it asks."""

    table: str
    severity: dg.AssetCheckSeverity
    description: str


Metadata = Mapping[str, Mapping[str, Any]]
"""What the UI shows of a week's materializations, by table."""

Dependencies = Sequence[dg.AssetKey | dg.AssetDep]

MakeWeek = Callable[[dg.AssetExecutionContext, Session, str], tuple[Sequence[Finding], Metadata]]
"""Writes a week, given by its Monday, into all of the step's tables."""


def weekly_step(
    settings: Settings,
    name: str,
    tables: WeeklyTables,
    *,
    library: str,
    descriptions: Mapping[str, str],
    dependencies: Mapping[str, Dependencies],
    checks: Mapping[str, Check],
    make_week: MakeWeek,
    partition: str = "weekly",
    freshness: str = "weekly_segments",
    report: Exposure | None = None,
) -> dg.AssetsDefinition:
    """One asset for each of the tables that `descriptions` names, written together.

    A range of weeks is one run, which takes them in their order. The group has the step's name; assets are
    shown as made with `library`. `make_week` of a daily step is given days, and writes the `report`, too, of
    which checks and metadata go by its name.
    """
    keys = {table: dg.AssetKey([tables.schema, table]) for table in descriptions}
    specs = [
        dg.AssetSpec(
            key,
            deps=dependencies[table],
            description=descriptions[table],
            group_name=name,
            kinds={"python", library, settings.warehouse},
            owners=["team:data-science"],
            freshness_policy=freshness_by_name(settings)[freshness],
            metadata={"dagster/column_schema": _column_schema(tables.columns[table])},
        )
        for table, key in keys.items()
    ]
    if report:
        partitions = partitions_by_name(settings)[partition]
        read = {dg.AssetKey(each.split(".")): partitions for each in report.tables}
        specs.append(report.spec(settings, read, {"html"}))
        keys[report.name] = report.key

    @dg.multi_asset(
        name=name,
        specs=specs,
        check_specs=[
            dg.AssetCheckSpec(check, asset=keys[each.table], description=each.description)
            for check, each in checks.items()
        ],
        # A daily run may leave checks out.
        can_subset=partition == "daily",
        partitions_def=partitions_by_name(settings)[partition],
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60),
        pool="warehouse",
    )
    def step(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> Iterator[Any]:
        found: dict[str, list[tuple[str, Finding]]] = defaultdict(list)
        with warehouse.writing(say=context.log.info), tagged(**purpose(context)):
            with warehouse.session() as session:
                for week in context.partition_keys:
                    findings, metadata = make_week(context, session, week)
                    for finding in findings:
                        found[finding.check].append((week, finding))
                    for table, shown in metadata.items():
                        context.add_asset_metadata(shown, asset_key=keys[table], partition_key=week)
                rows = tables.count_rows(session)
                warehouse.comment(list(tables.described(descriptions)), session)
            warehouse.publish()
        for table, key in keys.items():
            if key in context.selected_asset_keys:
                counted = {"dagster/row_count": rows[table]} if table in rows else {}
                yield dg.MaterializeResult(asset_key=key, metadata=counted)
        for check, pairs in found.items():
            key = keys[checks[check].table]
            if dg.AssetCheckKey(key, check) in context.selected_asset_check_keys:
                yield _result(check, key, checks[check].severity, pairs)

    return step


def _column_schema(columns: Columns) -> dg.TableSchema:
    return dg.TableSchema(
        [dg.TableColumn(name, type_, description) for name, (type_, description) in columns.items()]
    )


def _result(
    check: str, asset: dg.AssetKey, severity: dg.AssetCheckSeverity, pairs: Sequence[tuple[str, Finding]]
) -> dg.AssetCheckResult:
    """A check's result over all weeks of the run; the weeks that missed it are named."""
    missed = [f"{week}: {finding.text}" for week, finding in pairs if not finding.passed]
    last_week, last = pairs[-1]
    return dg.AssetCheckResult(
        check_name=check,
        asset_key=asset,
        passed=not missed,
        severity=severity,
        description="; ".join(missed) or last.text,
        metadata={"weeks": len(pairs), "newest week": last_week, "value": last.value or 0},
    )
