"""Categories and products, how their prices and costs move, and which products go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.arrays import Flags, Floats, Ints
from simulated_retailer.engine.randomness import guids, random_stream
from simulated_retailer.engine.timestamps import DAY, NEVER, Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.schema import ERP

CATEGORIES = ("Outdoor", "Kitchen", "Garden", "Travel")


class Line(NamedTuple):
    """A subcategory: three models in three variants each."""

    code: str
    name: str
    category: int
    noun: str
    lowest: float
    highest: float
    """List prices of its cheapest and its dearest product at the start."""
    models: tuple[str, str, str]
    variants: tuple[str, str, str]


LINES = (
    Line("TN", "Tents", 0, "Tent", 119, 649, ("Alder", "Fell", "Ridge"), ("S", "M", "L")),
    Line("SB", "Sleeping Bags", 0, "Sleeping Bag", 49, 289, ("Drowse", "Hollow", "Polar"),
         ("Green", "Blue", "Grey")),
    Line("LP", "Lamps", 0, "Lamp", 14, 89, ("Ember", "Glow", "Beacon"),
         ("Black", "Red", "Silver")),
    Line("CS", "Camp Stoves", 0, "Camp Stove", 34, 189, ("Spark", "Kettle", "Hearth"),
         ("Black", "Silver", "Orange")),
    Line("KN", "Knives", 1, "Knife", 19, 179, ("Petal", "Santo", "Forge"), ("S", "M", "L")),
    Line("PN", "Pans", 1, "Pan", 24, 159, ("Skille", "Copper Hill", "Castor"), ("S", "M", "L")),
    Line("MG", "Mugs", 1, "Mug", 8, 29, ("Dawn", "Speckle", "Terra"),
         ("White", "Blue", "Green")),
    Line("HT", "Hand Tools", 2, "Hand Tool", 11, 64, ("Trowel", "Secateur", "Fork"),
         ("Green", "Red", "Black")),
    Line("PL", "Planters", 2, "Planter", 16, 139, ("Fern", "Basalt", "Orchard"),
         ("S", "M", "L")),
    Line("HS", "Hoses", 2, "Hose", 22, 99, ("Brook", "Rill", "Torrent"), ("S", "M", "L")),
    Line("SD", "Seed Boxes", 2, "Seed Box", 6, 24, ("Meadow", "Pantry", "Salad"),
         ("Red", "Yellow", "White")),
    Line("BP", "Backpacks", 3, "Backpack", 45, 239, ("Rambler", "Summiteer", "Daytrip"),
         ("Black", "Blue", "Orange")),
    Line("BT", "Bottles", 3, "Bottle", 9, 44, ("Sip", "Glacier", "Thermos"),
         ("Silver", "Blue", "Pink")),
    Line("OR", "Organisers", 3, "Organiser", 12, 59, ("Fold", "Pouch", "Cube"),
         ("Grey", "Black", "Green")),
)  # fmt: skip
VARIANTS = 3
_PER_LINE = 9
SIZE = len(LINES) * _PER_LINE
"""How many products there are."""

_COMPANIONS = (("CS", "LP"), ("KN", "MG"), ("HS", "SD"), ("BP", "BT"), ("TN", "LP"), ("PN", "MG"))
"""Lines that are bought together: an order of the first may add a product of the second.

No second line is ever on offer, so that companions do not blur an offer's uplift.
"""
_COMPANION_CHANCES = (0.22, 0.18, 0.30, 0.35, 0.25, 0.15)

_FIRST_PRODUCT = 1001
_SHARE_LAUNCHED, _SHARE_DISCONTINUED = 0.06, 0.05
_UNIT = 10_000
"""One unit of currency, in units of an amount's last digit."""


@dataclass(frozen=True)
class Steps:
    """A price or cost over time: one row per product, one column per step."""

    since: Ints
    """When each amount begins to hold; NEVER where a step does not take place."""
    amount: Ints
    """In units of 0.0001."""

    def at(self, product: Ints, moment: Ints) -> Ints:
        """The amount of each product at each time, paired."""
        held: Ints = self.amount[product, 0]
        for step in range(1, self.since.shape[1]):
            held = np.where(moment >= self.since[product, step], self.amount[product, step], held)
        return held


