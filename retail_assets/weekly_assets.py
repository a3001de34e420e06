"""What the steps that write weekly tables in Python tell Dagster, the same way for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import dagster as dg

from retail_assets.resources.weekly_tables import Columns


@dataclass(frozen=True)
class Finding:
    """What a check found in one week."""

    check: str
    passed: bool
    text: str
    value: float | None = None


def column_schema(columns: Columns) -> dg.TableSchema:
    """A table's columns, as the UI shows them."""
    return dg.TableSchema(
        [dg.TableColumn(name, type_, description) for name, (type_, description) in columns.items()]
    )


def check_results(
    found: Mapping[str, list[tuple[str, Finding]]],
    assets: Mapping[str, dg.AssetKey],
    severity: Mapping[str, dg.AssetCheckSeverity],
) -> Iterator[dg.AssetCheckResult]:
    """One result for each check, over all weeks of the run; the weeks that missed it are named."""
    for check, pairs in found.items():
        missed = [f"{week}: {finding.text}" for week, finding in pairs if not finding.passed]
        last_week, last = pairs[-1]
        yield dg.AssetCheckResult(
            check_name=check,
            asset_key=assets[check],
            passed=not missed,
            severity=severity[check],
            description="; ".join(missed) or last.text,
            metadata={"weeks": len(pairs), "newest week": last_week, "value": last.value or 0},
        )
