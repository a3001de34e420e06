"""Raw: one asset per source table, loaded by dlt through dagster-dlt."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import dlt
from dagster_dlt import DagsterDltResource, DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData
from dlt.extract import DltSource

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.catalog.presence import descendants, table_of
from retail_assets.catalog.translator import Translator
from retail_assets.deployment.days import refuse_other_days, refuse_other_zone
from retail_assets.failures import told_plainly
from retail_assets.ingestion.sources import Kind, kind_of, open_source
from retail_assets.internals import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from retail_assets.partitions import daily_partitions, rebuilding, window_of
from retail_assets.privacy import forgotten
from retail_assets.quality import table_states
from retail_assets.quality.row_account import DELETED, NEW, OUTSIDE, READ, REFUSED, TOLD
from retail_assets.quality.source_contract import contract_check_specs, contract_result, contract_results
from retail_assets.quality.table_states import TableState
from retail_assets.quality.volume import volume_results, volume_specs
from retail_assets.resources.tags import purpose, tagged
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings
from retail_assets.windows import Window

if TYPE_CHECKING:
    from retail_assets.ingestion.extraction import Extraction
    from retail_assets.ingestion.load import Loaded

RETRIES = 2
_KINDS: Mapping[Kind, str] = {"sql": "sql", "files": "file"}


class RawTranslator(DagsterDltTranslator):
    """Raw assets carry what `_sources.yml` says of their table; dlt's resources have their names."""

    def __init__(
        self,
        translator: Translator,
        manifest: Mapping[str, Any],
        tables: Sequence[SourceTable],
        kind: Kind,
    ):
        self.specs = {table.name: _spec(translator, manifest, table, kind) for table in tables}

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        return self.specs[data.resource.name]


def _spec(
    translator: Translator, manifest: Mapping[str, Any], table: SourceTable, kind: Kind
) -> dg.AssetSpec:
    spec = translator.get_asset_spec(manifest, table.unique_id, None)
    return spec.replace_attributes(
        deps=[],
        kinds={"dlt", _KINDS[kind]},
        metadata={key: value for key, value in spec.metadata.items() if "column" in key},
    )


