"""The summary at the end of a run, counted from its events."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import dagster as dg
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from retail_assets.quality.row_account import Quarantined, RowAccount, Rows
from retail_assets.resources.terminal import lines

# How many tables, reasons and checks are listed; the others are only counted.
LINES_SHOWN = 10


@dataclass(frozen=True)
class Missed:
    """A check that did not pass."""

    kind: str
    asset: str
    check: str
    why: str


@dataclass
class RunResult:
    """What a run did. It is a success if all went well and nothing was refused."""

    success: bool
    seconds: float
    partitions: int
    assets: set[str] = field(default_factory=set)
    checks: Counter[str] = field(default_factory=Counter)
    missed: list[Missed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    rows: RowAccount = field(default_factory=RowAccount)

    def summary(self) -> Group:
        """For people: one line, the rows, and what needs a look."""
        return Group(*self._parts())

    def _parts(self) -> Iterator[RenderableType]:
        state = Text("Done", "green") if self.success else Text("Failed", "bold red")
        checks = ", ".join(f"{number:,} {kind}" for kind, number in sorted(self.checks.items()))
        partitions = f"{self.partitions:,} partition{'s each' if self.partitions > 1 else ''}"
        assets = f"{len(self.assets):,} asset{'s' if len(self.assets) != 1 else ''}"
        yield state + f": {assets}, {partitions}; checks: {checks or 'none'}; {self.seconds:.1f} s."
        if self.rows.tables:
            yield Text()
            yield rows_table(self.rows)
        if self.rows.quarantined:
            yield Text("\nIn quarantine, until the source corrects them (staging.quarantine):")
            yield from _some([lines(_quarantined(each)) for each in _largest(self.rows.quarantined)])
        if self.rows.in_quarantine:
            yield Text(
                f"\n{_rows(self.rows.in_quarantine)} in quarantine in all, with earlier and refused ones:"
                " retail-assets quarantine list"
            )
        if self.rows.told:
            yield Text("\nWorth knowing:")
            yield from _some(
                [
                    lines(f"{table}: {each}")
                    for table, said in self.rows.told.items()
                    for each in said.splitlines()
                ]
            )
        if self.rows.refused:
            yield Text("\nRefused, so that figures lack it:", "bold red")
            yield from (lines(each, "red") for each in _refused(self.rows.refused))
        known = {line for why in self.rows.refused.values() for line in why.splitlines()}
        failures = [line for each in self.failures for line in each.splitlines() if line not in known]
        if failures:
            yield Text("\nFailed:", "bold red")
            yield lines("\n".join(failures), "red")
        if self.missed:
            yield Text("\nChecks that did not pass:")
            told = list(_checks(self.missed))
            grid = Table.grid(padding=(0, 1, 0, 0))
            for kind, text in told[:LINES_SHOWN]:
                grid.add_row(kind, text)
            yield grid
            yield from _more(told)


def rows_table(account: RowAccount) -> Table:
    """Read, new, deleted, ... per table, where there is more to say than that it was read; and in total."""
    told = sorted(
        (table for table, rows in account.tables.items() if rows != Rows(read=rows.read)),
        key=lambda table: (-_trouble(account.tables[table]), -account.tables[table].new, table),
    )
    shown = {table: account.tables[table] for table in told[:LINES_SHOWN]}
    others = [rows for table, rows in account.tables.items() if table not in shown]
    if others:
        shown[f"{len(others)} other tables" if shown else f"{len(others)} tables"] = sum(others, Rows())
    total = account.total
    names = [
        "read",
        "new",
        *(name for name in ("deleted", "quarantined", "refused", "outside") if getattr(total, name)),
    ]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("rows", overflow="ellipsis", no_wrap=True)
    for name in names:
        table.add_column("outside every window" if name == "outside" else name, justify="right")
    for label, rows in shown.items():
        table.add_row(Text(label), *(_count(getattr(rows, name)) for name in names))
    table.add_row("total", *(f"{getattr(total, name):,}" for name in names), style="bold")
    return table


def _trouble(rows: Rows) -> int:
    return rows.quarantined + rows.refused + rows.outside + rows.deleted


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _largest(quarantined: Sequence[Quarantined]) -> list[Quarantined]:
    return sorted(
        quarantined, key=lambda each: (-abs(each.amount or Decimal(0)), -each.rows, each.table, each.reason)
    )


def _refused(refused: Mapping[str, str]) -> Iterator[str]:
    """Why tables were refused; once, where one reason keeps several from being read."""
    tables: dict[str, list[str]] = {}
    for table, why in refused.items():
        # The system stands in the table's name already.
        said = "\n".join(line.removeprefix(f"{table.partition('.')[0]}: ") for line in why.splitlines())
        tables.setdefault(said, []).append(table)
    for why, named in tables.items():
        yield f"{', '.join(named)}: {why}"


def _quarantined(each: Quarantined) -> str:
    amount = f", amount {each.amount:,.2f}" if each.amount is not None else ""
    return f"{each.table}: {_rows(each.rows)}{amount}: {each.reason}"


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _checks(missed: Sequence[Missed]) -> Iterator[tuple[Text, Text]]:
    """A line for each, the worst first; one check that many assets miss is one line."""
    groups: dict[tuple[str, str], list[Missed]] = {}
    for each in missed:
        many = sum(each.check == other.check and each.kind == other.kind for other in missed) > LINES_SHOWN
        groups.setdefault((each.kind, each.check if many else f"{each.asset} {each.check}"), []).append(each)
    for (kind, _), group in sorted(groups.items(), key=lambda item: (item[0][0] != "failed", item[0][1])):
        first = group[0]
        subject = first.asset if len(group) == 1 else f"{len(group):,} assets, such as {first.asset}"
        style = "red" if kind == "failed" else "yellow"
        yield Text(kind, style), lines(f"{subject}: {first.why}")


def _some(texts: Sequence[Text]) -> Iterator[Text]:
    yield from texts[:LINES_SHOWN]
    yield from _more(texts)


def _more(told: Sequence[object]) -> Iterator[Text]:
    if len(told) > LINES_SHOWN:
        yield Text(f"and {len(told) - LINES_SHOWN:,} more: see the UI")


def miss(evaluation: dg.AssetCheckEvaluation, title: str) -> Missed:
    """A check that did not pass, with one sentence on it; `title` is what it asks, in short."""
    kind = "warned" if evaluation.severity is dg.AssetCheckSeverity.WARN else "failed"
    rows = evaluation.metadata.get("dagster_dbt/failed_row_count")
    if evaluation.description:
        why = f"{evaluation.check_name}: {evaluation.description.splitlines()[0]}"
    elif rows and isinstance(rows.value, int):
        why = f"{_rows(rows.value)} {'does' if rows.value == 1 else 'do'} not pass {title}"
    else:
        why = f"{title} is not so"
    return Missed(kind, ".".join(evaluation.asset_key.path), evaluation.check_name, why)
