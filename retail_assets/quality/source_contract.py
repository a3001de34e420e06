"""Whether each source table still is what the contract says: a check on every raw table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import dagster as dg

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.source import Found, Source

CONTRACT_CHECK = "source_matches_contract"
PROBLEMS_SHOWN = 5


def contract_check_specs(keys: Iterable[dg.AssetKey]) -> Iterator[dg.AssetCheckSpec]:
    """The check of each raw table."""
    for key in keys:
        yield dg.AssetCheckSpec(
            CONTRACT_CHECK,
            asset=key,
            description="The table is there with the columns of _sources.yml, and its files are whole.",
        )


def contract_results(
    context: dg.AssetExecutionContext,
    extraction: Extraction,
    tables: Sequence[SourceTable],
    keys: Mapping[str, dg.AssetKey],
) -> Iterator[dg.AssetCheckResult]:
    for table in tables:
        error = extraction.errors.get(table.name)
        problems = [error] if error else [*_absence(extraction, table), *extraction.source.problems(table)]
        for problem in problems:
            context.log.warning(problem)
        severity = dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN
        # What is not there is no fault: it is told in a check that passes.
        told = [*_summary(problems), *([] if error else costs(extraction.source, table, extraction.found))]
        yield from contract_result(context, keys[table.name], not problems, "\n".join(told) or None, severity)


def _absence(extraction: Extraction, table: SourceTable) -> Iterator[str]:
    is_wanted = extraction.source.mapping.covers(table) and not table.is_optional
    if is_wanted and table.name not in extraction.found:
        yield extraction.source.absence(table)


def costs(source: Source, table: SourceTable, found: Mapping[str, Found]) -> Sequence[str]:
    """What is lost by what a source does not have of a table: one sentence each; none if it has all."""
    if not source.mapping.covers(table):
        return [f"The mapping leaves {table.name} out: {table.without}."]
    if table.name not in found:
        return [f"Without {table.name} {table.without}."] if table.without else []
    return [f"{sentence[0].upper()}{sentence[1:]}." for sentence in found[table.name].costs]


def _summary(problems: Sequence[str]) -> Sequence[str]:
    more = len(problems) - PROBLEMS_SHOWN
    return [*problems[:PROBLEMS_SHOWN], *([f"And {more:,} more."] if more > 0 else [])]


def contract_result(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    passed: bool,
    description: str | None,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> Iterator[dg.AssetCheckResult]:
    """The contract check's result, if the run selected the check."""
    if dg.AssetCheckKey(key, CONTRACT_CHECK) in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            check_name=CONTRACT_CHECK,
            asset_key=key,
            passed=passed,
            severity=severity,
            description=description,
        )