def raw_assets(
    settings: Settings, system: str, manifest: Mapping[str, Any], translator: Translator
) -> dg.AssetsDefinition:
    """The raw assets of one system, with a check that each table still meets the contract.

    A table that cannot be read stops only what depends on it.
    """
    tables = source_tables(manifest, system)
    kind = kind_of(settings.source_url(system), tables[0].kind)
    raw_translator = RawTranslator(translator, manifest, tables, kind)
    folder = settings.home / "dlt"
    keys = {name: spec.key for name, spec in raw_translator.specs.items()}

    @dg.multi_asset(
        name=f"raw_{system}",
        specs=list(raw_translator.specs.values()),
        check_specs=[*contract_check_specs(keys.values()), *volume_specs(keys.values())],
        can_subset=True,
        partitions_def=daily_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
        retry_policy=dg.RetryPolicy(max_retries=RETRIES, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    )
    def raw(
        context: dg.AssetExecutionContext,
        dlt_resource: DagsterDltResource,
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        # Not at the top: the definitions load often, and read no rows.
        from retail_assets.ingestion.extraction import Extraction
        from retail_assets.ingestion.load import ingest

        def run(pipeline: dlt.Pipeline, news: DltSource) -> None:
            with warnings.catch_warnings():
                # dagster-dlt calls dlt by deprecated names, which a user can do nothing about.
                warnings.simplefilter("ignore", DeprecationWarning)
                # dagster-dlt's events are dropped: `_materializations` counts in the warehouse at the end.
                list(
                    dlt_resource.run(
                        context=context,
                        dlt_source=news,
                        dlt_pipeline=pipeline,
                        dagster_dlt_translator=raw_translator,
                        loader_file_format="parquet",
                    )
                )

        chosen = [table for table in tables if keys[table.name] in context.selected_asset_keys]
        with warehouse.writing(say=context.log.info), tagged(**purpose(context)):
            with warehouse.session() as execute, told_plainly():
                refuse_other_days(settings, execute, **rebuilding(context, settings))
                known = table_states.read(execute)
            window = _window(chosen, known, window_of(context))
            extraction: Extraction | None = None
            volumes: list[dg.AssetCheckResult] = []
            loaded: Mapping[str, Loaded] = {}
            try:
                with told_plainly():
                    with warehouse.session() as execute:
                        refuse_other_zone(settings, execute, system)
                        who = forgotten.read(settings, execute)
                    source = open_source(settings, tables)
                    extraction = Extraction(source, window, zone=settings.timezone, forgotten=who)
                    extraction.locate(source.tables)
                    names = {table.name for table in chosen}
                    chosen = [table for table in source.tables if table.name in names]
                    loaded = ingest(
                        extraction, source.tables, chosen, warehouse, folder, run, settings.most_gone
                    )
                errors = dict(extraction.errors)
            except Exception as error:
                is_last = getattr(error, "allow_retries", True) is False or context.retry_number >= RETRIES
                if not is_last:
                    raise
                if not isinstance(error, dg.Failure):
                    context.log.exception("The system could not be read.")
                said = (
                    error.description if isinstance(error, dg.Failure) else f"{type(error).__name__}: {error}"
                )
                errors = {table.name: said or "" for table in chosen}
                extraction = None
            with warehouse.session() as execute:
                table_states.write(
                    execute,
                    _states(manifest, chosen, errors, known, window, window_of(context)),
                    known,
                    context.run_id,
                    settings.timezone,
                )
                if extraction:
                    there = [table for table in chosen if table.name not in errors]
                    volumes = list(
                        volume_results(
                            set(context.selected_asset_check_keys),
                            there,
                            keys,
                            window,
                            settings.timezone,
                            execute,
                        )
                    )
            if not _is_read_on(context, [keys[table.name] for table in chosen]):
                warehouse.publish()
        if extraction:
            yield from _materializations(settings, extraction, chosen, keys, loaded)
            yield from contract_results(context, extraction, chosen, keys)
            yield from volumes
        else:
            for name, said in errors.items():
                yield from contract_result(context, keys[name], False, said, dg.AssetCheckSeverity.ERROR)
        refused = [keys[name] for name in errors]
        if refused and not _is_read_on(context, refused):
            raise dg.Failure("\n".join(dict.fromkeys(errors.values())), allow_retries=False)
        # An output without a materialization, so that Dagster goes on to the transformation step. That step
        # skips what depends on these tables, and fails the run.
        for key in refused:
            yield dg.Output(
                None,
                key.to_python_identifier(),
                metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True},
            )

    return raw


def _window(tables: Sequence[SourceTable], known: Mapping[str, TableState], window: Window) -> Window:
    """The run's window, with an earlier start if one of the tables missed something before it.

    A table that has never been read, while others have been, starts where they started.
    """
    raw = {name: state for name, state in known.items() if name.startswith("raw_") and state.applied_from}
    begun = [state for state in (raw.get(_name(table)) for table in tables) if state]
    window = table_states.gap_before(window, begun)
    if raw and len(begun) < len(tables):
        first = min(state.applied_from for state in raw.values() if state.applied_from)
        return Window(min(window.start, first), window.end)
    return window


def _states(
    manifest: Mapping[str, Any],
    tables: Sequence[SourceTable],
    errors: Mapping[str, str],
    known: Mapping[str, TableState],
    window: Window,
    asked: Window,
) -> Iterator[TableState]:
    """The tables' states after a reading, and those of models downstream of tables that made up for a gap.

    The next build of these models has to start where the reading started, whichever run it is in.
    """
    read_more: list[str] = []
    for table in tables:
        state = known.get(_name(table)) or TableState(_name(table), "current")
        if table.name in errors:
            yield state.changed("refused", errors[table.name])
        else:
            if window.start < asked.start and not state.reaches(asked.start):
                read_more.append(table.unique_id)
            yield state.advanced(window)
    for unique_id in descendants(manifest, read_more):
        name = table_of(manifest, unique_id)
        if name in known and known[name].reaches(window.start) and known[name].state != "not ingested":
            yield known[name].set_back(window.start, "More has been read of what it is made from.")


def _name(table: SourceTable) -> str:
    return f"{table.schema}.{table.name}"


def _is_read_on(context: dg.AssetExecutionContext, keys: Sequence[dg.AssetKey]) -> bool:
    """Whether something in the same run reads one of these assets."""
    layer = context.job_def.asset_layer
    return any(layer.asset_graph.get(key).child_keys & layer.selected_asset_keys for key in keys)


def _materializations(
    settings: Settings,
    extraction: "Extraction",
    tables: Sequence[SourceTable],
    keys: Mapping[str, dg.AssetKey],
    loaded: "Mapping[str, Loaded]",
) -> Iterator[dg.MaterializeResult[Any]]:
    start, end = extraction.window
    for table in tables:
        if table.name not in extraction.errors:
            yield dg.MaterializeResult(
                asset_key=keys[table.name],
                metadata={
                    "dagster/row_count": loaded[table.name].rows,
                    READ: extraction.rows_read(table),
                    NEW: loaded[table.name].new,
                    DELETED: loaded[table.name].deleted,
                    REFUSED: len(extraction.refusals.of(table)),
                    OUTSIDE: _outside(settings, extraction, table),
                    **_kept_out(extraction, table),
                    **_told(extraction, table),
                    "window": f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC",
                },
            )


def _outside(settings: Settings, extraction: "Extraction", table: SourceTable) -> int:
    """The rows that no window places: they cannot have changed when they say, or after the last day."""
    from retail_assets.ingestion.scope import CLOCKS_DIFFER

    rows = getattr(extraction.unbelievable.get(table.name), "rows", 0)
    is_last = settings.end is not None and extraction.window.end >= settings.end
    if is_last and table.load == "window" and table.name in extraction.located:
        rows += extraction.source.later(table, extraction.window, extraction.loaded_at + CLOCKS_DIFFER)[0]
    return rows


def _kept_out(extraction: "Extraction", table: SourceTable) -> Mapping[str, int]:
    """Rows that the source still has of persons who were forgotten."""
    rows = extraction.kept_out[table.name]
    return {"rows of forgotten persons": rows} if rows else {}


def _told(extraction: "Extraction", table: SourceTable) -> Mapping[str, str]:
    """What a user should know though nothing is wrong."""
    said = [*map(str, extraction.fractions.get(table.name, ())), *_gone(extraction, table)]
    return {TOLD: "\n".join(said)} if said else {}


def _gone(extraction: "Extraction", table: SourceTable) -> Iterator[str]:
    gone = extraction.gone.get(table.name)
    place = f"{table.system}: of {table.source_table} ({table.name})"
    if gone and gone.marked:
        yield f"{place} {_rows(gone.marked)} deleted at the source: they count no more."
    if gone and gone.back:
        yield f"{place} {_rows(gone.back)} there again: they count again."
    if gone and gone.purged:
        since = f", from before {gone.oldest:%Y-%m-%d}" if gone.oldest and not table.parent else ""
        yield f"{place} {_rows(gone.purged)} gone from the old end{since}: they are kept."


def _rows(number: int) -> str:
    return "1 row is" if number == 1 else f"{number:,} rows are"
