"""Elasticities by least squares: log pieces on log price, with fixed effects of series and of weeks.

A slope of its own for every product would be one regression with as many columns as products. Instead the
effects of the weeks come from the regression with one slope for all, and each group (a product, a category)
is regressed alone, held against the weeks as all other series had them. That is a few sums per row.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

COVERAGE = 0.95
BLOCK_WEEKS = 8
"""Weeks of a cluster: what happens to a series in one week is not forgotten in the next."""
ROUNDS, SMALL = 500, 1e-10
"""Most rounds of taking means out in turn, and the change after which they end."""


@dataclass(frozen=True)
class Panel:
    """One row per series and week with pieces. Series and weeks are numbers from 0."""

    series: np.ndarray
    week: np.ndarray
    """Whose effect the row shares: a number for each week of a channel."""
    block: np.ndarray
    """Its cluster in time."""
    log_price: np.ndarray
    log_pieces: np.ndarray

    def __len__(self) -> int:
        return len(self.series)

    def rows(self, which: np.ndarray) -> "Panel":
        """Those rows alone."""
        return Panel(
            self.series[which],
            self.week[which],
            self.block[which],
            self.log_price[which],
            self.log_pieces[which],
        )


@dataclass(frozen=True)
class Slopes:
    """Of each group its slope, NaN where the rows do not tell one, and how sure it is."""

    slope: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    clusters: np.ndarray
    """As many clusters as price really moved in: (sum of w)^2 / sum of w^2, with w the variation of each."""
    rows: np.ndarray
    """Of those that can be held against other rows of their week."""


def pooled(panel: Panel) -> tuple[Slopes, np.ndarray, np.ndarray]:
    """One slope for all rows, the effect of each week at it, and the residuals."""
    price, _ = _within(panel, panel.log_price)
    pieces, _ = _within(panel, panel.log_pieces)
    one = np.zeros(len(panel), dtype=np.int64)
    effects = len(np.unique(panel.series)) + len(np.unique(panel.week)) - 1
    slopes = _slopes(panel, one, 1, price, pieces, np.array([effects]))
    shared = np.bincount(panel.week)[panel.week] > 1 if len(panel) else one > 0
    slopes = replace(slopes, rows=np.array([np.count_nonzero(shared)]))
    slope = 0.0 if np.isnan(slopes.slope[0]) else float(slopes.slope[0])
    residuals, weeks = _within(panel, panel.log_pieces - slope * panel.log_price)
    return slopes, weeks, residuals


def by_group(panel: Panel, group: np.ndarray, weeks: np.ndarray, residuals: np.ndarray) -> Slopes:
    """The slope of each group, a number from 0 per row, against the weeks as the other groups had them."""
    groups = int(group.max()) + 1 if len(group) else 0
    members = np.bincount(panel.week, minlength=len(weeks))
    cell, of_row = np.unique(group * len(weeks) + panel.week, return_inverse=True)
    own = np.bincount(of_row)
    others = members[cell % max(len(weeks), 1)] - own
    # Residuals of a week sum to 0: the others' are those of the group, the other way around.
    shift = np.bincount(of_row, residuals) / np.maximum(others, 1)
    compared = others[of_row] > 0
    kept, group = panel.rows(compared), group[compared]
    pieces = (panel.log_pieces - weeks[panel.week] + shift[of_row])[compared]
    series, of_series = np.unique(kept.series, return_inverse=True)
    price = less_means(kept.log_price, of_series)
    pieces = less_means(pieces, of_series)
    of_group = np.zeros(len(series), dtype=np.int64)
    of_group[of_series] = group
    return _slopes(kept, group, groups, price, pieces, np.bincount(of_group, minlength=groups))


def _slopes(
    panel: Panel,
    group: np.ndarray,
    groups: int,
    price: np.ndarray,
    pieces: np.ndarray,
    effects: np.ndarray,
) -> Slopes:
    """Slopes with errors that hold for any dependence within a cluster (CR1)."""
    rows = np.bincount(group, minlength=groups)
    squares = np.bincount(group, price * price, minlength=groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(
            squares > SMALL, np.bincount(group, price * pieces, minlength=groups) / squares, np.nan
        )
        left = pieces - slope[group] * price
        blocks = int(panel.block.max()) + 1 if len(panel) else 1
        cluster, of_row = np.unique(group * blocks + panel.block, return_inverse=True)
        of_cluster = cluster // blocks
        scores = np.bincount(of_row, price * left)
        moved = np.bincount(of_row, price * price)
        number = np.bincount(of_cluster, minlength=groups)
        clusters = squares**2 / np.bincount(of_cluster, moved**2, minlength=groups)
        freedom = rows - effects - 1
        small_sample = number / (number - 1) * (rows - 1) / freedom
        error = np.sqrt(np.bincount(of_cluster, scores**2, minlength=groups) * small_sample) / squares
        told = (number > 1) & (freedom > 0) & (clusters > 1)
        slope, error = np.where(told, slope, np.nan), np.where(told, error, np.nan)
        width = student.ppf((1 + COVERAGE) / 2, np.where(told, clusters - 1, 1)) * error
    return Slopes(slope, error, slope - width, slope + width, np.where(told, clusters, 0), rows)


def less_means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Values less the mean of their group, a number from 0 per row."""
    if not len(values):
        return values
    means: np.ndarray = np.bincount(group, values) / np.bincount(group)
    less: np.ndarray = values - means[group]
    return less


def _within(panel: Panel, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values less the effects of their series and weeks, and the effects of the weeks.

    Where every series has every week, one round is exact; otherwise means are taken out in turn until nothing
    changes.
    """
    effects = np.zeros(int(panel.week.max()) + 1 if len(panel) else 0)
    if not len(panel):
        return values, effects
    of_series, of_week = np.bincount(panel.series), np.maximum(np.bincount(panel.week), 1)
    for _ in range(ROUNDS):
        values = values - (np.bincount(panel.series, values) / np.maximum(of_series, 1))[panel.series]
        change = np.bincount(panel.week, values) / of_week
        values, effects = values - change[panel.week], effects + change
        if np.abs(change).max() < SMALL:
            break
    return values, effects
