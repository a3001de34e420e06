"""The shipped list of places knows every place that the simulation uses."""

from __future__ import annotations

import csv
from pathlib import Path

import retail_assets
from retail_assets_tests.simulated_retailer.conftest import Ask
from simulated_retailer.population.shops import SHOPS

GEO = Path(retail_assets.__file__).parent / "reference" / "geo"


def _rows(name: str) -> list[dict[str, str]]:
    with (GEO / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_places_are_once_on_the_earth_and_have_their_country() -> None:
    places = _rows("places.csv")
    keys = [(place["country"], place["state"]) for place in places]
    assert len(keys) == len(set(keys))
    assert {(country, "") for country, _ in keys} <= set(keys)
    assert all(abs(float(place["latitude"])) <= 90 for place in places)
    assert all(abs(float(place["longitude"])) <= 180 for place in places)


def test_every_address_is_in_a_known_place(ask: Ask) -> None:
    known = {(place["country"], place["state"]) for place in _rows("places.csv")}
    for query in (
        """
        select c."Name", s."Name" from erp."StateProvince" s
        join erp."CountryRegion" c using ("CountryRegionCode")
        """,
        "select distinct country, state from webshop.users",
        "select distinct country, state from crm.consumers",
        "select distinct country, state from inventory.distribution_centers",
    ):
        assert set(ask(query)) <= known
    assert {(shop.country, shop.state) for shop in SHOPS} <= known


def test_every_territory_has_a_shop(ask: Ask) -> None:
    territories = {shop.territory_id for shop in SHOPS}
    assert territories == set(range(1, 11))
    assert {number for (number,) in ask('select "TerritoryID" from erp."SalesTerritory"')} <= territories
