"""How much of each table, and of a run's rows of it, is in quarantine or refused: told if it is too much."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.catalog.contract import CHANGED_AT
from retail_assets.limits import limit_of
from retail_assets.quality.row_account import in_window, sources_of
from retail_assets.quality.warned import warned
from retail_assets.resources.warehouse import Execute
from retail_assets.windows import Window

QUARANTINE = "staging.quarantine"
# What somebody accepts in spite of a rule (retail_assets/quarantine/releases.py).
RELEASED = "quality.released_rows"

CHECK_NAME = "little_is_held_back"
# Of a table with years in it, a day of which nearly all is wrong is a small part.
CHECK_OF_RUN = "little_of_the_run_is_held_back"
KEY = dg.AssetKey(["staging", "quarantine"])
# Of so few rows a share says nothing.
FEW = 20


@dataclass(frozen=True)
class HeldBack:
    """What is held back of a table: rows, of how many in all, and what they are worth, if that is known."""

    table: str
    rows: int
    of: int
    amount: Decimal | None

    @property
    def told(self) -> str:
        """`erp.customer: 30 rows of 400 (7.5%), amount 12.50`."""
        amount = "" if self.amount is None else f", amount {self.amount:,.2f}"
        return f"{self.table}: {self.rows:,} rows of {self.of:,} ({100 * self.rows / self.of:.1f}%){amount}"


def held_back_specs(keys: set[dg.AssetKey]) -> Iterator[dg.AssetCheckSpec]:
    """The checks, where there is a quarantine."""
    for name, what in ((CHECK_NAME, "no table"), (CHECK_OF_RUN, "no table's rows of the run")):
        if KEY in keys:
            yield dg.AssetCheckSpec(
                name,
                asset=KEY,
                description=f"Of {what} more is held back than RETAIL_QUARANTINE_LIMITS allows.",
            )


def held_back_results(
    selected: set[dg.AssetCheckKey],
    manifest: Mapping[str, Any],
    limits: str,
    window: Window,
    execute: Execute,
) -> Iterator[dg.AssetCheckResult]:
    """The results, as far as they are selected. They warn: what is held back is not lost."""
    told: set[str] = set()
    for name, within in ((CHECK_NAME, "true"), (CHECK_OF_RUN, in_window(CHANGED_AT, window))):
        check = dg.AssetCheckKey(KEY, name)
        if check not in selected:
            continue
        found = held_back(manifest, execute, within)
        over = [each for each in found if is_over(each, limits) and each.table not in told]
        told |= {each.table for each in over}
        yield warned(
            check,
            "; ".join(each.told for each in over),
            {"rows": sum(each.rows for each in found), "tables": len(found), "tables over": len(over)},
        )


def held_back(manifest: Mapping[str, Any], execute: Execute, within: str = "true") -> Sequence[HeldBack]:
    """What is held back now of each table of which anything is, the most first.

    `within` is a condition on staging's rows.
    """
    tables = execute(
        "select lower(table_name) from information_schema.tables where lower(table_schema) = 'staging'"
    )
    # A model that is gone, or not built yet, has rows there too.
    staged_models = {name for (name,) in tables} & {node["name"] for node in manifest["nodes"].values()}
    rows = [
        row
        for row in execute(
            f"select model_name, count(*), cast(sum(abs(amount)) as varchar) from {QUARANTINE}"
            f" where {within} group by model_name order by 2 desc nulls last, 1"
        )
        if row[0] in staged_models
    ]
    sources = sources_of(manifest, {model for model, *_ in rows})
    found = []
    for model, held, amount in rows:
        ((staged,),) = execute(f"select count(*) from staging.{model} where {within}")
        name = f"{sources[model].system}.{sources[model].name}"
        worth = Decimal(amount) if amount is not None else None
        found.append(HeldBack(name, int(held), int(held) + int(staged), worth))
    return found


def is_over(held: HeldBack, limits: str) -> bool:
    """Whether it is more than the limit of its table, or else of all: a share of rows, or an amount."""
    limit = limit_of(limits, held.table, "")
    if limit is None or (limit.is_share and held.rows < FEW):
        return False
    return limit.is_exceeded(held.rows, held.of, held.amount)
