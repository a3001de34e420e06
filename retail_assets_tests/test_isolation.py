"""Tests see nothing of where they are started, nor of each other: no home, no variables."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
PROBE = """
import os
from pathlib import Path
from retail_assets.settings import settings

def test_sees_nothing(tmp_path):
    assert settings().start_date.isoformat() == "2024-01-01"
    assert settings().erp_url == ""
    assert not settings().home.exists()
    assert not {"DAGSTER_HOME", "DBT_TARGET_PATH"} & set(os.environ)
    os.environ["RETAIL_ERP_URL"] = "sqlite:///left.sqlite"
    os.chdir(tmp_path)

def test_sees_nothing_of_another_test():
    assert settings().erp_url == ""
    assert Path.cwd().name.startswith("empty")
"""


def test_a_home_and_variables_are_not_seen(tmp_path: Path) -> None:
    (tmp_path / ".retail").mkdir()
    (tmp_path / ".retail" / "retail.env").write_text("RETAIL_START_DATE=2023-05-05\n")
    (tmp_path / "test_probe.py").write_text(PROBE)
    foreign = {
        "RETAIL_ERP_URL": "sqlite:///somebodys.sqlite",
        "RETAIL_HOME": str(tmp_path / ".retail"),
        "DAGSTER_HOME": str(tmp_path),
        "DBT_TARGET_PATH": str(tmp_path),
    }
    for variables in (foreign, {}):
        command = [sys.executable, "-m", "pytest", "-n", "0", "-c", str(TESTS.parent / "pyproject.toml")]
        result = subprocess.run(
            [*command, "--rootdir", str(tmp_path), str(tmp_path / "test_probe.py")],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(TESTS.parent), **variables},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stdout
