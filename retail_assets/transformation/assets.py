"""The dbt models as Dagster assets: one asset per model, one step and dbt run per partitioning."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import dagster as dg

from retail_assets.catalog.contract import source_tables
from retail_assets.catalog.descriptions import descriptions
from retail_assets.catalog.lineage import update_columns
from retail_assets.catalog.presence import Presence, table_of
from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import Translator, is_model_of, personal_names
from retail_assets.deployment.days import refuse_other_days, remember_days
from retail_assets.failures import told_plainly
from retail_assets.ingestion.keys import systems_of_text
from retail_assets.ingestion.raw_tables import create_raw_tables
from retail_assets.partitions import partitions_by_name, rebuilding, window_of
from retail_assets.privacy.erasure import purge
from retail_assets.privacy.personal import personal_tables
from retail_assets.quality import restatements, table_states
from retail_assets.quality.dbt_tests import dbt_test_specs, failing_rows
from retail_assets.quality.half_orders import whole_order_results, whole_order_specs
from retail_assets.quality.held_back import held_back_results, held_back_specs
from retail_assets.quality.restatements import restated_results, restated_specs
from retail_assets.quality.row_account import quarantined_rows
from retail_assets.quality.table_states import TableState
from retail_assets.quality.unknown_values import known_value_results, known_value_specs
from retail_assets.quality.values import value_results, value_specs
from retail_assets.resources.tags import purpose, tagged
from retail_assets.resources.warehouse import Execute, Warehouse
from retail_assets.settings import Settings
from retail_assets.transformation import runner
from retail_assets.transformation.plan import plan, states_after
from retail_assets.transformation.unchanged import Unchanged, unchanged
from retail_assets.transformation.window import build_arguments
from retail_assets.windows import Window


class TransformationConfig(dg.Config):
    """The configuration of a run, as in the UI's launchpad."""

    full_refresh: bool = False


TABLES_SHOWN = 5

# The step that builds the models of each partitioning.
STEPS = {"daily": "transformation", "weekly": "weekly_transformation"}


def transformation_assets(
    settings: Settings, project: Project, translator: Translator, there: Presence
) -> Sequence[dg.AssetsDefinition]:
    """All dbt models of the deployment, with their tests as asset checks: one step per partitioning."""
    steps = (_step(settings, project, translator, there, partition) for partition in STEPS)
    return [step for step in steps if step.keys]


