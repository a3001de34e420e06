"""The mutations: one file per law (`laws/*.yml`), a list of what is changed and which tests have to fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).with_name("laws")


@dataclass(frozen=True)
class Mutation:
    """One change that breaks a law."""

    law: int
    breaks: str
    """What is wrong then, as a sentence."""
    file: str
    """The file that is changed, from the checkout on."""
    old: str
    """The text that is replaced. It occurs once."""
    new: str
    tests: tuple[str, ...]
    """The cheapest tests that have to fail, as pytest names them."""


@dataclass(frozen=True)
class Law:
    """A law with what breaks it."""

    number: int
    name: str
    mutations: Sequence[Mutation]


@cache
def laws() -> Sequence[Law]:
    """All laws, by number."""
    return [_law(path) for path in sorted(FOLDER.glob("*.yml"))]


def _law(path: Path) -> Law:
    number, name = path.stem.split("_", 1)
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    mutations = [
        Mutation(
            law=int(number),
            breaks=entry["breaks"],
            file=entry["file"],
            old=entry["old"],
            new=entry["new"],
            tests=tuple(f"retail_assets_tests/{test}" for test in entry["tests"]),
        )
        for entry in entries
    ]
    return Law(int(number), name.replace("_", " ").capitalize(), mutations)
