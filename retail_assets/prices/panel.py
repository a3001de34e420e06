"""What was sold at which price, week by week, as far as it is known at the end of a week."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from retail_assets.prices.regression import BLOCK_WEEKS, Panel
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday, text
from retail_assets.resources.weekly_tables import weeks_later

SALES, PRODUCTS = "warehouse.wh_fact_product_days", "warehouse.wh_dim_product"
UNKNOWN = "0" * 32
"""The member that stands for a product that is not known; the dbt project's `unknown_key`."""
RESELLER = "reseller"
WEEKS = 104
LEAST_MOVE = 0.01
"""A price that stays within so much has not moved."""
FEWEST_WEEKS = 26
FEWEST_PIECES = 5
"""A week on average: the logarithm of fewer says more of chance than of prices."""
OFF_SALE = 8
"""So many weeks without a sale are none of few sales: the product was not to be had."""
LEAST_SHARE = 0.8
"""Of the weeks on sale that have a sale; of the others there is no logarithm."""


@dataclass(frozen=True)
class Sold:
    """A row per product, channel and week with pieces, in this order; products and channels by number."""

    keys: Sequence[str]
    """Of each product its key."""
    categories: Sequence[str]
    """Of each product its category."""
    product: np.ndarray
    channel: np.ndarray
    week: np.ndarray
    """From 0, the first of those that count."""
    quantity: np.ndarray
    price: np.ndarray
    is_reseller: np.ndarray
    """Of each product, whether resellers alone bought it."""

    @property
    def series(self) -> np.ndarray:
        """Of each row its product and channel, by one number."""
        channels = int(self.channel.max()) + 1 if len(self.channel) else 1
        series: np.ndarray = self.product * channels + self.channel
        return series

    @property
    def fingerprint(self) -> str:
        """The same data has the same one."""
        digest = hashlib.sha256("\n".join((*self.keys, *self.categories)).encode())
        for array in (self.product, self.channel, self.week, self.quantity, self.price):
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return digest.hexdigest()

    def moves(self) -> np.ndarray:
        """The rows whose price is another than in the series' week before, by so much that it counts."""
        series, price = self.series, np.log(self.price)
        moved: np.ndarray = np.abs(np.diff(price, prepend=0.0)) >= np.log1p(LEAST_MOVE)
        moved &= np.diff(series, prepend=-1) == 0
        return moved

    def dense(self) -> np.ndarray:
        """The rows of series that sell often enough for a logarithm of their pieces."""
        series, of_row, weeks = np.unique(self.series, return_inverse=True, return_counts=True)
        gaps = np.diff(self.week, prepend=0) - 1
        begins = np.diff(of_row, prepend=-1) > 0
        short = np.where(begins | (gaps > OFF_SALE), 0, gaps)
        on_sale = weeks + np.bincount(of_row, short, minlength=len(series))
        pieces = np.bincount(of_row, self.quantity, minlength=len(series))
        enough = (
            (weeks >= FEWEST_WEEKS) & (weeks >= LEAST_SHARE * on_sale) & (pieces >= FEWEST_PIECES * weeks)
        )
        return enough[of_row] if len(of_row) else np.zeros(0, dtype=bool)

    def panel(self, rows: np.ndarray) -> Panel:
        """These rows for a regression."""
        week = self.week[rows]
        _, series = np.unique(self.series[rows], return_inverse=True)
        _, of_channel = np.unique(self.channel[rows] * WEEKS + week, return_inverse=True)
        return Panel(
            series, of_channel, week // BLOCK_WEEKS, np.log(self.price[rows]), np.log(self.quantity[rows])
        )


def read_sold(session: Session, week: str) -> Sold:
    """What was sold in the weeks that end with this one. Credits alone are no sale."""
    first = weeks_later(week, 1 - WEEKS)
    rows = session.read(f"""
    with weeks as (

        select
            product_key,
            sales_channel,
            cast(date_trunc('week', sales_date) as date) as sold_week,
            sum(quantity) as quantity,
            sum(net_amount) as net_amount
        from {SALES}
        where
            sales_date >= {monday(first)}
            and sales_date < {monday(weeks_later(week, 1))}
            and product_key <> {text(UNKNOWN)}
        group by product_key, sales_channel, cast(date_trunc('week', sales_date) as date)

    )

    select
        weeks.product_key,
        weeks.sales_channel,
        cast(datediff('day', {monday(first)}, weeks.sold_week) as integer) as days,
        coalesce(products.category, 'unknown') as category,
        cast(weeks.quantity as double) as quantity,
        cast(weeks.net_amount as double) as net_amount
    from weeks
    left join {PRODUCTS} as products on weeks.product_key = products.product_key
    where weeks.quantity > 0 and weeks.net_amount > 0
    order by weeks.product_key, weeks.sales_channel, weeks.sold_week""")
    return _numbered(rows)


def _encoded(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """Texts as numbers in the order in which they come, and the texts."""
    encoded = column.cast(pa.string()).dictionary_encode().unify_dictionaries().combine_chunks()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _numbered(rows: pa.Table) -> Sold:
    product, keys = _encoded(rows["product_key"])
    channel, channels = _encoded(rows["sales_channel"])
    _, first = np.unique(product, return_index=True)
    categories = rows["category"].take(pa.array(first)).to_pylist()
    quantity = rows["quantity"].to_numpy().astype(float)
    kept = np.array([name != RESELLER for name in channels], dtype=bool)[channel]
    others = np.bincount(product[kept], minlength=len(keys))
    return Sold(
        keys,
        categories,
        product[kept],
        channel[kept],
        rows["days"].to_numpy().astype(np.int64)[kept] // 7,
        quantity[kept],
        rows["net_amount"].to_numpy().astype(float)[kept] / quantity[kept],
        others == 0,
    )
