"""What an inspection finds: plain values, for the report and for JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias

# `loss`: figures would lack something. `look`: nothing is lost, and somebody should know. `note`: told only.
Level: TypeAlias = Literal["loss", "look", "note"]
LEVELS: Sequence[Level] = ("loss", "look", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that there is to say of a table, in one sentence, and what it is made of."""

    level: Level
    kind: str
    sentence: str
    rows: int | None = None
    amount: Decimal | None = None  # in the table's own currency; None where the table has no amounts
    column: str | None = None
    reason: str | None = None
    value: str | None = None
    row: str | None = None  # one of the rows, by its key


@dataclass
class TableFindings:
    """A table of the contract, as a source has it."""

    name: str
    place: str | None  # what the source calls it; None if it is not there
    rows: int = 0  # read, with those that were refused
    columns: Sequence[str] = ()  # those that are there
    missing: Sequence[str] = ()
    findings: list[Finding] = field(default_factory=list)

    def of(self, *levels: Level) -> list[Finding]:
        """The findings of some levels, the worst first."""
        return [each for level in LEVELS if level in levels for each in self.findings if each.level == level]

    @property
    def verdict(self) -> str:
        """In a few words."""
        number = len(self.of("loss", "look"))
        if number:
            return f"{number} thing{'' if number == 1 else 's'} to look at"
        return "OK" if self.place is not None else "not there"


@dataclass
class SystemFindings:
    """A system, and its tables in the contract's order."""

    name: str
    place: str
    mapping: str = ""  # the file, if there is one
    error: str = ""  # why nothing of it could be read
    tables: list[TableFindings] = field(default_factory=list)

    @property
    def worst_first(self) -> list[TableFindings]:
        """The tables in the order in which they need a look."""
        return sorted(
            self.tables,
            key=lambda table: (
                table.place is None and not table.of("loss", "look"),
                -len(table.of("loss")),
                -len(table.of("look")),
            ),
        )


@dataclass
class Inspection:
    """What the systems' sources would bring, for a range of days with both included."""

    first: date
    last: date
    timezone: str
    systems: list[SystemFindings] = field(default_factory=list)
    error: str = ""  # why staging could not judge the rows

    @property
    def losses(self) -> list[tuple[str, Finding]]:
        """What figures would lack, each with its table (`erp.customer`)."""
        return [
            (f"{system.name}.{table.name}", finding)
            for system in self.systems
            for table in system.tables
            for finding in table.of("loss")
        ]

    @property
    def is_without_loss(self) -> bool:
        """Whether the first run would load every row."""
        return not (self.losses or self.error or any(system.error for system in self.systems))

    def as_json(self) -> dict[str, Any]:
        """All of it in values that JSON has. Amounts are texts, so that they stay exact."""
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "timezone": self.timezone,
            "is_without_loss": self.is_without_loss,
            "error": self.error or None,
            "systems": [
                {
                    "name": system.name,
                    "place": system.place,
                    "mapping": system.mapping or None,
                    "error": system.error or None,
                    "tables": [_table(table) for table in system.worst_first],
                }
                for system in self.systems
            ],
        }


def _table(table: TableFindings) -> dict[str, Any]:
    return {
        "name": table.name,
        "place": table.place,
        "rows": table.rows,
        "verdict": table.verdict,
        "columns": list(table.columns),
        "missing": list(table.missing),
        "findings": [dict(_finding(each)) for each in table.of(*LEVELS)],
    }


def _finding(finding: Finding) -> Iterator[tuple[str, Any]]:
    for name, value in vars(finding).items():
        if value is not None:
            yield name, str(value) if isinstance(value, Decimal) else value
