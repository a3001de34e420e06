"""Staging, warehouse and marts as Dagster assets: one per dbt model, one dbt run for each partitioning."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from retail_assets.catalog.lineage import update_columns
from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import Translator, is_model_of
from retail_assets.deployment.days import refuse_other_days, remember_days
from retail_assets.failures import told_plainly
from retail_assets.partitions import partitions_by_name, rebuilding, window_of
from retail_assets.quality.dbt_tests import dbt_test_specs
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings
from retail_assets.transformation import runner
from retail_assets.transformation.window import build_arguments


class TransformationConfig(dg.Config):
    """What may be chosen when a run is launched, in the UI's launchpad too."""

    full_refresh: bool = False


# The step that builds the models of each partitioning.
STEPS = {"daily": "transformation", "weekly": "weekly_transformation"}


def transformation_assets(
    settings: Settings, project: Project, translator: Translator
) -> Sequence[dg.AssetsDefinition]:
    """All dbt models, and their tests as checks: one step for each partitioning."""
    return [_step(settings, project, translator, partition) for partition in STEPS]


def _step(
    settings: Settings, project: Project, translator: Translator, partition: str
) -> dg.AssetsDefinition:
    """The models of one partitioning. A range of partitions is one run with one window."""

    specs = list(_model_specs(project, translator, partition))

    # dagster-dbt's decorator asks dbt's selection engine which nodes there are, at every load of the
    # definitions: that doubles what they cost. All models are wanted, so the specs are enough.
    @dg.multi_asset(
        name=STEPS[partition],
        specs=specs,
        check_specs=list(dbt_test_specs(project, translator, partition)),
        can_subset=True,
        allow_arbitrary_check_specs=True,
        partitions_def=partitions_by_name(settings)[partition],
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def transformation(
        context: dg.AssetExecutionContext,
        config: TransformationConfig,
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        before, selection = runner.selection_of(
            context, project, translator, all_=f"config.meta.dagster.partition:{partition}"
        )
        arguments = build_arguments(
            window_of(context),
            settings.timezone,
            full_refresh=config.full_refresh,
            selection=[*before, *selection],
        )
        with warehouse.writing(say=context.log.info), told_plainly():
            days = rebuilding(context, settings)
            refuse_other_days(settings, warehouse.execute, **days)
            yield from runner.run(context, project, translator, arguments)
            if days["is_rebuild"] and context.selected_asset_keys >= {spec.key for spec in specs}:
                remember_days(settings, warehouse.execute)
            warehouse.publish()
            update_columns(project, warehouse.execute)

    return transformation


def _model_specs(project: Project, translator: Translator, partition: str) -> Iterator[dg.AssetSpec]:
    for unique_id, node in project.manifest["nodes"].items():
        if is_model_of(node, partition):
            yield translator.get_asset_spec(project.manifest, unique_id, None)
