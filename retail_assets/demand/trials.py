"""The methods tried on what is known by now, and what each category is forecast with therefore."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from retail_assets.demand.catalog import HORIZON
from retail_assets.demand.methods import DEFAULT, LEVELS, METHODS, NAIVE
from retail_assets.demand.quantiles import on_grid
from retail_assets.resources.sql import decimal

FEWEST_TRIALS = 30
FEWEST_PIECES = 20
"""Fewer weeks of products, or fewer pieces in them, say nothing of a method."""
BLOCKS = ((1, 4), (5, 8), (9, HORIZON))
"""Weeks ahead of which errors are taken together: they grow with the weeks."""
DEFAULT_SPREAD = on_grid(0.2)
"""How far errors spread where the past does not tell."""
FALLBACK = f"smoothing {DEFAULT.share}"


@dataclass(frozen=True)
class Errors:
    """What came of a method in a category and block: sums over weeks of products."""

    absolute: float
    scaled: float
    """Squared errors, each of its product's level: a method is chosen by these, which favour the mean."""
    squared: float
    expected: float
    expected_squared: float


@dataclass(frozen=True)
class Trials:
    """Of a category: how many there were, pieces, and the errors by block and method."""

    counts: dict[int, int] = field(default_factory=dict)
    pieces: dict[int, float] = field(default_factory=dict)
    errors: dict[tuple[int, str], Errors] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Weeks of products that were tried."""
        return sum(self.counts.values())

    @property
    def quantity(self) -> float:
        """Pieces in them."""
        return sum(self.pieces.values())

    @property
    def methods(self) -> list[str]:
        """Those that were tried on all of them."""
        return [name for name in METHODS if all((block, name) in self.errors for block in self.counts)]

    def total(self, method: str, name: str) -> float:
        """A sum over all blocks."""
        return float(
            sum(getattr(errors, name) for (_, each), errors in self.errors.items() if each == method)
        )


@dataclass(frozen=True)
class Choice:
    """What a category is forecast with, and why."""

    method: str
    spreads: tuple[float, ...]
    """By block: the variance is the mean and the spread times its square."""
    beats_naive: bool | None
    reason: str
    trials: Trials


def trials_of(history: str, levels: str, seasons: str, naive: str, boosted: str) -> str:
    """A query: category, block, trials, pieces, and by method how many, and the sums of `Errors`."""
    block = " ".join(
        f"when levels.origin - history.age <= {last} then {number}" for number, (_, last) in enumerate(BLOCKS)
    )
    expected = ",\n            ".join(
        f"cast(({method.mean}) as double) * history.days / 7 as expected_{number}"
        for number, method in enumerate(METHODS.values())
    )
    sums = ",\n        ".join(
        f"sum({decimal(each.format(f'expected_{number}', f'(expected_{number} - quantity)'), 38)})"
        f" as {name}_{number}"
        for number in range(len(METHODS))
        for name, each in {
            "absolute": "abs({1})",
            "scaled": "cast({1} * {1} as double) / (slow + 1)",
            "squared": "{1} * {1}",
            "expected": "{0}",
            "expected_squared": "{0} * {0}",
        }.items()
    )
    tried = ",\n        ".join(
        f"count(expected_{number}) as tried_{number}" for number in range(len(METHODS))
    )
    levels_ = ", ".join(f"cast({each} as double) as {each}" for each in LEVELS)
    return f"""
    with tried as (

        select
            levels.category,
            case {block} end as block,
            history.quantity as pieces,
            cast(history.quantity as double) as quantity,
            levels.slow,
            {expected}
        from (select origin, series, category, {levels_} from {levels}) as levels
        inner join {history} as history
            on levels.series = history.series
            and history.age < levels.origin
            and history.age >= levels.origin - {HORIZON}
        inner join (select origin, series, weeks_ahead, cast(naive as double) as naive from {naive}) as naive
            on levels.origin = naive.origin
            and levels.series = naive.series
            and naive.weeks_ahead = levels.origin - history.age
        inner join {seasons} as seasons
            on levels.category = seasons.category
            and levels.origin = seasons.origin
            and naive.weeks_ahead = seasons.weeks_ahead
        left join {boosted} as boosted
            on levels.origin = boosted.origin
            and levels.series = boosted.series
            and naive.weeks_ahead = boosted.weeks_ahead

    )

    select
        category,
        block,
        count(*) as trials,
        sum(pieces) as pieces,
        {tried},
        {sums}
    from tried
    group by category, block"""


def read_trials(rows: pa.Table) -> dict[str, Trials]:
    """The trials of each category. A method that does not tell every week of a product has none there."""
    found: dict[str, Trials] = {}
    for row in rows.to_pylist():
        trials = found.setdefault(row["category"], Trials())
        block = int(row["block"])
        trials.counts[block] = int(row["trials"])
        trials.pieces[block] = float(row["pieces"])
        for number, name in enumerate(METHODS):
            if row[f"tried_{number}"] < row["trials"]:
                continue
            values = {each: float(row[f"{each}_{number}"]) for each in Errors.__dataclass_fields__}
            trials.errors[block, name] = Errors(**values)
    return found


def choose(category: str, trials: Trials | None) -> Choice:
    """The method with the least scaled error; seasonal naive only if nothing is better."""
    if trials is None or trials.count < FEWEST_TRIALS or trials.quantity < FEWEST_PIECES:
        trials = trials or Trials()
        reason = (
            f"{FALLBACK[0].upper()}{FALLBACK[1:]}, because the past is too short to choose: {trials.count:,}"
            f" weeks of products with {trials.quantity:,.0f} pieces; it takes {FEWEST_TRIALS} with"
            f" {FEWEST_PIECES}."
        )
        return Choice(FALLBACK, (DEFAULT_SPREAD,) * len(BLOCKS), None, reason, trials)
    found = {name: trials.total(name, "scaled") for name in trials.methods}
    best = min(found, key=lambda name: (found[name], name == NAIVE))
    wape = {name: trials.total(name, "absolute") / trials.quantity for name in (best, NAIVE)}
    shown = f"mean scaled square error {found[best] / trials.count:.3f}"
    if best == NAIVE:
        reason = f"Seasonal naive, which nothing was better than: {shown}, WAPE {wape[NAIVE]:.1%}."
    else:
        reason = (
            f"Better than seasonal naive in {trials.count:,} weeks of products: {shown} against"
            f" {found[NAIVE] / trials.count:.3f}, WAPE {wape[best]:.1%} against {wape[NAIVE]:.1%}."
        )
    return Choice(best, tuple(_spreads(trials, best)), best != NAIVE, reason, trials)


def _spreads(trials: Trials, method: str) -> Iterator[float]:
    """By block, and no less than of a nearer one. A block with too few trials is as the one before."""
    spread = 0.0
    for block in range(len(BLOCKS)):
        errors = trials.errors.get((block, method))
        if errors and errors.expected_squared > 0 and trials.counts[block] >= FEWEST_TRIALS:
            spread = max(spread, (errors.squared - errors.expected) / errors.expected_squared)
        yield on_grid(spread)


def choose_all(categories: Sequence[str], trials: Mapping[str, Trials]) -> dict[str, Choice]:
    """The choice of each category."""
    return {category: choose(category, trials.get(category)) for category in sorted(categories)}
