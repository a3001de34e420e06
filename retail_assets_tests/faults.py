"""Tests that try a fault say so in one line; docs/reliability.md is generated from that (reliability.py)."""

from enum import StrEnum

import pytest


class Area(StrEnum):
    """What a fault happens to: a table of the document."""

    INGESTION = "Ingestion"
    BUILDING = "Building"
    PUBLISHING = "Publishing and reading"
    ALERTS = "Alerts"
    UPGRADES = "Upgrades"
    MACHINE = "The machine"


def fault(area: Area, what: str, outcome: str, *, times: int = 1) -> pytest.MarkDecorator:
    """Declare what fault a test tries and what comes of it.

    `times` is how often one run of the test tries it, by the constants that the test itself uses. Cases of a
    parametrized test are counted by themselves.
    """
    return pytest.mark.fault(area=area, what=what, outcome=outcome, times=times)
