"""What is declared of faults and mutations is sound, and the document that is made of it is current."""

import ast
import subprocess
import sys
from collections.abc import Set

import pytest

from retail_assets_tests.mutations.catalogue import CHECKOUT, Mutation, laws
from retail_assets_tests.reliability import DOCUMENT, declaring, document, tried

MUTATIONS = [mutation for law in laws() for mutation in law.mutations]
LEAST = 3


def test_every_law_has_mutations() -> None:
    assert [law.number for law in laws()] == [*range(1, 12)]
    assert {law.name: len(law.mutations) for law in laws() if len(law.mutations) < LEAST} == {}


@pytest.fixture(scope="module")
def collected(request: pytest.FixtureRequest) -> Set[str]:
    """What can be named: tests with and without their case, modules. Empty if only some were collected."""
    if not _is_whole(request):
        return frozenset()
    tests = {item.nodeid for item in request.session.items}
    return tests | {test.split("[")[0] for test in tests} | {test.split("::")[0] for test in tests}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)
def test_a_mutation_can_be_tried(mutation: Mutation, collected: Set[str]) -> None:
    """Its old text is there once, it changes something, and the tests that have to fail exist."""
    path = CHECKOUT / mutation.file
    assert path.read_text(encoding="utf-8").count(mutation.old) == 1
    assert mutation.new != mutation.old
    assert mutation.tests
    for test in mutation.tests:
        module, _, name = test.partition("::")
        assert test in collected or not collected, test
        tree = ast.parse((CHECKOUT / module).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert not name or name.split("[")[0] in functions, test


def test_the_document_is_current(request: pytest.FixtureRequest) -> None:
    if _is_whole(request):
        written = document(tried(request.session.items))
    else:
        command = [sys.executable, "-c", PRINTING]
        printed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
        written = printed.split(MARK, 1)[1]
    assert DOCUMENT.read_text(encoding="utf-8") == written, "python -m retail_assets_tests.reliability"
    assert all(path.stem in written for path in declaring())


MARK = "-- the document --\n"
PRINTING = f"""
from retail_assets_tests.reliability import collected, document, tried
print({MARK!r}, document(tried(collected())), sep="", end="")
"""


def _is_whole(request: pytest.FixtureRequest) -> bool:
    """Whether all tests of these modules have been collected, and what they declare is known."""
    config = request.config
    chosen = [config.option.keyword, config.option.markexpr, *(each for each in config.args if "::" in each)]
    return not any(chosen) and {item.path for item in request.session.items} >= {*declaring()}
