"""A retailer that lives on: a history that is there at once, and the days after it, evening by evening.

    retailer = live(consumers=2000, days=365, start=date(2024, 1, 1))
    retailer.write_evening(Path("sources"), date(2024, 12, 30))    # the history
    retailer.write_evening(Path("sources"), date(2024, 12, 31))    # and a day more

How much of everything happens when depends on how long a retailer is simulated, so a longer simulation is not
a shorter one with days behind it. This one is simulated to the end of its life from the beginning, and each
evening shows as much of it as has happened.

After the history things go wrong for a while, each by the seed and the day: a line is entered without a
quantity and mended a day or two later, and a database is not brought up to date one evening. What goes wrong
in any simulation goes wrong here, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Ints
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.table_layout import UNTIL, WHEN
from simulated_retailer.engine.timestamps import DAY, NEVER, SECOND, Period
from simulated_retailer.erp.schema import ERP
from simulated_retailer.output.shops import FOLDER as SHOPS
from simulated_retailer.output.sources import write_sources
from simulated_retailer.simulation import Retailer, simulate
from simulated_retailer.systems import SYSTEMS

_LEAST_DAYS_TO_COME = 90
_CALM_DAYS = 5
"""No file is late or cut in the last days of the history, so that it is whole."""
_SLIPS, _LATE = 1 / 4, 1 / 12
"""How often a line is wrong for a while, and a database late: shares of days."""
_MAY_BE_LATE = ("crm", "erp", "inventory", "marketing")
_LINES, _LINE, _PIECES = "SalesOrderDetail", "SalesOrderDetailID", "OrderQty"
_WORKING_HOURS = (9 * 3600, 17 * 3600)


@dataclass(frozen=True)
class LivingRetailer:
    """A retailer with `history` days behind it. `retailer.truth` has its `slips`, too."""

    retailer: Retailer
    history: int

    @property
    def first(self) -> date:
        """The first day of its history."""
        return self.retailer.start

    @property
    def last(self) -> date:
        """The last day of its life."""
        return self.retailer.start + timedelta(days=self.retailer.days - 1)

    def late_on(self, day: date) -> str | None:
        """The system that is not brought up to date in the evening of a day; never two evenings running."""
        number = (day - self.first).days
        if number < self.history or _late(self.retailer, number - 1):
            return None
        return _late(self.retailer, number)

    def write_evening(self, folder: Path, day: date, midnight: datetime | None = None) -> None:
        """Write the sources as they stand in the evening of a day, over those of an earlier one.

        The evening ends at `midnight`, by default that of UTC.
        """
        end = midnight or datetime.combine(day + timedelta(days=1), time(), UTC)
        late = self.late_on(day)
        write_sources(self.retailer, folder, end, [name for name in (*SYSTEMS, SHOPS) if name != late])
        if late:
            write_sources(self.retailer, folder, end - timedelta(days=1), [late])


def live(*, consumers: int = 2000, days: int = 365, seed: int = 7, start: date) -> LivingRetailer:
    """A retailer with `days` days of history, who goes on for as many again, or for 90.

    Same arguments, same retailer.
    """
    life = days + max(days, _LEAST_DAYS_TO_COME)
    retailer = simulate(consumers=consumers, days=life, seed=seed, start=start)
    drops = retailer.truth["drops"]
    age = pc.subtract(days, drops["day"])
    calm = pc.and_(pc.greater(age, 0), pc.less_equal(age, _CALM_DAYS))
    truth = {**retailer.truth, "drops": drops.filter(pc.invert(calm))}
    return LivingRetailer(with_slips(replace(retailer, truth=truth), days), days)


def _late(retailer: Retailer, day: int) -> str | None:
    rng = random_stream(retailer.seed, f"late on day {day}")
    return str(rng.choice(_MAY_BE_LATE)) if rng.random() < _LATE else None


def with_slips(retailer: Retailer, history: int) -> Retailer:
    """The retailer with lines that are entered without a quantity, and mended while people work."""
    erp = retailer.versions["erp"]
    lines = erp[_LINES]
    entered, until = (_microseconds(lines[name]) for name in (ERP.modified, UNTIL))
    first = np.zeros(lines.num_rows, dtype=np.bool_)
    first[np.unique(lines[_LINE].to_numpy(), return_index=True)[1]] = True
    right = first & (lines[_PIECES].to_numpy() > 0)
    slips: dict[int, int] = {}
    for day in range(history, retailer.days - 2):
        rng = random_stream(retailer.seed, f"slip on day {day}")
        if rng.random() >= _SLIPS:
            continue
        mended = _mended(retailer.period, day, rng)
        begun = retailer.period.midnight(day)
        may = np.flatnonzero(right & (entered >= begun) & (entered < begun + DAY) & (until > mended))
        if len(may):
            slips[int(rng.choice(may))] = mended
    slipped = lines.take(pa.array(list(slips), pa.int64()))
    when = pa.array(list(slips.values()), pa.int64()).view(WHEN)
    kept = np.ones(lines.num_rows, dtype=np.bool_)
    kept[list(slips)] = False
    wrong = _with(slipped, {_PIECES: pa.array([0] * len(slips)), UNTIL: when})
    mended_lines = _with(slipped, {ERP.modified: when})
    spoilt = pa.concat_tables([lines.filter(pa.array(kept)), wrong, mended_lines])
    return replace(
        retailer,
        versions={**retailer.versions, "erp": {**erp, _LINES: spoilt}},
        truth={**retailer.truth, "slips": _truth(slipped, when)},
    )


def _mended(period: Period, day: int, rng: np.random.Generator) -> int:
    """When it is mended: in the working hours of one of the two days after."""
    after = int(rng.integers(1, 2, endpoint=True))
    return int(period.midnight(day + after)) + int(rng.integers(*_WORKING_HOURS)) * SECOND


def _truth(slipped: pa.Table, mended: pa.Array) -> pa.Table:
    """One row per slip: as `faults`, from when and until when."""
    names = ERP.primary_key(_LINES)
    keys = [json.dumps(row) for row in slipped.select(names).to_pylist()]
    size = len(keys)
    return pa.table(
        {
            "system": pa.array([ERP.name] * size, pa.string()),
            "table": pa.array([_LINES] * size, pa.string()),
            "key": pa.array(keys, pa.string()),
            "reason": pa.array(["quantity is zero"] * size, pa.string()),
            "since": slipped[ERP.modified],
            "mended": mended,
        }
    )


def _with(rows: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        field = rows.schema.field(name)
        rows = rows.set_column(rows.schema.get_field_index(name), field, values.cast(field.type))
    return rows


def _microseconds(moments: pa.ChunkedArray) -> Ints:
    found: Ints = pc.fill_null(moments.cast(pa.int64()), NEVER).to_numpy()
    return found
