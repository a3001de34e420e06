"""Companies of their own shape, for tests of mappings."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retail_assets_tests.ingestion.company import Company, Manifest


@pytest.fixture(scope="session")
def manifest(parsed_project: Path) -> Manifest:
    """The dbt project's manifest, which has the contract."""
    found: Manifest = json.loads((parsed_project / "duckdb" / "manifest.json").read_bytes())
    return found


@pytest.fixture
def company(tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Company]:
    """Makes companies: `company("webshop", url, mapping)`."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return lambda *args: Company(tmp_path / "home", manifest, *args)
