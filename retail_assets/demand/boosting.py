"""One gradient-boosted model over all series: what the weeks ahead will be, from the past, prices and offers.

A model is fit on what is known at an origin, a column of the panel. Each row is a week that came as it looked
from a week some weeks before it, so that one model tells every week ahead, and none reads its own forecasts.
The target is the part of a series' own level, so that large and small series teach each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

YEAR = 52
LAGS = (0, 1, 2, 3)
WINDOWS = (4, 8, 26, 52)
LEVEL_WEEKS = 26
FIRST = 8
"""Weeks that only serve as the past of the later ones."""
LEAST_LEVEL = 0.25
"""Pieces a week: a level below it is taken for it, or a first piece would be a thousand times the level."""
DECAY = 0.97
"""What a week like the one ahead counts, of one a week newer."""
PRICE_WIDTH, OTHER_OFFER = 0.1, 0.1
"""How far prices are alike (in logarithms), and what a week under another kind of offer counts."""
LEAST_ANALOG = 0.05
PAIRS = 240
"""Pairs of an origin and a week ahead that teach a model at most: each costs more than its rows."""
CATEGORIES = 200
"""More groups of a kind than this are left out: the trees take no more than 255."""


@dataclass(frozen=True)
class Panel:
    """Series by weeks, oldest first. Known values reach as far ahead as they are planned.

    `quantity` is pieces a whole week, NaN where no day counts. `known` holds what is known of weeks before
    they come, each series by weeks and NaN where it is not: "price" and flags of offers. `week_of_year` and
    what else the calendar says stand in `calendar`, by week. `market` numbers what competes: series of one
    number share the mean price.
    """

    quantity: "Array"
    groups: Mapping[str, "Array"]
    market: "Array"
    calendar: Mapping[str, "Array"]
    known: Mapping[str, "Array"] = field(default_factory=dict)

    @cached_property
    def logs(self) -> "Array":
        """Logarithms of pieces and one."""
        import numpy as np

        found: Array = np.log1p(self.quantity)
        return found

    @cached_property
    def log_price(self) -> "Array | None":
        """Logarithms of prices, if any are known."""
        import numpy as np

        prices = self.known.get("price")
        return None if prices is None else np.log(np.where(prices > 0, prices, np.nan))

    @cached_property
    def offers(self) -> Mapping[str, "Array"]:
        """What is known ahead beside the price."""
        return {name: values for name, values in self.known.items() if name != "price"}

    @cached_property
    def market_price(self) -> "tuple[Array, Array] | None":
        """The mean and the least logarithm of prices of a market and week, for each of its series."""
        import numpy as np

        if self.log_price is None:
            return None
        found = self.log_price
        filled, there = np.nan_to_num(found), np.isfinite(found)
        size = int(self.market.max()) + 1
        sums, counts = np.zeros((2, size, found.shape[1]))
        np.add.at(sums, self.market, filled)
        np.add.at(counts, self.market, there)
        least = np.full((size, found.shape[1]), np.inf)
        np.minimum.at(least, self.market, np.where(there, found, np.inf))
        means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        least[~np.isfinite(least)] = np.nan
        return means[self.market], least[self.market]

    @cached_property
    def market_offers(self) -> "Mapping[str, Array]":
        """The share of a market's series under each kind of offer."""
        import numpy as np

        size = int(self.market.max()) + 1
        counts = np.bincount(self.market, minlength=size)[:, None]
        shares = {}
        for name, values in self.offers.items():
            sums = np.zeros((size, values.shape[1]))
            np.add.at(sums, self.market, np.nan_to_num(values))
            shares[name] = (sums / np.maximum(counts, 1))[self.market]
        return shares


@dataclass(frozen=True)
class Settings:
    """How a model is fit. `loss` is "mean" (Poisson deviance) or "median" (absolute error of logarithms)."""

    loss: str = "mean"
    quantile: float | None = None
    iterations: int = 60
    """Few and fixed: to stop early by weeks held back would cost more than it saves."""
    learning_rate: float = 0.1
    leaves: int = 15
    least_leaf: int = 40
    rows: int = 20_000
    """Rows that a model is fit on: a sample, if there are more."""
    seeds: int = 1
    back: int = 104
    """Origins so many weeks back teach the model."""
    features_share: float = 0.5


