"""One week of prices and offers, from what was sold to its rows in the tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from retail_assets.prices import regression
from retail_assets.prices.catalog import (
    ALL,
    ALONE,
    CATEGORY,
    COLUMNS,
    ELASTICITIES,
    ESTIMATED,
    FEW_SALES,
    KINDS,
    MODELS,
    MOVED_SELDOM,
    NEVER_MOVED,
    PLAN,
    PRODUCT,
    RECORD,
    RESELLERS,
    SCHEMA,
    TABLES,
    table,
)
from retail_assets.prices.offers import Plan, is_there, plan_of
from retail_assets.prices.panel import (
    FEWEST_PIECES,
    FEWEST_WEEKS,
    LEAST_MOVE,
    LEAST_SHARE,
    OFF_SALE,
    WEEKS,
    Sold,
    read_sold,
)
from retail_assets.prices.record import records_of
from retail_assets.prices.regression import Slopes, less_means
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import decimal, monday
from retail_assets.resources.warehouse import transaction
from retail_assets.versions import libraries

FORMAT = 1
MOST_SAID = 50.0
"""An interval may have no end to speak of: in words it ends here."""
FEWEST_MOVES, FEWEST_BLOCKS = 2, 3
"""Weeks in which the price changed, and blocks of weeks in which it was another: what moved once moved with
everything else that changed then."""


@dataclass(frozen=True)
class Week:
    """What came of a week."""

    week: str
    products: int
    statuses: Mapping[str, int]
    """Products of each status."""
    plan: Plan | None
    """What offers are told, if the deployment has any."""


def run_week(session: Session, week: str) -> Week:
    """Estimate a week's elasticities, plan its offers and replace its rows, in one transaction.

    All but the record depends on what was known at the end of the week alone.
    """
    TABLES.create(session)
    sold = read_sold(session, week)
    rows, everything = _estimated(sold)
    plan = plan_of(session, week, rows) if is_there(session) else None
    records = records_of(session, week, plan.offers) if plan else []
    columns = COLUMNS[ELASTICITIES]
    listed = ", ".join(
        decimal(name, 38) if type_.startswith("decimal") else f"cast({name} as {type_})"
        for name, (type_, _) in _own_columns()
    )
    with session.holding(f"{SCHEMA}.estimated", _as_table(rows)) as held, transaction(session):
        TABLES.delete_week(session, week)
        session(f"delete from {table(RECORD)} where planned_week = {monday(week)}")
        TABLES.insert_rows(session, MODELS, [{"week_start": week, **everything}])
        if plan:
            TABLES.insert_rows(session, KINDS, plan.kinds)
            TABLES.insert_rows(session, PLAN, plan.offers)
            TABLES.insert_rows(session, RECORD, records)
        session(
            f"insert into {table(ELASTICITIES)} ({', '.join(columns)})"
            f" select {monday(week)}, {listed} from {held}"
        )
    told = [row["status"] for row in rows if row["level"] == PRODUCT]
    return Week(week, len(told), {each: told.count(each) for each in sorted(set(told))}, plan)


Row = Mapping[str, Any]


def _estimated(sold: Sold) -> tuple[Sequence[Row], Row]:
    """The rows of all levels, and the row of the settings."""
    dense = sold.dense()
    panel = sold.panel(dense)
    everything, weeks, residuals = regression.pooled(panel)
    names = sorted(set(sold.categories))
    of_product = np.array([names.index(each) for each in sold.categories], dtype=np.int64)
    numbers = {PRODUCT: sold.product, CATEGORY: of_product[sold.product], ALL: np.zeros_like(sold.product)}
    rows: list[Row] = []
    for level, group in numbers.items():
        size = {PRODUCT: len(sold.keys), CATEGORY: len(names), ALL: min(len(sold.keys), 1)}[level]
        slopes = everything if level == ALL else regression.by_group(panel, group[dense], weeks, residuals)
        figures = _figures(sold, group, dense, size)
        for number in range(size):
            row = {name: _value(values[number]) for name, values in figures.items()}
            row |= _slope_of(slopes, number)
            only = sold.is_reseller[number] if level == PRODUCT else not row["any_weeks"]
            row["status"] = _status(row, bool(only))
            if row["status"] != ESTIMATED:
                row |= dict.fromkeys(("elasticity", "elasticity_low", "elasticity_high", "standard_error"))
            row["explanation"] = _explanation(row)
            if level != PRODUCT:
                row |= {"price_min": None, "price_max": None}
            row["level"] = level
            row["product_key"] = sold.keys[number] if level == PRODUCT else None
            row["category"] = {PRODUCT: sold.categories, CATEGORY: names, ALL: [None]}[level][number]
            rows.append(row)
    return rows, _settings(sold, everything, rows)


def _figures(sold: Sold, group: np.ndarray, dense: np.ndarray, size: int) -> Mapping[str, np.ndarray]:
    """What there is of each group: of its dense rows, where it has some, else of all."""
    has_dense = np.bincount(group[dense], minlength=size) > 0
    used = dense | ~has_dense[group] if len(group) else dense
    of = group[used]
    product, series, price = sold.product[used], sold.series[used], np.log(sold.price[used])
    _, of_series = np.unique(series, return_inverse=True)
    centred = less_means(price, of_series)
    moved = sold.moves()[used]
    weeks = np.bincount(of, minlength=size)
    lowest, highest = _extremes(of, price, size)
    lowest_share, highest_share = _extremes(of, centred, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt(np.bincount(of, centred**2, minlength=size) / weeks)
    return {
        "any_weeks": weeks,
        "dense_weeks": np.bincount(group[dense], minlength=size),
        "products": _distinct(of, product, size),
        "series": _distinct(of, series, size),
        "weeks": weeks,
        "quantity": np.bincount(of, sold.quantity[used], minlength=size),
        "price_min": np.exp(lowest),
        "price_max": np.exp(highest),
        "lowest_share": np.exp(lowest_share),
        "highest_share": np.exp(highest_share),
        # Prices of different series are different ones.
        "distinct_prices": _distinct(of, series * 100_000 + np.floor(price / LEAST_MOVE + 0.5), size),
        "price_sd": sd,
        "moves": _distinct(of[moved], sold.week[used][moved], size),
    }


def _extremes(group: np.ndarray, values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    lowest, highest = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(lowest, group, values)
    np.maximum.at(highest, group, values)
    return np.where(np.isinf(lowest), np.nan, lowest), np.where(np.isinf(highest), np.nan, highest)


def _distinct(group: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """How many different values each group has."""
    order = np.lexsort((values, group))
    in_order, value = group[order], values[order].astype(float)
    first = (np.diff(in_order, prepend=-1) != 0) | (np.diff(value, prepend=np.nan) != 0)
    return np.bincount(in_order[first], minlength=size)


def _value(value: Any) -> Any:
    return None if value != value else value.item()


def _slope_of(slopes: Slopes, number: int) -> Row:
    """Of a group that may have no rows in the regression."""
    there = number < len(slopes.slope)
    return {
        "elasticity": _value(slopes.slope[number]) if there else None,
        "elasticity_low": _value(slopes.low[number]) if there else None,
        "elasticity_high": _value(slopes.high[number]) if there else None,
        "standard_error": _value(slopes.error[number]) if there else None,
        "blocks": _value(slopes.clusters[number]) if there else 0.0,
        "compared": _value(slopes.rows[number]) if there else 0,
    }


def _status(row: Row, is_reseller: bool) -> str:
    if is_reseller:
        return RESELLERS
    if row["highest_share"] / row["lowest_share"] - 1 < LEAST_MOVE:
        return NEVER_MOVED
    if not row["dense_weeks"]:
        return FEW_SALES
    if not row["compared"]:
        return ALONE
    if row["elasticity"] is None or row["moves"] < FEWEST_MOVES or row["blocks"] < FEWEST_BLOCKS:
        return MOVED_SELDOM
    return ESTIMATED


def _explanation(row: Row) -> str:
    status = row["status"]
    if status == RESELLERS:
        return "Only resellers bought it, and what they pay depends on how much they buy."
    seen = f"{100 * row['lowest_share']:.0f}% to {100 * row['highest_share']:.0f}% of the usual"
    said = {
        NEVER_MOVED: f"The price stayed within 1% (weeks: {row['weeks']:,}): nothing is known of another.",
        FEW_SALES: (
            f"It takes {FEWEST_WEEKS} weeks of a channel with {FEWEST_PIECES} pieces on average, and a sale"
            f" in {100 * LEAST_SHARE:.0f}% of them."
        ),
        ALONE: "Nothing else was sold in the same channel and weeks that it could be held against.",
        MOVED_SELDOM: (
            f"The price moved ({seen}), but not often enough to be told from what else changed then:"
            f" in {row['moves']} weeks and {row['blocks']:.1f} blocks of eight; it takes {FEWEST_MOVES}"
            f" and {FEWEST_BLOCKS}."
        ),
    }
    if status != ESTIMATED:
        return said[status]
    more = {
        name: 100 * (0.9 ** max(row[name], -MOST_SAID) - 1)
        for name in ("elasticity", "elasticity_low", "elasticity_high")
    }
    return (
        f"At a price 10% lower, {more['elasticity']:+.0f}% pieces ({more['elasticity_high']:+.0f}% to"
        f" {more['elasticity_low']:+.0f}%). Prices were {seen}; of others nothing is said."
    )


def _settings(sold: Sold, everything: Slopes, rows: Sequence[Row]) -> Row:
    whole = next((row for row in rows if row["level"] == ALL), {})
    facts = {
        "format": FORMAT,
        "weeks": WEEKS,
        "block_weeks": regression.BLOCK_WEEKS,
        "coverage": regression.COVERAGE,
        "fewest_weeks": FEWEST_WEEKS,
        "fewest_pieces": FEWEST_PIECES,
        "least_share": LEAST_SHARE,
        "off_sale": OFF_SALE,
        "least_move": LEAST_MOVE,
        "fewest_moves": FEWEST_MOVES,
        "fewest_blocks": FEWEST_BLOCKS,
        "rows": int(everything.rows.sum()),
        "fingerprint": sold.fingerprint,
        "libraries": libraries("numpy", "scipy"),
    }
    slope = ("elasticity", "elasticity_low", "elasticity_high", "standard_error")
    return {
        **{name: whole.get(name, 0) for name in ("products", "series", "weeks")},
        **{name: _rounded(whole.get(name)) for name in slope},
        "model": json.dumps(facts, sort_keys=True),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _as_table(rows: Sequence[Row]) -> pa.Table:
    types = {"varchar": pa.string(), "bigint": pa.int64()}
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], types.get(type_, pa.float64()))
            for name, (type_, _) in _own_columns()
        }
    )


def _own_columns() -> Iterator[tuple[str, tuple[str, str]]]:
    return ((name, column) for name, column in COLUMNS[ELASTICITIES].items() if name != "week_start")
