"""Staging, warehouse and marts as Dagster assets: one per dbt model, built together by one dbt run."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

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
    """All dbt models. A range of partitions is one run with one window."""

    @dbt_assets(
        name="transformation",
        manifest=project.manifest,
        exclude="resource_type:unit_test",
        dagster_dbt_translator=translator,
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
