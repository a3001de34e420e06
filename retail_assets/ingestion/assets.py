"""Raw: one asset per source table, loaded by dlt through dagster-dlt."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import dlt
from dagster_dlt import DagsterDltResource, DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData
from dlt.extract import DltSource

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.catalog.translator import Translator
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.load import ingest
from retail_assets.ingestion.raw_tables import create_raw_tables
from retail_assets.ingestion.sources import Kind, kind_of, open_source
from retail_assets.partitions import daily_partitions, window_of
from retail_assets.quality.source_contract import contract_check_specs, contract_result, contract_results
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings

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
    """The tables of one system, with a check that each still is what the contract says.

    A system that is not taken in has its tables too; they stay empty.
    """
    tables = source_tables(manifest, system)
    kind = kind_of(settings.source_url(system), tables[0].kind)
    raw_translator = RawTranslator(translator, manifest, tables, kind)
    folder = settings.home / "dlt"
    keys = {name: spec.key for name, spec in raw_translator.specs.items()}

    @dg.multi_asset(
        name=f"raw_{system}",
        specs=list(raw_translator.specs.values()),
        check_specs=list(contract_check_specs(keys.values())),
        can_subset=True,
        partitions_def=daily_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
        retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    )
    def raw(
        context: dg.AssetExecutionContext,
        dlt_resource: DagsterDltResource,
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        rows_loaded: dict[dg.AssetKey, Any] = {}

        def run(pipeline: dlt.Pipeline, loaded: DltSource) -> None:
            with warnings.catch_warnings():
                # dagster-dlt calls what dlt has renamed; that is no news for a user.
                warnings.simplefilter("ignore", DeprecationWarning)
                events = dlt_resource.run(
                    context=context,
                    dlt_source=loaded,
                    dlt_pipeline=pipeline,
                    dagster_dlt_translator=raw_translator,
                    loader_file_format="parquet",
                )
                for event in events:
                    assert event.asset_key
                    rows_loaded[event.asset_key] = (event.metadata or {}).get("rows_loaded", 0)

        def chosen_of(tables: Sequence[SourceTable]) -> Sequence[SourceTable]:
            return [table for table in tables if keys[table.name] in context.selected_asset_keys]

        with warehouse.writing(say=context.log.info), _told_plainly():
            if system not in settings.systems:
                with warehouse.session() as execute:
                    create_raw_tables(tables, execute)
                yield from _left_out(context, system, [keys[table.name] for table in chosen_of(tables)])
                return
            source = open_source(settings, tables)
            extraction = Extraction(source, window_of(context))
            extraction.locate(source.tables)
            chosen = chosen_of(source.tables)
            deleted = ingest(extraction, source.tables, chosen, warehouse, folder, run)
        yield from _materializations(extraction, chosen, keys, deleted, rows_loaded)
        yield from contract_results(context, extraction, chosen, keys)
        if extraction.errors:
            raise dg.Failure("\n".join(extraction.errors.values()), allow_retries=False)

    return raw


class _told_plainly:
    """A source's error is one sentence in the UI, not a traceback."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _type: Any, error: BaseException | None, _traceback: Any) -> None:
        cause = error
        while cause is not None:
            if isinstance(cause, SourceError):
                raise dg.Failure(
                    str(cause), allow_retries=isinstance(cause, SourceUnreachableError)
                ) from None
            cause = cause.__cause__ or cause.__context__


def _left_out(
    context: dg.AssetExecutionContext, system: str, keys: Sequence[dg.AssetKey]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    for key in keys:
        yield dg.MaterializeResult(asset_key=key, metadata={"dagster/partition_row_count": 0})
        yield from contract_result(
            context, key, True, f"{system} is not taken in: it is not in RETAIL_SOURCES. The table is empty."
        )


def _materializations(
    extraction: Extraction,
    tables: Sequence[SourceTable],
    keys: Mapping[str, dg.AssetKey],
    deleted: Mapping[str, int],
    rows_loaded: Mapping[dg.AssetKey, Any],
) -> Iterator[dg.MaterializeResult]:
    """dlt says what it loaded of the tables that had news; the others have nothing new."""
    start, end = extraction.window
    for table in tables:
        if table.name not in extraction.errors:
            yield dg.MaterializeResult(
                asset_key=keys[table.name],
                metadata={
                    "dagster/partition_row_count": extraction.rows.get(table.name, 0),
                    "rows_loaded": rows_loaded.get(keys[table.name], 0),
                    "rows_deleted": deleted.get(table.name, 0),
                    "window": f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC",
                },
            )
