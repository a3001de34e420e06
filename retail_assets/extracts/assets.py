"""The extracts as assets: one for each family of marts, where `RETAIL_EXTRACTS_FOLDER` names a folder."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.catalog.exposures import EXTRACTS, Exposure, Present
from retail_assets.partitions import partitions_by_name
from retail_assets.resources.tags import purpose, tagged
from retail_assets.resources.warehouse import Warehouse, WarehouseError
from retail_assets.settings import Settings

if TYPE_CHECKING:
    from retail_assets.extracts.tables import Written

_WHOLE = "extract_is_whole"
_STEPS = {"daily": "extracts", "weekly": "weekly_extracts"}
MONTHS_NAMED = 12
# After so long the weekly job has written what it has to.
UNTIL_WEEKLY = timedelta(days=8)


def extract_assets(
    settings: Settings, exposed: Sequence[Exposure], present: Present
) -> Sequence[dg.AssetsDefinition]:
    """The extracts of what the deployment has: one step per partitioning. None without a folder."""
    if not settings.extracts_folder:
        return []
    extracts = [each for each in exposed if each.kind == EXTRACTS and each.is_made_of(present)]
    steps = []
    for partition in _STEPS:
        made = [each for each in extracts if each.partition == partition]
        if made:
            steps.append(_step(settings, partition, made, extracts, present))
    return steps


def _step(
    settings: Settings,
    partition: str,
    made: Sequence[Exposure],
    every: Sequence[Exposure],
    present: Present,
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=_STEPS[partition],
        specs=[each.spec(settings, present, set(settings.formats)) for each in made],
        check_specs=[
            dg.AssetCheckSpec(
                _WHOLE,
                asset=each.key,
                description="Every month of every table has its files, with the rows of the table.",
            )
            for each in made
        ],
        # A run may leave checks out.
        can_subset=True,
        partitions_def=partitions_by_name(settings)[partition],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def step(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> Iterator[Any]:
        from retail_assets.extracts.folder import Folder
        from retail_assets.extracts.writing import write_extracts
        from retail_assets.ingestion.versions import timestamp
        from retail_assets.privacy.erasure import ERASURES

        wanted = {*context.selected_asset_keys, *(c.asset_key for c in context.selected_asset_check_keys)}
        chosen = [each for each in made if each.key in wanted]
        with tagged(**purpose(context)):
            # Whom a night or a command has erased goes from the files of past weeks as well.
            since = timestamp(datetime.now(UTC) - UNTIL_WEEKLY)
            erased = _is_any(warehouse, f"select 1 from {ERASURES} where erased_at >= {since} limit 1")
            others = [each for each in every if each not in chosen] if erased else []
            written = write_extracts(settings, warehouse, [*chosen, *others])
        folder = Folder(settings.extracts_folder)
        for each in chosen:
            tables = written[each.name]
            if each.key in context.selected_asset_keys:
                yield dg.MaterializeResult(
                    asset_key=each.key,
                    metadata={
                        "folder": folder.place(each.name),
                        "rows": sum(table.rows for table in tables),
                        "months written": _named(tables, "rewritten"),
                        "too long for a sheet": _named(tables, "too_long"),
                    },
                )
            if dg.AssetCheckKey(each.key, _WHOLE) in context.selected_asset_check_keys:
                problems = [f"{table.table}: {said}" for table in tables for said in table.problems]
                yield dg.AssetCheckResult(
                    check_name=_WHOLE,
                    asset_key=each.key,
                    passed=not problems,
                    description="; ".join(problems) or None,
                )

    return step


def _named(tables: Sequence["Written"], which: str) -> str:
    """Some months of the tables, in a line."""
    parts = []
    for table in tables:
        months = getattr(table, which)
        if months:
            more = ", ..." if len(months) > MONTHS_NAMED else ""
            parts.append(f"{table.table} {', '.join(months[-MONTHS_NAMED:])}{more}")
    return "; ".join(parts) or "none"


def _is_any(warehouse: Warehouse, query: str) -> bool:
    """Whether a query has rows; not if it asks for what is not there."""
    try:
        return bool(warehouse.query(query).num_rows)
    except WarehouseError:
        return False
