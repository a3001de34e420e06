"""Raw: one asset per source table, loaded by dlt through dagster-dlt."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import dlt
from dagster_dlt import DagsterDltResource, DagsterDltTranslator, build_dlt_asset_specs
from dagster_dlt.translator import DltResourceTranslatorData

from retail_assets.ingestion.contract import SourceTable, source_tables
from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
from retail_assets.ingestion.load import Extraction, mark_deletions, source
from retail_assets.partitions import daily_partitions, window_of
from retail_assets.resources.warehouse import Warehouse, warehouse_of
from retail_assets.settings import Settings
from retail_assets.transformation.translator import Translator

CONTRACT_CHECK = "source_matches_contract"


class RawTranslator(DagsterDltTranslator):
    """Raw assets carry what `_sources.yml` says of their table."""

    def __init__(self, translator: Translator, manifest: Mapping[str, Any], tables: Sequence[SourceTable]):
        self._specs = {
            table.name: translator.get_asset_spec(manifest, table.unique_id, None)
            for table in tables
        }  # fmt: skip

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        spec = self._specs[data.resource.name]
        return (
            super()
            .get_asset_spec(data)
            .replace_attributes(
                key=spec.key,
                deps=[],
                description=spec.description,
                group_name=spec.group_name,
                owners=list(spec.owners),
                tags=spec.tags,
                kinds={"dlt", "sql"},
                metadata={key: value for key, value in spec.metadata.items() if "column" in key},
                freshness_policy=spec.freshness_policy,
            )
        )


def raw_assets(
    settings: Settings, system: str, manifest: Mapping[str, Any], translator: Translator
) -> dg.AssetsDefinition:
    """The tables of one SQL system, with a check that each still is what the contract says."""
    tables = source_tables(manifest, system)
    raw_translator = RawTranslator(translator, manifest, tables)
    pipeline = dlt.pipeline(
        f"raw_{system}", dataset_name=tables[0].schema, pipelines_dir=str(settings.home / "dlt")
    )
    specs = build_dlt_asset_specs(source(tables), pipeline, raw_translator)
    keys = {table.name: spec.key for table, spec in zip(tables, specs, strict=True)}

    @dg.multi_asset(
        name=f"raw_{system}",
        specs=specs,
        check_specs=[
            dg.AssetCheckSpec(
                CONTRACT_CHECK,
                asset=key,
                description="The table is there, with the columns that _sources.yml names.",
            )
            for key in keys.values()
        ],
        can_subset=True,
        partitions_def=daily_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
        retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    )
    def raw(context: dg.AssetExecutionContext, dlt_resource: DagsterDltResource) -> Iterator[Any]:
        chosen = [table for table in tables if keys[table.name] in context.selected_asset_keys]
        warehouse = warehouse_of(settings)
        with warehouse.writing(say=context.log.info), _told_plainly():
            extraction = _extraction(settings, system, context, tables)
            readable = [table for table in chosen if table.name not in extraction.errors]
            if readable:
                yield from _load(context, dlt_resource, settings, warehouse, extraction, readable,
                                 raw_translator)  # fmt: skip
        yield from _contract_results(context, extraction, chosen, keys)
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


def _extraction(
    settings: Settings,
    system: str,
    context: dg.AssetExecutionContext,
    tables: Sequence[SourceTable],
) -> Extraction:
    from retail_assets.ingestion.sql_source import SqlSource

    extraction = Extraction(SqlSource(system, settings.source_url(system)), window_of(context))
    extraction.source.check()
    extraction.locate(tables)
    return extraction


def _load(
    context: dg.AssetExecutionContext,
    dlt_resource: DagsterDltResource,
    settings: Settings,
    warehouse: Warehouse,
    extraction: Extraction,
    tables: Sequence[SourceTable],
    translator: RawTranslator,
) -> Iterator[dg.MaterializeResult]:
    pipeline = dlt.pipeline(
        f"raw_{tables[0].system}",
        dataset_name=tables[0].schema,
        destination=warehouse.dlt_destination(),
        pipelines_dir=str(settings.home / "dlt"),
    )
    # Raw itself is the state: windows come from the partition, and versions are found by their hash.
    pipeline.config.restore_from_destination = False
    with warnings.catch_warnings():
        # dagster-dlt calls what dlt has renamed; that is no news for a user.
        warnings.simplefilter("ignore", DeprecationWarning)
        results = list(
            dlt_resource.run(
                context=context,
                dlt_source=source(tables, extraction),
                dlt_pipeline=pipeline,
                dagster_dlt_translator=translator,
                loader_file_format="parquet",
            )
        )
    for table, result in zip(tables, results, strict=True):
        deleted = mark_deletions(extraction, table, warehouse.execute)
        yield dg.MaterializeResult(
            asset_key=result.asset_key,
            metadata={
                "dagster/partition_row_count": extraction.rows.get(table.name, 0),
                "rows_deleted": deleted,
                "window": f"{extraction.window.start:%Y-%m-%d %H:%M} to"
                f" {extraction.window.end:%Y-%m-%d %H:%M} UTC",
            },
        )


def _contract_results(
    context: dg.AssetExecutionContext,
    extraction: Extraction,
    tables: Sequence[SourceTable],
    keys: Mapping[str, dg.AssetKey],
) -> Iterator[dg.AssetCheckResult]:
    for table in tables:
        located = extraction.located.get(table.name)
        severity = dg.AssetCheckSeverity.WARN
        if table.name in extraction.errors:
            problem: str | None = extraction.errors[table.name]
            severity = dg.AssetCheckSeverity.ERROR
        elif located is None:
            problem = f"{table.system} has no table {table.source_table}: it counts as empty."
            context.log.warning(problem)
        else:
            problem = None
        result = dg.AssetCheckResult(
            check_name=CONTRACT_CHECK,
            asset_key=keys[table.name],
            passed=problem is None,
            severity=severity,
            description=problem,
        )
        if dg.AssetCheckKey(keys[table.name], CONTRACT_CHECK) in context.selected_asset_check_keys:
            yield result
