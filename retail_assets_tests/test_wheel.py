"""A wheel works where there is no checkout.

It is built from a source distribution and installed into an environment of its own, which borrows the
dependencies of the one that runs the tests. So this covers what the wheel must hold; that the dependencies
can be installed from the lock is seen by `make setup`.
"""

import os
import re
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
NOT_SOURCE = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "target", "logs")


def _run(command: Sequence[str | Path], folder: Path) -> str:
    """What a command prints, run in a folder with nothing of this process's environment."""
    environment = {"PATH": os.defpath, "HOME": str(folder)}
    result = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(CHECKOUT, source, ignore=NOT_SOURCE)
    make_sdist = f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})"
    _run([sys.executable, "-c", make_sdist], source)
    shutil.rmtree(source)
    (sdist,) = folder.glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    _run([*pip, "--wheel-dir", folder, sdist], folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel in it, and not the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (installed,) = folder.glob("lib/*/site-packages")
    # Paths, of which Python does not read the .pth files: an editable install of the checkout is not seen.
    (installed / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    _run([*pip, wheel], folder)
    return folder / "bin"


def test_has_the_license_and_no_tests(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(re.fullmatch(r"retail_assets-.*\.dist-info/licenses/LICENSE", name) for name in names)
    assert not [name for name in names if name.startswith(("retail_assets_tests", "benchmarks"))]


def test_runs_a_demo_in_an_empty_folder(environment: Path, tmp_path: Path):
    where = _run(
        [environment / "python", "-c", "import retail_assets; print(retail_assets.__file__)"], tmp_path
    )
    assert Path(where.strip()).is_relative_to(environment.parent)
    command = environment / "retail-assets"
    assert "backfill" in _run([command, "--help"], tmp_path)
    shown = _run([command, "demo", "--consumers", "50", "--days", "30"], tmp_path)
    assert "Who are the top customers by revenue?" in shown
    assert (tmp_path / ".retail" / "published" / "retail.duckdb").exists()
    _run([command, "dashboards", "export", "pages"], tmp_path)
    assert "Net sales by day" in (tmp_path / "pages" / "sales.html").read_text()
    assert (tmp_path / "pages" / "static" / "echarts.min.js").exists()
    # The package stays as it was installed: a home holds all state.
    assert not list((environment.parent).glob("lib/*/site-packages/retail_assets/dbt_project/target"))