def levels(panel: Panel, origin: int, loss: str) -> "Array":
    """Of each series the level at an origin, in pieces a week; of nothing known, the least."""
    import numpy as np

    since = max(origin + 1 - LEVEL_WEEKS, 0)
    if loss == "mean":
        found: Array = _mean(panel.quantity[:, since : origin + 1])
    else:
        found = np.expm1(_mean(panel.logs[:, since : origin + 1]))
    level: Array = np.maximum(np.nan_to_num(found), LEAST_LEVEL)
    return level


def features(panel: Panel, origin: int, ahead: int, level: "Array") -> "tuple[Array, tuple[str, ...]]":
    """What is known at an origin about the week so many ahead: series by features, and their names."""
    import numpy as np

    target, base = origin + ahead, np.log1p(level)
    logs = panel.logs
    count = len(level)
    found: dict[str, Array] = {"ahead": np.full(count, ahead, float), "level": base}
    for lag in LAGS:
        found[f"lag {lag}"] = logs[:, origin - lag] - base if origin >= lag else np.full(count, np.nan)
    for window in WINDOWS:
        found[f"mean {window}"] = _mean(logs[:, max(origin + 1 - window, 0) : origin + 1]) - base
    recent = logs[:, max(origin + 1 - LEVEL_WEEKS, 0) : origin + 1]
    found["spread"] = np.sqrt(_mean((recent - _mean(recent)[:, None]) ** 2))
    found["known"] = np.isfinite(recent).sum(axis=1).astype(float)
    about = [week for week in range(target - YEAR - 1, target - YEAR + 2) if 0 <= week <= origin]
    found["year before"] = (_mean(logs[:, about]) - base) if about else np.full(count, np.nan)
    for name, calendar in panel.calendar.items():
        found[name] = np.full(count, float(calendar[target]))
    for name, group in _groups(panel).items():
        found[name] = group.astype(float)
    found |= _known_features(panel, origin, target, base)
    return np.column_stack([*found.values()]).astype(np.float32), tuple(found)


def _known_features(panel: Panel, origin: int, target: int, base: "Array") -> "dict[str, Array]":
    import numpy as np

    found: dict[str, Array] = {}
    past = slice(0, origin + 1)
    weights = DECAY ** np.arange(origin, -1, -1.0) * np.isfinite(panel.logs[:, past])
    price = panel.log_price
    if price is not None and panel.market_price is not None:
        mean, least = panel.market_price
        usual = _mean(price[:, max(origin + 1 - YEAR, 0) : origin + 1])
        found["price to usual"] = price[:, target] - usual
        found["price to last"] = price[:, target] - price[:, origin]
        found["price to market"] = price[:, target] - mean[:, target]
        found["price to least"] = price[:, target] - least[:, target]
        found["market to usual"] = mean[:, target] - _mean(mean[:, max(origin + 1 - YEAR, 0) : origin + 1])
        distance = np.abs(price[:, past] - price[:, target, None])
        weights = weights * np.exp(-np.nan_to_num(distance, nan=1.0) / PRICE_WIDTH)
    for name, values in panel.offers.items():
        found[name] = values[:, target]
        found[f"{name} at last"] = values[:, origin]
        found[f"{name} of market"] = panel.market_offers[name][:, target]
        found[f"{name} usually"] = _mean(values[:, max(origin + 1 - YEAR, 0) : origin + 1])
        same = np.abs(np.nan_to_num(values[:, past]) - np.nan_to_num(values[:, target, None])) < 0.5
        weights = weights * np.where(same, 1.0, OTHER_OFFER)
    if panel.known:
        total = weights.sum(axis=1)
        mean = (weights * np.nan_to_num(panel.logs[:, past] - base[:, None])).sum(axis=1)
        found["weeks alike"] = np.where(total >= LEAST_ANALOG, mean / np.maximum(total, LEAST_ANALOG), np.nan)
        found["weight of weeks alike"] = total
    return found


@dataclass(frozen=True)
class Model:
    """A model as fit: it tells the weeks ahead of any origin of a panel of the same series."""

    settings: Settings
    parts: Sequence[Any]
    rows: int

    def predict(self, panel: Panel, origin: int, ahead: int) -> "Array":
        """Pieces of the whole week so many after the origin, one for each series."""
        import numpy as np
        from threadpoolctl import threadpool_limits

        level = levels(panel, origin, self.settings.loss)
        rows, _ = features(panel, origin, ahead, level)
        with threadpool_limits(1):
            found = np.mean([part.predict(rows) for part in self.parts], axis=0)
        found = found * level if self.settings.loss == "mean" else np.expm1(found + np.log1p(level))
        told: Array = np.maximum(found, 0.0)
        return told


