"""Synthetic feature tables with personas planted in them, so that segments need no warehouse to be tested."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.segmentation.catalog import COLUMNS, table
from retail_assets.segmentation.features import CATEGORIES, NUMBERS
from retail_assets.segmentation.weekly import Week, run_week

FIRST_WEEK = date(2024, 1, 1)
# Per persona: orders a year, recency, basket, return rate, discount share, web shop share, products
# per order, pieces per product, category.
PERSONAS = {
    "loyal": (24.0, 8.0, 60.0, 0.02, 0.10, 0.2, 4.0, 1.1, "Garden"),
    "bargain hunter": (9.0, 25.0, 35.0, 0.15, 0.85, 0.8, 1.3, 4.0, "Kitchen"),
    "lapsed": (3.0, 220.0, 70.0, 0.05, 0.20, 0.1, 1.1, 1.0, "Travel"),
    "big spender": (6.0, 30.0, 600.0, 0.03, 0.05, 0.5, 9.0, 2.0, "Outdoor"),
}
NEW_PERSONA = {"student": (14.0, 12.0, 9.0, 0.40, 0.50, 1.0, 3.0, 9.0, "Books")}


def people(
    size: int, seed: int = 1, personas: Mapping[str, Any] | None = None, buyers: float = 0.9
) -> pd.DataFrame:
    """One row per person: consumer_key, persona (null: never buys) and the habits that weeks vary."""
    draws = np.random.default_rng(seed)
    known = personas or PERSONAS
    names = list(known)
    persona = draws.integers(len(names), size=size)
    habits = np.array([known[name][:8] for name in names])[persona]
    habits = habits * draws.lognormal(0, 0.15, habits.shape)
    columns = ["orders", "recency", "basket", "returns", "discount", "webshop", "products", "pieces"]
    frame = pd.DataFrame(habits, columns=columns)
    frame["category"] = [known[names[number]][8] for number in persona]
    frame["persona"] = [names[number] for number in persona]
    frame.loc[draws.random(size) >= buyers, "persona"] = None
    keys = [hashlib.md5(f"{seed}:{number}".encode()).hexdigest() for number in range(size)]
    frame.insert(0, "consumer_key", keys)
    return frame


def features(persons: pd.DataFrame, week: int = 0, noise: float = 0.03) -> pd.DataFrame:
    """The feature table of a week, a little different each week."""
    draws = np.random.default_rng([week, len(persons)])
    frame = pd.DataFrame(
        {"week_start": FIRST_WEEK + timedelta(weeks=week), "consumer_key": persons.consumer_key}
    )

    def around(values: pd.Series) -> np.ndarray:
        return values.to_numpy() * draws.lognormal(0, noise, len(values))

    orders = around(persons.orders)
    basket = around(persons.basket)
    values = {
        "orders_last_year": np.round(orders),
        "recency_days": np.round(around(persons.recency)),
        "average_basket": np.round(basket, 2),
        "products_per_order": np.round(np.maximum(around(persons.products), 1), 6),
        "pieces_per_product": np.round(np.maximum(around(persons.pieces), 1), 6),
        "return_rate": np.round(np.minimum(around(persons.returns), 1), 6),
        "discount_share": np.round(np.minimum(around(persons.discount), 1), 6),
        "category_concentration": np.round(draws.uniform(0.4, 0.6, len(persons)), 6),
        "margin_rate": np.round(draws.uniform(0.3, 0.4, len(persons)), 6),
        "webshop_share": np.round(np.minimum(around(persons.webshop), 1), 6),
        "reseller_share": 0.0,
        "email_engagement": np.round(draws.gamma(2, 2, len(persons))),
        "web_sessions": np.round(draws.gamma(2, 3, len(persons))),
        "interactions_last_year": np.round(draws.gamma(1, 1, len(persons))),
        "revenue_last_year": np.round(orders * basket, 2),
        "margin_last_year": np.round(orders * basket * 0.35, 2),
        "tenure_days": 400.0 + 7 * week,
        "order_frequency": np.round(orders, 6),
    }
    for number in NUMBERS:
        frame[number.name] = values.pop(number.name, np.nan)
    for name, value in values.items():
        frame[name] = value
    frame["top_category"] = persons.category
    frame["country"] = "United States"
    bought = persons.persona.notna().to_numpy()
    numbers = [each.name for each in NUMBERS if each.name not in ("tenure_days", "age")]
    frame.loc[~bought, numbers] = np.nan
    frame.loc[~bought, ["revenue_last_year", "margin_last_year"]] = np.nan
    frame.loc[~bought, [each.name for each in CATEGORIES]] = None
    return frame


def buyers(frame: pd.DataFrame) -> pd.DataFrame:
    """Those who have bought, in the order of a sample."""
    return frame[frame.recency_days.notna()].reset_index(drop=True)


def in_duckdb(frame: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    """A connection with the rows as the table `features`, in doubles."""
    connection = duckdb.connect()
    connection.register("given", frame)
    numbers = [each.name for each in NUMBERS]
    words = [each.name for each in CATEGORIES]
    columns = [f'cast("{name}" as double) as "{name}"' for name in numbers]
    columns += [f'cast("{name}" as varchar) as "{name}"' for name in words]
    columns += [
        f"cast(round({name}, 2) as decimal(38, 6)) as {name}"
        for name in ("revenue_last_year", "margin_last_year")
    ]
    connection.execute(
        f"create table features as select cast(week_start as date) as week_start, consumer_key,"
        f" {', '.join(columns)} from given"
    )
    return connection


def key(week: int) -> str:
    """The Monday of a week, by its number."""
    return str(FIRST_WEEK + timedelta(weeks=week))


class Warehouse:
    """A warehouse of feature tables, one per week."""

    weeks: Sequence[Week] = ()
    """Where a fixture keeps what its run made."""

    def __init__(self, *frames: pd.DataFrame):
        self.connection = in_duckdb(pd.concat(frames, ignore_index=True))

    def replace(self, week: int, frame: pd.DataFrame) -> None:
        """Other features of a week."""
        self.execute(f"delete from features where week_start = '{key(week)}'")
        self.connection.register("given", frame)
        columns = [name for name, *_ in self.execute("describe features")]
        self.execute(f"insert into features select {', '.join(columns)} from given")

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement).fetchall()

    def query(self, statement: str) -> pa.Table:
        return self.connection.sql(statement).to_arrow_table()

    def run(self, *weeks: int) -> list[Week]:
        return [run_week(self.execute, key(week), features="features") for week in weeks]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self.execute(f"select * from {table(name)} order by all") for name in COLUMNS}
