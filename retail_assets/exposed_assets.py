"""The steps that make what people look at: an asset and a check for each exposure, all the same way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from retail_assets.catalog.exposures import FRESHNESS, Exposure, Present
from retail_assets.partitions import partitions_by_name
from retail_assets.resources.tags import purpose, tagged
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings


@dataclass(frozen=True)
class Made:
    """What came of an exposure."""

    said: Mapping[str, Any]
    """What the UI shows of its materialization."""
    problems: Sequence[str]
    """What its check fails with."""


Make = Callable[[Warehouse, str, Sequence[Exposure]], Mapping[str, Made]]
"""Makes some of a partitioning's exposures, as its tables are now; by their names."""


def exposed_steps(
    settings: Settings,
    exposed: Sequence[Exposure],
    present: Present,
    *,
    kinds: set[str],
    check: str,
    asks: str,
    make: Make,
) -> Sequence[dg.AssetsDefinition]:
    """One step per partitioning, with a check of each of its exposures, which are of one kind."""
    steps = []
    for partition in FRESHNESS:
        if made := [each for each in exposed if each.partition == partition]:
            specs = [each.spec(settings, present, kinds) for each in made]
            checks = [dg.AssetCheckSpec(check, asset=each.key, description=asks) for each in made]
            steps.append(_step(settings, partition, made, specs, checks, make))
    return steps


def _step(
    settings: Settings,
    partition: str,
    exposed: Sequence[Exposure],
    specs: Sequence[dg.AssetSpec],
    checks: Sequence[dg.AssetCheckSpec],
    make: Make,
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=exposed[0].group,
        specs=specs,
        check_specs=checks,
        # A run may leave checks out.
        can_subset=True,
        partitions_def=partitions_by_name(settings)[partition],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def step(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> Iterator[Any]:
        checked = {each.asset_key: each for each in context.selected_asset_check_keys}
        chosen = [each for each in exposed if each.key in {*context.selected_asset_keys, *checked}]
        with tagged(**purpose(context)):
            made = make(warehouse, partition, chosen)
        for each in chosen:
            said, problems = made[each.name].said, made[each.name].problems
            if each.key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=each.key, metadata=said)
            if each.key in checked:
                yield dg.AssetCheckResult(
                    check_name=checked[each.key].name,
                    asset_key=each.key,
                    passed=not problems,
                    description="; ".join(problems) or None,
                )

    return step