@dataclass(frozen=True)
class Products:
    """One value per product, in order of LINES."""

    line: Ints
    """Position in LINES."""
    popularity: Floats
    """Share of demand, before season and taste; sums to 1."""
    sold_from: Ints
    sold_until: Ints
    """When it is discontinued; NEVER if not within the simulation."""
    price: Steps
    cost: Steps
    companion: Ints
    """The product that goes with it, -1 if none."""
    companion_chance: Floats

    @property
    def number(self) -> Ints:
        """ProductID, in order of being launched."""
        return _FIRST_PRODUCT + np.argsort(np.argsort(self.sold_from, kind="stable"))

    @property
    def category(self) -> Ints:
        """Position in CATEGORIES."""
        return np.array([line.category for line in LINES])[self.line]

    def on_sale(self, moments: Ints) -> Flags:
        """times x products: whether it can be bought then."""
        at = moments[:, None]
        return (at >= self.sold_from) & (at < self.sold_until)


def products_of(codes: tuple[str, ...]) -> Ints:
    """The positions of all products of the lines with these codes."""
    lines = [position for position, line in enumerate(LINES) if line.code in codes]
    return np.concatenate([np.arange(_PER_LINE) + line * _PER_LINE for line in lines])


def generate_products(period: Period, seed: int) -> Products:
    """The catalogue, with prices from long before the period to its end."""
    rng = random_stream(seed, "products")
    line = np.repeat(np.arange(len(LINES)), _PER_LINE)
    popularity = rng.lognormal(0, 0.7, SIZE)
    fate = rng.random(SIZE)
    launched, stopped = fate < _SHARE_LAUNCHED, fate > 1 - _SHARE_DISCONTINUED
    middle = rng.integers(period.days // 5, period.days * 4 // 5 + 1, SIZE)
    sold_from = np.where(launched, period.midnight(middle), period.founded)
    sold_until = np.where(stopped, period.midnight(middle), NEVER)
    list_price = _opening_prices()
    margin = rng.uniform(0.38, 0.62, SIZE)
    companion, companion_chance = _companions(rng)
    return Products(
        line=line,
        popularity=popularity / popularity.sum(),
        sold_from=sold_from,
        sold_until=sold_until,
        price=_as_price_tags(yearly_amounts(period, sold_from, sold_until, list_price, rng)),
        cost=yearly_amounts(period, sold_from, sold_until, list_price * (1 - margin), rng),
        companion=companion,
        companion_chance=companion_chance,
    )


def _opening_prices() -> Floats:
    """List prices in currency, from each line's cheapest to its dearest in equal ratios."""
    lowest = np.array([[line.lowest] for line in LINES])
    highest = np.array([[line.highest] for line in LINES])
    prices: Floats = lowest * (highest / lowest) ** np.linspace(0, 1, _PER_LINE)
    return prices.ravel()


def _companions(rng: np.random.Generator) -> tuple[Ints, Floats]:
    companion, likely = np.full(SIZE, -1), np.zeros(SIZE)
    for (code, with_code), chance_of_it in zip(_COMPANIONS, _COMPANION_CHANCES, strict=True):
        products = products_of((code,))
        companion[products] = rng.permutation(products_of((with_code,)))
        likely[products] = chance_of_it
    return companion, likely


def yearly_amounts(
    period: Period, sold_from: Ints, sold_until: Ints, opening: Floats, rng: np.random.Generator
) -> Steps:
    """Amounts that change once a year, each on a day of its own; `opening` is the one at the start."""
    size = len(opening)
    years = np.arange(-3, period.days // 365 + 1)
    day = rng.integers(1, 366, size)[:, None] + 365 * years
    change = rng.normal(1.03, 0.025, day.shape).cumprod(axis=1)
    # The opening amount holds at the start: earlier ones are lower, later ones higher.
    relative = np.concatenate([np.ones((size, 1)), change], axis=1) / change[:, [2]]
    amount = np.rint(opening[:, None] * relative * 10_000).astype(np.int64)
    first = sold_from[:, None]
    later = period.midnight(day)
    takes_place = (later > first + 30 * DAY) & (later < sold_until[:, None])
    return Steps(np.concatenate([first, np.where(takes_place, later, NEVER)], axis=1), amount)


def _as_price_tags(amounts: Steps) -> Steps:
    """Most prices end in 99 cents; one in six keeps four decimals, as in AdventureWorks."""
    tags = np.maximum(amounts.amount // _UNIT, 1) * _UNIT + 99 * _UNIT // 100
    calculated = np.arange(SIZE)[:, None] % 6 == 4
    return Steps(amounts.since, np.where(calculated, amounts.amount, tags))


def product_tables(period: Period, products: Products, seed: int) -> dict[str, pa.Table]:
    """ProductCategory, ProductSubcategory, Product and the histories of price and cost."""
    return {
        **_classification(period, seed),
        "Product": _product(period, products, seed),
        "ProductCostHistory": _history(
            "ProductCostHistory", period, products.number, StandardCost=products.cost
        ),
        "ProductListPriceHistory": _history(
            "ProductListPriceHistory", period, products.number, ListPrice=products.price
        ),
    }


def companion_truth(products: Products) -> pa.Table:
    """One row per product with a companion: the chance that an order's first line adds it."""
    pulling = np.flatnonzero(products.companion >= 0)
    return pa.table(
        {
            "ProductID": products.number[pulling],
            "CompanionProductID": products.number[products.companion[pulling]],
            "Probability": products.companion_chance[pulling],
        }
    )


def _classification(period: Period, seed: int) -> dict[str, pa.Table]:
    categories = versions(np.full(len(CATEGORIES), period.founded), end=period.end)
    lines = versions(np.full(len(LINES), period.founded), end=period.end)
    return {
        "ProductCategory": version_table(
            ERP,
            "ProductCategory",
            categories,
            {
                "ProductCategoryID": categories.row + 1,
                "Name": pa.array(CATEGORIES),
                "rowguid": guids(seed, "ProductCategory", len(CATEGORIES)),
            },
        ),
        "ProductSubcategory": version_table(
            ERP,
            "ProductSubcategory",
            lines,
            {
                "ProductSubcategoryID": lines.row + 1,
                "ProductCategoryID": np.array([line.category + 1 for line in LINES]),
                "Name": pa.array([line.name for line in LINES]),
                "rowguid": guids(seed, "ProductSubcategory", len(LINES)),
            },
        ),
    }


def _product(period: Period, products: Products, seed: int) -> pa.Table:
    which = versions(
        products.sold_from,
        products.sold_until,
        *products.price.since.T[1:],
        *products.cost.since.T[1:],
        end=period.end,
    )
    texts = labels()
    stock = 60 + 20 * (np.arange(SIZE) % 7)
    weight = 20 + np.arange(SIZE) * 37 % 900
    discontinued = np.where(which.after(products.sold_until), which.of(products.sold_until), NEVER)
    return version_table(
        ERP,
        "Product",
        which,
        {
            "ProductID": which.of(products.number),
            "Name": which.of(texts["name"]),
            "ProductNumber": which.of(texts["number"]),
            "MakeFlag": False,
            "FinishedGoodsFlag": True,
            "Color": which.of(texts["colour"]),
            "SafetyStockLevel": which.of(stock),
            "ReorderPoint": which.of(stock * 3 // 4),
            "StandardCost": products.cost.at(which.row, which.since),
            "ListPrice": products.price.at(which.row, which.since),
            "Size": which.of(texts["size"]),
            "SizeUnitMeasureCode": None,
            "WeightUnitMeasureCode": "KG",
            "Weight": which.of(weight),
            "DaysToManufacture": 0,
            "ProductLine": None,
            "Class": None,
            "Style": None,
            "ProductSubcategoryID": which.of(products.line + 1),
            "ProductModelID": which.of(np.arange(SIZE) // VARIANTS + 1),
            "SellStartDate": which.of(products.sold_from),
            "SellEndDate": discontinued,
            "DiscontinuedDate": discontinued,
            "rowguid": which.of(guids(seed, "Product", SIZE)),
        },
    )


def labels() -> dict[str, pa.Array]:
    """Name, number, colour and size of every product."""
    each = [(line, model, variant) for line in LINES for model in line.models
            for variant in line.variants]  # fmt: skip
    sizes = ("S", "M", "L")
    return {
        "name": pa.array([f"{model} {line.noun}, {variant}" for line, model, variant in each]),
        "number": pa.array(
            [
                f"{line.code}-{model[:2].upper()}{100 + position}-{variant[0]}"
                for position, (line, model, variant) in enumerate(each)
            ]
        ),
        "colour": pa.array([None if v in sizes else v for *_, v in each], pa.string()),
        "size": pa.array([v if v in sizes else None for *_, v in each], pa.string()),
    }


def _history(table: str, period: Period, number: Ints, **moving: Steps) -> pa.Table:
    """One row per step; it is closed, with the day before as its last, when the next one starts."""
    [(column, steps)] = moving.items()
    product, step = np.nonzero(steps.since < period.end)
    since = steps.since[product, step]
    next_step = np.full(len(since), NEVER)
    followed = np.flatnonzero(product[1:] == product[:-1])
    next_step[followed] = since[followed + 1]
    which = versions(since, next_step, end=period.end)
    closed = which.after(next_step)
    return version_table(
        ERP,
        table,
        which,
        {
            "ProductID": which.of(number[product]),
            "StartDate": which.of(since),
            "EndDate": np.where(closed, which.of(next_step) - DAY, NEVER),
            column: which.of(steps.amount[product, step]),
        },
    )
