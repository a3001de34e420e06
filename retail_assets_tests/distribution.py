"""Which process runs which tests (pytest-xdist): a module comes to one of them, what takes long comes first.

That makes a module's fixtures once. xdist's own grouping, by marks, does nothing with pytest 9.2:
https://github.com/pytest-dev/pytest-xdist/issues/1386.
"""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Modules that take long, longest first; the others, in any order, then fill up what is left in the end.
LONGEST = (
    "test_adventureworks.py",
    "laws/test_both_engines.py",
    "laws/test_windows.py",
    "laws/test_crash.py",
    "segmentation/test_personas.py",
    "transformation/test_unit_tests.py",
    "laws/test_as_of.py",
    "transformation/test_inventory.py",
    "transformation/test_marketing.py",
    "transformation/test_staging.py",
    "ingestion/test_sql_source.py",
    "laws/test_one_at_a_time.py",
    "ingestion/test_assets.py",
)
# Tests there take long and need no fixture of their module's: each of them stands alone.
ALONE = "/laws/"


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests by the time that their modules take; within a module they keep their order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    tests = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(tests).as_posix(), len(places)))


class ByModule(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives out modules, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Producer | None = None):
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if ALONE in nodeid else nodeid.split("::", 1)[0]
