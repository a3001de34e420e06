"""Law 11. Nothing is predicted without a record of earlier predictions against what happened, beside the
plainest baseline. That records are right is tested with their packages; here, that nothing lacks one."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import retail_assets

# What a row of a record says of the baseline, in a column; `verdict` says it in words.
AGAINST_THE_BASELINE = {"beats_own_rate", "beats_popularity", "beats_seasonal_naive", "is_nearer"}


def _tables() -> Mapping[str, Mapping[str, set[str]]]:
    """The columns of all tables that Python makes week by week, by package and table."""
    catalogs = sorted(Path(retail_assets.__file__).parent.glob("*/catalog.py"))
    modules = {
        path.parent.name: import_module(f"retail_assets.{path.parent.name}.catalog") for path in catalogs
    }
    return {
        package: {name: set(columns) for name, columns in module.COLUMNS.items()}
        for package, module in modules.items()
        if hasattr(module, "COLUMNS")
    }


def test_whatever_predicts_has_a_record_beside_a_baseline():
    tables = _tables()
    predicting = {
        package
        for package, known in tables.items()
        for columns in known.values()
        if any(column.startswith("expected_") or column == "rank" for column in columns)
    }
    assert predicting == {"lifetime_value", "recommendations", "demand", "prices"}
    for package in predicting:
        records = [
            name
            for name, columns in tables[package].items()
            if "verdict" in columns and columns & AGAINST_THE_BASELINE
        ]
        assert records, package
