"""Companies of their own shape, for tests of mappings."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retail_assets_tests.ingestion.company import Company, Manifest


@pytest.fixture
def company(tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Company]:
    """Makes companies: `company("webshop", url, mapping)`."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return lambda *args: Company(tmp_path / "home", manifest, *args)
