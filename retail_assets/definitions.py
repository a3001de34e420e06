"""What the deployment consists of."""

from collections.abc import Callable, Mapping
from functools import partial

import dagster as dg
from dagster_dlt import DagsterDltResource

from retail_assets.automation.abandoned import beating_executor
from retail_assets.automation.jobs import daily_job, newest_partition_job, weekly_job
from retail_assets.automation.schedules import schedules
from retail_assets.automation.sensors import alert_sensor, history_sensor
from retail_assets.catalog.exposures import exposures
from retail_assets.catalog.lineage import known_columns
from retail_assets.catalog.presence import presence
from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import Translator
from retail_assets.dashboards.assets import dashboard_assets
from retail_assets.demand.assets import SERIES_KEY, demand_assets
from retail_assets.demand.plan_assets import STOCK_KEY, plan_assets
from retail_assets.demo.night import with_nights
from retail_assets.deployment.processes import end_quietly
from retail_assets.deployment.upgrade import bring_up_to_date
from retail_assets.extracts.assets import extract_assets
from retail_assets.ingestion.assets import raw_assets
from retail_assets.lifetime_value.assets import PURCHASES, lifetime_value_assets
from retail_assets.prices.assets import SOLD, price_assets
from retail_assets.quality.newest_partition import newest_partition_checks
from retail_assets.recommendations.assets import MODELS, recommendation_assets
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.segmentation.assets import FEATURES, segmentation_assets
from retail_assets.settings import SYSTEMS, Settings, settings
from retail_assets.transformation.assets import transformation_assets


def definitions_of(settings: Settings) -> dg.Definitions:
    """The code location for these settings: sources -> raw -> staging -> warehouse -> marts -> segments."""
    warehouse = warehouse_of(settings)
    project = Project(settings)
    warehouse.before_first_writing(partial(bring_up_to_date, settings, project, warehouse))
    translator = Translator(settings, known_columns(project))
    there = presence(project.manifest, settings.systems)
    raw = [
        raw_assets(settings, system, project.manifest, translator)
        for system in SYSTEMS
        if system in settings.systems
    ]
    models = transformation_assets(settings, project, translator, there)
    keys = frozenset(key for step in models for key in step.keys)
    made_of: Mapping[dg.AssetKey, Callable[[Settings], dg.AssetsDefinition]] = {
        FEATURES: segmentation_assets,
        PURCHASES: lifetime_value_assets,
        MODELS[0]: recommendation_assets,
        SERIES_KEY: partial(demand_assets, present=keys),
        SOLD: partial(price_assets, present=keys),
    }
    weekly_steps = [make(settings) for key, make in made_of.items() if key in keys]
    plans = [plan_assets(settings)] if {STOCK_KEY, SERIES_KEY} <= keys else []
    made = [*raw, *models, *weekly_steps, *plans]
    present = {spec.key: spec.partitions_def for step in made for spec in step.specs}
    exposed = list(exposures(project.manifest))
    assets = [
        *made,
        *dashboard_assets(settings, exposed, present),
        *extract_assets(settings, exposed, present),
    ]
    newest_partition = newest_partition_checks(assets)
    daily = daily_job(settings)
    weekly = weekly_job(settings) if weekly_steps else None
    freshness = newest_partition_job(newest_partition)
    return dg.Definitions(
        assets=assets,
        asset_checks=[newest_partition],
        jobs=[daily, *([weekly] if weekly else []), freshness],
        schedules=with_nights(settings, schedules(settings, daily, weekly, freshness), daily),
        sensors=[alert_sensor(settings), history_sensor(settings)],
        resources={
            "warehouse": warehouse,
            "dlt_resource": DagsterDltResource(),
            **warehouse.dagster_resources(),
        },
        # DuckDB admits one step at a time anyway. A process per step would only add several seconds of
        # imports.
        executor=beating_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Those of this process's settings. Dagster calls it; importing the module reads no home."""
    end_quietly()
    return definitions_of(settings())
