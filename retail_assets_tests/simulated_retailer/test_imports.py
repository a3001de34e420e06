"""The simulated retailer and the product know nothing of each other; what runs the demo knows both."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import retail_assets
import simulated_retailer

PRODUCT = Path(retail_assets.__file__).parent
SIMULATION = Path(simulated_retailer.__file__).parent


def _imports(path: Path) -> Iterator[str]:
    """The top-level packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # All imports here are absolute; a relative one could leave the package unseen.
            assert not node.level, f"{path}:{node.lineno} is a relative import"
            yield (node.module or "").split(".")[0]


def _importing(package: str, folder: Path) -> set[Path]:
    modules = list(folder.rglob("*.py"))
    assert modules
    return {path.relative_to(folder) for path in modules if package in _imports(path)}


def test_the_simulation_imports_nothing_of_the_product():
    assert not _importing("retail_assets", SIMULATION)


def test_only_the_demo_imports_the_simulation():
    assert {path.parts[0] for path in _importing("simulated_retailer", PRODUCT)} == {"demo"}


def test_the_simulation_runs_where_the_product_cannot_be_imported():
    program = """if True:
        import sys
        from datetime import date
        sys.modules["retail_assets"] = None  # any import of it fails
        from simulated_retailer import simulate
        print(len(simulate(consumers=20, days=3, start=date(2024, 1, 1)).versions))
    """
    root = SIMULATION.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("5", 0), done.stderr


@pytest.mark.parametrize("line", ["import retail_assets.settings", "from retail_assets import settings"])
def test_the_linter_says_so_too(line):
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"]
    at = ["--stdin-filename", str(SIMULATION / "engine" / "new.py"), "-"]
    done = subprocess.run([*ruff, *at], input=f"{line}\n", capture_output=True, text=True)
    assert "TID251" in done.stdout
    assert done.returncode == 1
