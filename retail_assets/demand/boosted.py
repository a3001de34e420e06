"""What boosting says of a week's series: of the weeks ahead, and of those that it is tried on.

A trial knows what was known then: its model is fit on weeks that came until then, or longer before.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from retail_assets.demand.catalog import HORIZON
from retail_assets.demand.history import WEEKS
from retail_assets.demand.methods import ORIGINS, YEAR
from retail_assets.resources.sessions import Session

if TYPE_CHECKING:
    from retail_assets.demand.boosting import Panel, Settings

FEWEST_WEEKS = 26
"""Weeks of which something is known before the oldest trial: with fewer boosting is not tried."""
FEWEST_ROWS = 2_000
"""Weeks of products from which the oldest trial's model learns, at least."""
PART = 26
"""Weeks that are read at once, so that not all rows are in memory beside the panel."""
FITS = (0, max(ORIGINS))
"""Origins as of which models are fit: now, and the oldest trial; the trials between them use the latter."""


@dataclass(frozen=True)
class Boosted:
    """Rows origin, series, weeks_ahead, boosted (pieces of a whole week), and what they come of."""

    rows: pa.Table
    facts: Mapping[str, Any] | None
    """None where the past is too short for boosting."""


def boost(session: Session, series: str, history: str, week: str) -> Boosted:
    """What boosting says as of a week, from tables of `series_of` and `history_of`.

    Where the past is too short there are no rows.
    """
    weeks = f"select count(distinct age), count(*) from {history} where age >= {max(ORIGINS)}"
    ((known, rows),) = session(weeks)
    if known < FEWEST_WEEKS or rows < FEWEST_ROWS:
        return Boosted(_table([]), None)
    from retail_assets.demand.boosting import Settings

    settings = Settings()
    panel, numbers = _panel(session, series, history, week)
    told = _table(list(_told(panel, numbers, settings)))
    digest = hashlib.sha256()
    for column in told.column_names:
        digest.update(told[column].to_numpy().tobytes())
    return Boosted(told, {"settings": asdict(settings), "forecasts": digest.hexdigest()})


def _told(panel: "Panel", numbers: Any, settings: "Settings") -> Iterator[Sequence[Any]]:
    """Columns of one origin and week ahead after the other; nothing if a model has nothing to learn from."""
    import numpy as np

    from retail_assets.demand.boosting import fit

    newest = WEEKS - 1
    models = {}
    for origin in FITS:
        model = fit(panel, newest - origin, range(1, HORIZON + 1), settings)
        if model is None:
            return
        models[origin] = model
    for origin in (0, *ORIGINS):
        model = models[0 if origin == 0 else max(ORIGINS)]
        for ahead in range(1, min(origin or HORIZON, HORIZON) + 1):
            found = np.round(model.predict(panel, newest - origin, ahead), 6)
            yield np.full(len(numbers), origin), numbers, np.full(len(numbers), ahead), found


def _table(parts: Sequence[Sequence[Any]]) -> pa.Table:
    import numpy as np

    types = {
        "origin": pa.int64(), "series": pa.int64(), "weeks_ahead": pa.int64(), "boosted": pa.float64()
    }  # fmt: skip
    columns: list[Any] = [[] for _ in types]
    if parts:
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return pa.table(
        {
            # What is not known is null, not NaN.
            name: pa.array(column, type_, from_pandas=True)
            for (name, type_), column in zip(types.items(), columns, strict=True)
        }
    )


def _panel(session: Session, series: str, history: str, week: str) -> "tuple[Panel, Any]":
    """The weeks that are known, and the series' numbers. What has no known week has a row without one."""
    import numpy as np

    from retail_assets.demand.boosting import Panel

    listed = session.read(f"select series, product_key, location_key, category from {series} order by series")
    numbers = listed["series"].to_numpy().astype(np.int64)
    quantity = np.full((len(numbers), WEEKS), np.nan, np.float32)
    for newest in range(0, WEEKS, PART):
        rows = session.read(
            f"select series, age, 7 * cast(quantity as double) / days as rate from {history}"
            f" where age >= {newest} and age < {newest + PART}"
        )
        place = np.searchsorted(numbers, rows["series"].to_numpy().astype(np.int64))
        quantity[place, WEEKS - 1 - rows["age"].to_numpy().astype(np.int64)] = rows["rate"].to_numpy()
    codes = {
        name: np.unique(listed[name].to_numpy(zero_copy_only=False), return_inverse=True)[1]
        for name in ("product_key", "location_key", "category")
    }
    known = np.isfinite(quantity).any(axis=0).sum()
    # Of weeks of the year that were seen once, or never, a model learns what was by chance.
    has_years = known >= 2 * YEAR + HORIZON
    return Panel(
        quantity,
        {"product": codes["product_key"], "center": codes["location_key"], "category": codes["category"]},
        codes["category"],
        {"week of year": _weeks_of_year(week)} if has_years else {},
    ), numbers


def _weeks_of_year(week: str) -> Any:
    """Of each week of the panel and the weeks ahead."""
    import numpy as np

    newest = date.fromisoformat(week)
    return np.array(
        [
            (newest - timedelta(weeks=age)).timetuple().tm_yday // 7 % YEAR
            for age in range(WEEKS - 1, -HORIZON - 1, -1)
        ],
        float,
    )
