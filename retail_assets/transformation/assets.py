"""Staging, warehouse and marts as Dagster assets: one per dbt model, built together by one dbt run."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from retail_assets.partitions import daily_partitions, window_of
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings
from retail_assets.transformation import runner
from retail_assets.transformation.lineage import update_columns
from retail_assets.transformation.project import Project
from retail_assets.transformation.translator import Translator
from retail_assets.transformation.window import build_arguments


class TransformationConfig(dg.Config):
    """What may be chosen when a run is launched, in the UI's launchpad too."""

    full_refresh: bool = False


def transformation_assets(
    settings: Settings, project: Project, translator: Translator
) -> dg.AssetsDefinition:
    """All dbt models, and their tests as checks. A range of partitions is one run with one window."""

    # dagster-dbt's decorator asks dbt's selection engine which nodes there are, at every load of the
    # definitions: that doubles what they cost. All models are wanted, so the specs are enough.
    @dg.multi_asset(
        name="transformation",
        specs=list(_model_specs(project, translator)),
        check_specs=list(_test_specs(project, translator)),
        can_subset=True,
        allow_arbitrary_check_specs=True,
        partitions_def=daily_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def transformation(context: dg.AssetExecutionContext, config: TransformationConfig) -> Iterator[Any]:
        before, selection = runner.selection_of(context, project, translator)
        arguments = build_arguments(
            window_of(context),
            settings.timezone,
            full_refresh=config.full_refresh,
            selection=[*before, *selection],
        )
        warehouse = warehouse_of(settings)
        with warehouse.writing(say=context.log.info):
            yield from runner.run(context, project, translator, arguments)
            warehouse.publish()
            update_columns(project, warehouse.execute)

    return transformation


def _model_specs(project: Project, translator: Translator) -> Iterator[dg.AssetSpec]:
    for unique_id, node in project.manifest["nodes"].items():
        if node["resource_type"] == "model":
            yield translator.get_asset_spec(project.manifest, unique_id, None)


def _test_specs(project: Project, translator: Translator) -> Iterator[dg.AssetCheckSpec]:
    for unique_id, node in project.manifest["nodes"].items():
        if node["resource_type"] == "test" and node["attached_node"]:
            spec = translator.get_asset_spec(project.manifest, node["attached_node"], None)
            check = translator.get_asset_check_spec(spec, project.manifest, unique_id, None)
            if check:
                yield check
