"""What we use of other libraries' insides is there, and is used through one module."""

import ast
from pathlib import Path

import pytest

import retail_assets
from retail_assets import internals

PACKAGE = Path(retail_assets.__file__).parent
PRIVATE = (
    "dagster._",
    "dagster_shared",
    "dagster_dbt.asset_utils",
    "dagster_dbt.core",
    "dbt.adapters",
    "dbt.contracts",
)


@pytest.mark.parametrize("name", internals.USED)
def test_is_still_there(name):
    assert getattr(internals, name) is not None


def test_an_attribute_that_went_missing_is_named(monkeypatch):
    monkeypatch.setitem(internals.USED, "gone_with_an_upgrade", ("dagster._core.utils", "Nobody knows."))
    with pytest.raises(ImportError, match=r"dagster\._core\.utils\.gone_with_an_upgrade is not there"):
        internals.gone_with_an_upgrade  # noqa: B018


def test_nothing_private_is_imported_elsewhere():
    found = [
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "internals.py"
        for module in _imports(path)
        if module.startswith(PRIVATE)
    ]
    assert found == []


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