def fit(panel: Panel, origin: int, aheads: Sequence[int], settings: Settings) -> Model | None:
    """The model as of an origin, of weeks that came until then; None if there is none to learn from."""
    learned = examples(panel, origin, aheads, settings)
    return Model(settings, [*_trees(learned, settings)], len(learned.rows)) if learned else None


@dataclass(frozen=True)
class Examples:
    """What a model learns from: features, targets, weights, and which features are groups."""

    rows: "Array"
    targets: "Array"
    weights: "Array"
    kinds: Sequence[bool]


def examples(panel: Panel, origin: int, aheads: Sequence[int], settings: Settings) -> Examples | None:
    """Weeks that came until an origin, as they looked from the weeks before; None if there are none.

    More than the settings' number of rows are sampled, by chance that is the same every time.
    """
    import numpy as np

    known = np.flatnonzero(np.isfinite(panel.quantity[:, : origin + 1]).any(axis=0))
    first = int(known[0]) + FIRST if len(known) else origin
    pairs = [
        (since, ahead)
        for since in range(max(first, origin - settings.back), origin)
        for ahead in aheads
        if since + ahead <= origin
    ]
    generator = np.random.default_rng(0)
    if len(pairs) > PAIRS:
        pairs = [pairs[each] for each in np.sort(generator.permutation(len(pairs))[:PAIRS])]
    available = sum(int(np.isfinite(panel.quantity[:, since + ahead]).sum()) for since, ahead in pairs)
    share = min(1.0, settings.rows / max(available, 1))
    rows, targets, weights = [], [], []
    names: tuple[str, ...] = ()
    for since, ahead in pairs:
        there = np.isfinite(panel.quantity[:, since + ahead])
        if share < 1:
            there &= generator.uniform(size=len(there)) < share
        chosen = np.flatnonzero(there)
        if not len(chosen):
            continue
        part = _only(panel, chosen)
        level = levels(part, since, settings.loss)
        found, names = features(part, since, ahead, level)
        pieces = part.quantity[:, since + ahead]
        rows.append(found)
        is_mean = settings.loss == "mean"
        targets.append(pieces / level if is_mean else np.log1p(pieces) - np.log1p(level))
        weights.append(level if is_mean else np.ones(len(level)))
    if not rows:
        return None
    joined = np.concatenate(rows)
    # The library takes no column of which nothing is known.
    joined[:, ~np.isfinite(joined).any(axis=0)] = 0
    kinds = [name in panel.groups for name in names]
    return Examples(joined, np.concatenate(targets), np.concatenate(weights), kinds)


def _trees(learned: Examples, settings: Settings) -> Iterator[Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    if settings.loss == "mean":
        loss: dict[str, Any] = {"loss": "poisson"}
    elif settings.quantile is None:
        loss = {"loss": "absolute_error"}
    else:
        loss = {"loss": "quantile", "quantile": settings.quantile}
    for seed in range(settings.seeds):
        trees = HistGradientBoostingRegressor(
            **loss,
            max_iter=settings.iterations,
            learning_rate=settings.learning_rate,
            max_leaf_nodes=settings.leaves,
            min_samples_leaf=settings.least_leaf,
            max_features=settings.features_share,
            categorical_features=learned.kinds,
            early_stopping=False,
            random_state=seed,
        )
        # Sums of several threads depend on how many there are. The library is there by now, to be limited.
        with threadpool_limits(1):
            yield trees.fit(learned.rows, learned.targets, learned.weights)


def _groups(panel: Panel) -> "Mapping[str, Array]":
    """Those that the trees can take."""
    return {name: group for name, group in panel.groups.items() if int(group.max()) < CATEGORIES}


def _only(panel: Panel, chosen: "Array") -> Panel:
    """The panel of some series; the market's figures stay those of all of them."""
    part = Panel(
        panel.quantity[chosen],
        {name: group[chosen] for name, group in _groups(panel).items()},
        panel.market[chosen],
        panel.calendar,
        {name: values[chosen] for name, values in panel.known.items()},
    )
    if panel.market_price is not None:
        part.__dict__["market_price"] = tuple(each[chosen] for each in panel.market_price)
    part.__dict__["market_offers"] = {name: values[chosen] for name, values in panel.market_offers.items()}
    return part


def _mean(values: "Array") -> "Array":
    """By row, of what is known; NaN where nothing is."""
    import numpy as np

    there = np.isfinite(values)
    counts = there.sum(axis=1)
    sums = np.where(there, values, 0.0).sum(axis=1)
    means: Array = np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
    return means