def _step(
    settings: Settings, project: Project, translator: Translator, there: Presence, partition: str
) -> dg.AssetsDefinition:
    """The models of one partitioning. A range of partitions is one run with one window."""
    manifest = project.manifest
    models = dict(_model_specs(project, translator, there, partition))
    tests = dict(dbt_test_specs(project, translator, models))
    personal = personal_tables(manifest)

    # Not `@dbt_assets`: it runs dbt's selection engine at every load of the definitions, which doubles the
    # time that they take. All models are selected anyway.
    @dg.multi_asset(
        name=STEPS[partition],
        specs=list(models.values()),
        check_specs=[
            *tests.values(),
            *known_value_specs({spec.key for spec in models.values()}),
            *whole_order_specs({spec.key for spec in models.values()}),
            *held_back_specs({spec.key for spec in models.values()}),
            *restated_specs(manifest, models),
            *value_specs(manifest, models),
        ],
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
        chosen = {each for each, spec in models.items() if spec.key in context.selected_asset_keys}
        chosen |= {each for each, spec in tests.items() if spec.key in context.selected_asset_check_keys}
        built: set[str] = set()
        failure: runner.DbtRunError | None = None
        days = rebuilding(context, settings)
        with warehouse.writing(say=context.log.info), tagged(**purpose(context)):
            with warehouse.session() as execute:
                with told_plainly():
                    refuse_other_days(settings, execute, **days)
                known = table_states.read(execute)
                # What has left the deployment keeps its end, and holds nothing back from the first run on.
                left = {state.table: state for state in _not_taken_in(manifest, there, known, execute)}
                # A weekly run builds only its own weeks, and never makes up for missed ones.
                planned = plan(
                    manifest, chosen, {**known, **left}, window_of(context), makes_up=partition == "daily"
                )
                text_keys = systems_of_text(manifest, execute)
                empty = _create_empty(project, there, execute)
                measure = _measure(project, planned.window, execute)
                idle = (
                    Unchanged()
                    if config.full_refresh
                    else unchanged(manifest, planned, known, _relations(execute), text_keys, execute)
                )
                for unique_id in idle.models:
                    built.add(unique_id)
                    metadata = {**measure(unique_id), "unchanged": True}
                    yield dg.MaterializeResult(asset_key=models[unique_id].key, metadata=metadata)
                for unique_id in sorted(idle.tests):
                    built.add(unique_id)
                    check = tests[unique_id]
                    yield dg.AssetCheckResult(
                        passed=True,
                        asset_key=check.asset_key,
                        check_name=check.name,
                        metadata={"unchanged": True},
                    )
                choice = runner.Choice({*planned.nodes} - built, empty, planned.rebuilt)
                arguments = build_arguments(
                    planned.window,
                    settings.timezone,
                    text_keys=text_keys,
                    full_refresh=config.full_refresh,
                    memory=settings.memory_bytes if settings.warehouse == "duckdb" else float("inf"),
                    restating=restatements.restating(
                        manifest, choice.nodes, known, planned.window, settings, context.run_id
                    ),
                )
                restatements.create(execute)
                sample = partial(failing_rows, personal_names(manifest), execute)
                try:
                    if choice.nodes:
                        for unique_id, said in runner.run(
                            context, project, translator, arguments, choice, measure, sample
                        ):
                            built.add(unique_id)
                            yield said
                except runner.DbtRunError as error:
                    failure = error
                staged = {
                    check
                    for check in context.selected_asset_check_keys
                    if _unique_id(models, check.asset_key) in built
                }
                yield from known_value_results(staged, execute, planned.window)
                yield from whole_order_results(staged, execute, planned.window)
                yield from held_back_results(
                    staged, manifest, settings.quarantine_limits, planned.window, execute
                )
                yield from restated_results(
                    staged, manifest, settings.restatement_limits, context.run_id, execute
                )
                yield from value_results(staged, manifest, planned.window, settings.timezone, execute)
                states = states_after(manifest, planned, built, failure.failures if failure else {}, known)
                left_out = _not_taken_in(manifest, there, known, execute)
                table_states.write(execute, [*states, *left_out], known, context.run_id, settings.timezone)
                warehouse.comment(descriptions(manifest), execute)
                every = {spec.key for spec in models.values()}
                is_whole = not failure and not planned.blocked and context.selected_asset_keys >= every
                if is_whole and days["is_rebuild"]:
                    remember_days(settings, execute)
                if is_whole and partition == "daily":
                    # All models know by now who is gone.
                    erased = purge(personal, planned.window.end, context.run_id, execute)
                    if erased:
                        context.log.info(f"Rows of persons who are gone were erased: {dict(erased)}")
            warehouse.publish()
            update_columns(project, warehouse.execute)
        if failure or planned.blocked:
            raise dg.Failure(_told(manifest, failure, planned.blocked), allow_retries=False)

    return transformation


def _is_relation(manifest: Mapping[str, Any], unique_id: str) -> bool:
    return unique_id in manifest["sources"] or manifest["nodes"][unique_id]["resource_type"] == "model"


def _create_empty(project: Project, there: Presence, execute: Execute) -> list[str]:
    """The absent models that others read and that have no table yet. Creates the raw tables they read."""
    manifest = project.manifest
    relations = _relations(execute) if there.needed else set()
    missing = [each for each in there.needed if table_of(manifest, each) not in relations]
    read = {parent for each in missing for parent in manifest["nodes"][each]["depends_on"]["nodes"]}
    for system in sorted(
        {manifest["sources"][each]["source_name"] for each in read & {*manifest["sources"]}}
    ):
        create_raw_tables(source_tables(manifest, system), execute)
    return missing


def _not_taken_in(
    manifest: Mapping[str, Any], there: Presence, known: Mapping[str, TableState], execute: Execute
) -> Iterator[TableState]:
    """The states of absent tables that exist in the warehouse. Their rows stay."""
    relations = _relations(execute) if there.absent else set()
    for unique_id in there.absent:
        if _is_relation(manifest, unique_id) and (table := table_of(manifest, unique_id)) in relations:
            state = known.get(table) or TableState(table, "not ingested")
            yield state.changed("not ingested", "What it is made from is not in RETAIL_SOURCES.")


def _relations(execute: Execute) -> set[str]:
    rows = execute(
        "select lower(table_schema) || '.' || lower(table_name) as relation from information_schema.tables"
    )
    return {relation for (relation,) in rows}


def _told(manifest: Mapping[str, Any], failure: runner.DbtRunError | None, blocked: Mapping[str, str]) -> str:
    """The run's error message: what failed, and what was not built because of it."""
    lines = [str(failure)] if failure else []
    for reason in dict.fromkeys(blocked.values()):
        tables = sorted(table_of(manifest, each) for each, why in blocked.items() if why == reason)
        shown = ", ".join(tables[:TABLES_SHOWN]) + (", ..." if len(tables) > TABLES_SHOWN else "")
        lines.append(f"{reason}\nNot built because of it: {len(tables)} ({shown}). All others are.")
    return "\n".join(lines)


def _measure(project: Project, window: Window, execute: Execute) -> runner.Measure:
    """The metadata of a model that has been built: its row count; for quarantine also rows by reason."""
    nodes = project.manifest["nodes"]

    def measure(unique_id: str) -> Mapping[str, Any]:
        node = nodes[unique_id]
        # Counting a view's rows would run its query.
        if node["config"]["materialized"] == "view":
            return {}
        relation = f"{node['schema']}.{node['name']}"
        ((rows,),) = execute(f"select count(*) from {relation}")
        more = quarantined_rows(project.manifest, window, relation, execute) if _judges(node) else {}
        return {"dagster/row_count": int(rows), **more}

    return measure


def _judges(node: Mapping[str, Any]) -> bool:
    return bool(node["name"] == "quarantine")


def _model_specs(
    project: Project, translator: Translator, there: Presence, partition: str
) -> Iterator[tuple[str, dg.AssetSpec]]:
    """The asset specs by unique id, without dependencies on absent tables."""
    manifest = project.manifest
    absent = {
        dg.AssetKey(table_of(manifest, each).split("."))
        for each in there.absent
        if _is_relation(manifest, each)
    }
    for unique_id, node in manifest["nodes"].items():
        if unique_id not in there.absent and is_model_of(node, partition):
            spec = translator.get_asset_spec(manifest, unique_id, None)
            yield (
                unique_id,
                spec.replace_attributes(deps=[each for each in spec.deps if each.asset_key not in absent]),
            )


def _unique_id(models: Mapping[str, dg.AssetSpec], key: dg.AssetKey) -> str | None:
    return next((unique_id for unique_id, spec in models.items() if spec.key == key), None)
