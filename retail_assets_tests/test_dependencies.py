"""What the code imports is declared, bounded, and locked within its bounds."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
PACKAGES = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")}
# The packages in the wheel. Only a checkout has the others.
SHIPPED = {name for name in PACKAGES if name not in ("retail_assets_tests", "benchmarks")}


def _requirements(declared: Iterable[str]) -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in declared]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


RUNTIME = _requirements(PROJECT["dependencies"])
ALL = RUNTIME | _requirements(line for extra in PROJECT["optional-dependencies"].values() for line in extra)
# Whoever names such a database installs its driver, and nothing else imports it.
DRIVERS = _requirements(
    line for name, lines in PROJECT["optional-dependencies"].items() if name != "dev" for line in lines
)
LOCK = (CHECKOUT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE))


def _imports(package: str) -> Iterator[str]:
    """The modules of others that a package imports."""
    for path in (CHECKOUT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield str(node.module)


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_what_is_imported_is_declared(package: str):
    declared = RUNTIME | DRIVERS if package in SHIPPED else ALL
    providers = packages_distributions()
    names = {module.split(".")[0] for module in _imports(package)} - sys.stdlib_module_names - PACKAGES
    # Several distributions may share a name, such as `dbt`.
    undeclared = {
        name
        for name in names
        if not {canonicalize_name(each) for each in providers.get(name, [name])} & declared.keys()
    }
    assert undeclared == set()


@pytest.mark.parametrize("name", sorted(ALL))
def test_is_bounded_and_locked_within_its_bounds(name: str):
    specifier = ALL[name].specifier
    assert {each.operator for each in specifier} >= {">=", "<"}
    assert LOCKED[name] in specifier, "run `make lock`"


def test_the_lock_names_no_registry():
    assert "://" not in LOCK
    assert "--" not in LOCK
