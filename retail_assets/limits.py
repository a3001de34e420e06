"""Limits as settings have them, `5% erp.customer=1000`: shares and amounts, of all or of what is named."""

import re
from dataclasses import dataclass
from decimal import Decimal

_LIMIT = re.compile(r"(?:([\w.]+)=)?(\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True)
class Limit:
    """The most that something may be."""

    most: Decimal
    is_share: bool
    """In percent of a whole, or else an amount."""

    def is_exceeded(self, part: Decimal | int, whole: Decimal | int, amount: Decimal | None) -> bool:
        """Whether a part of a whole is more, or what it is worth; an amount that nobody knows is not."""
        if self.is_share:
            return 100 * part > self.most * whole
        return amount is not None and amount > self.most


def limit_of(limits: str, *names: str) -> Limit | None:
    """The limit of the first of these names that has one. That of all others has the name ''."""
    found = {each[1] or "": each for each in map(_LIMIT.fullmatch, limits.split()) if each}
    each = next((found[name] for name in names if name in found), None)
    return Limit(Decimal(each[2]), bool(each[3])) if each else None


def no_limit(limits: str, names: str) -> str | None:
    """The first word that is no limit; `names` is the pattern of what may be named."""
    for word in limits.split():
        each = _LIMIT.fullmatch(word)
        if not each or (each[1] and not re.fullmatch(names, each[1])):
            return word
    return None
