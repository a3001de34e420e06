"""What ingestion may import; the linter holds it to that (retail_assets/ingestion/ruff.toml)."""

import subprocess
import sys
from pathlib import Path

import pytest

from retail_assets import ingestion


@pytest.mark.parametrize(
    ("module", "line", "allowed"),
    [
        ("load.py", "import dagster as dg", False),
        ("load.py", "from dbt.cli.main import dbtRunner", False),
        ("load.py", "from retail_assets.transformation.window import build", False),
        ("load.py", "from retail_assets.catalog.contract import SourceTable", True),
        ("assets.py", "import dagster as dg", True),
    ],
)
def test_the_linter_says_what_ingestion_may_not_import(module: str, line: str, allowed: bool):
    at = Path(ingestion.__file__).with_name(module)
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"]
    done = subprocess.run(
        [*ruff, "--stdin-filename", at, "-"], input=f"{line}\n", capture_output=True, text=True
    )
    assert ("TID251" not in done.stdout) == allowed, done.stdout
