"""The six systems agree with one another, whenever one looks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_assets_tests.simulated_retailer.conftest import Ask, connected
from simulated_retailer import SYSTEMS, Retailer, simulate, write_sources

TABLES = [
    (system.name, table) for system in SYSTEMS.values() if system.name != "erp" for table in system.tables
]

any_retailer = given(consumers=st.integers(1, 200), days=st.integers(1, 60), seed=st.integers(0, 2**64))
few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@few
@any_retailer
def test_same_arguments_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, consumers: int, days: int, seed: int
) -> None:
    start = date(2024, 2, 10)
    first, second = (simulate(consumers=consumers, days=days, seed=seed, start=start) for _ in range(2))
    assert first.versions == second.versions
    assert first.truth == second.truth
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    write_sources(first, one)
    write_sources(second, two)
    assert _files(one) == _files(two)


@few
@any_retailer
def test_every_system_keeps_its_layout_and_its_period(consumers: int, days: int, seed: int) -> None:
    start = date(2024, 2, 10)
    small_retailer = simulate(consumers=consumers, days=days, seed=seed, start=start)
    with connected(small_retailer) as sql:
        for system, table in TABLES:
            columns = [*SYSTEMS[system].tables[table].names, "_until"]
            assert small_retailer.versions[system][table].column_names == columns
            modified = SYSTEMS[system].modified
            late = sql.execute(
                f'select count(*) from {system}."all_{table}" where "{modified}" >= ? or _until >= ?',
                [start + timedelta(days=days)] * 2,
            ).fetchone()
            assert late == (0,), (system, table)


@pytest.mark.parametrize(("system", "table"), TABLES)
def test_versions_of_a_row_follow_each_other(ask: Ask, system: str, table: str) -> None:
    key = ", ".join(SYSTEMS[system].primary_key(table))
    modified = SYSTEMS[system].modified
    wrong = ask(
        f"""
        select count(*) from (
            select *, lead({modified}) over (partition by {key} order by {modified}) as next
            from {system}.all_{table}
        )
        where _until <= {modified} or next is not null and _until is distinct from next
        """
    )
    assert wrong == [(0,)]


@pytest.mark.parametrize(
    ("child", "column", "parent", "key"),
    [
        ("webshop.orders", "user_id", "webshop.users", "id"),
        ("webshop.order_items", "order_id", "webshop.orders", "order_id"),
        ("webshop.payments", "order_id", "webshop.orders", "order_id"),
        ("webshop.order_items", "product_id", "webshop.products", "id"),
        ("webshop.order_items", "inventory_item_id", "webshop.inventory_items", "id"),
        ("webshop.inventory_items", "product_id", "webshop.products", "id"),
        ("webshop.products", "distribution_center_id", "webshop.distribution_centers", "id"),
        ("webshop.events", "user_id", "webshop.users", "id"),
        ("crm.interactions", "touchpoint_id", "crm.touchpoints", "touchpoint_id"),
        (
            "inventory.stock_movements",
            "distribution_center_id",
            "inventory.distribution_centers",
            "distribution_center_id",
        ),
        ("inventory.stock_movements", "sku", "truth.products", "product_number"),
        ("inventory.purchase_orders", "sku", "truth.products", "product_number"),
        ("marketing.campaigns", "media_channel_id", "marketing.media_channels", "media_channel_id"),
        ("marketing.campaigns", "audience_segment_id", "marketing.audience_segments", "audience_segment_id"),
        ("marketing.campaigns", "offer_id", "marketing.offers", "offer_id"),
        ("marketing.campaign_touches", "campaign_id", "marketing.campaigns", "campaign_id"),
        ("marketing.campaign_performance", "campaign_id", "marketing.campaigns", "campaign_id"),
        ("marketing.offer_redemptions", "offer_id", "marketing.offers", "offer_id"),
        ("marketing.offers", "special_offer_id", 'erp."SpecialOffer"', '"SpecialOfferID"'),
    ],
)
def test_what_rows_point_to_is_there(ask: Ask, child: str, column: str, parent: str, key: str) -> None:
    orphans = ask(
        f"""
        select count(*) from {child} c anti join {parent} p on p.{key} = c.{column}
        where c.{column} is not null
        """
    )
    assert orphans == [(0,)]
    assert ask(f"select count(c.{column}) > 0 from {child} c") == [(True,)]


def test_consumers_are_pointed_to_unless_they_were_erased(ask: Ask) -> None:
    for table in ("interactions", "loyalty_activities"):
        orphans = ask(
            f"""
            select count(*) from crm.{table} c
            anti join crm.consumers using (consumer_id)
            anti join truth.people p on p.consumer_id = c.consumer_id and p.erased_at is not null
            """
        )
        assert orphans == [(0,)]
    assert ask("select count(erased_at) > 0 from truth.people where consumer_id is not null") == [(True,)]
    still_there = (
        "from crm.consumers semi join (from truth.people where erased_at is not null) using (consumer_id)"
    )
    assert ask(still_there) == []


def test_people_are_known_by_their_addresses(ask: Ask) -> None:
    """What systems have, trimmed and lower-cased, is the person's address or nothing."""
    for query in (
        'select "BusinessEntityID", "EmailAddress" from erp."EmailAddress"',
        "select id, email from webshop.users",
        "select consumer_id, consumer_email from crm.consumers",
    ):
        assert ask(f"select count(*) > 20 from ({query}) t(id, email) where email <> lower(trim(email))") == [
            (True,)
        ]
    wrong = ask(
        """
        select count(*) from truth.people p
        left join webshop.users u on u.id = p.webshop_user_id
        left join crm.consumers c using (consumer_id)
        left join erp."Customer" k on k."CustomerID" = p.customer_id
        left join erp."EmailAddress" e on e."BusinessEntityID" = k."PersonID"
        where lower(trim(u.email)) is distinct from p.webshop_email
           or (lower(trim(c.consumer_email)) is distinct from p.crm_email and p.erased_at is null)
           or lower(trim(e."EmailAddress")) is distinct from p.erp_email
           or p.erp_email <> p.email or p.webshop_email <> p.email or p.crm_email <> p.email
           or matchable <> (
               (p.erp_email is not null)::int + (p.webshop_email is not null)::int
               + (p.crm_email is not null)::int >= 2
           )
        """
    )
    assert wrong == [(0,)]
    assert ask(
        "select count(*) - count(distinct email), count(*) filter (matchable) > 500 from truth.people"
    ) == [(0, True)]
    everyone = """
        select (select count(*) from webshop.users),
               (select count(distinct consumer_id) from crm.all_consumers),
               (select count(distinct "BusinessEntityID") from erp."EmailAddress")
    """
    known = "select count(webshop_user_id), count(consumer_id), count(erp_email) from truth.people"
    assert ask(everyone) == ask(known)


def test_products_are_known_by_their_numbers(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from truth.products t
        left join webshop.products w on w.id = webshop_product_id
        left join erp."Product" e on e."ProductID" = product_id
        where w.sku is distinct from if(webshop_product_id is null, null, product_number)
           or e."ProductNumber" is distinct from if(product_id is null, null, product_number)
        """
    )
    assert wrong == [(0,)]
    kinds = ask(
        """
        select count(*) filter (product_id is not null and webshop_product_id is not null) >= 20,
               count(*) filter (product_id is null) >= 20, count(*) filter (webshop_product_id is null) >= 20
        from truth.products
        """
    )
    assert kinds == [(True, True, True)]


def test_who_stopped_orders_no_more(ask: Ask) -> None:
    late = ask(
        """
        select count(*) from webshop.orders o join truth.people p on p.webshop_user_id = o.user_id
        where o.created_at::date > p.churned_on
        """
    )
    assert late == [(0,)]


@pytest.mark.parametrize(
    ("table", "reason", "condition"),
    [
        ("webshop.users", "the age is below 0 or above 120", "age > 120"),
        ("webshop.orders", "the number of items is not above 0", "num_of_item <= 0"),
        ("webshop.order_items", "the sale price is missing", "sale_price is null"),
        ("webshop.order_items", "the item names no order", "order_id is null"),
        ("webshop.inventory_items", "the piece has no product", "product_id is null"),
        ("webshop.events", "the event has no session", "session_id is null"),
        ("webshop.events", "the event has no type", "event_type is null"),
        ("crm.interactions", "the interaction has no consumer", "consumer_id is null"),
        ("crm.interactions", "the satisfaction is not between 1 and 5", "satisfaction_score > 5"),
        ("crm.interactions", "it was resolved before it happened", "resolved_at < interaction_at"),
        ("crm.loyalty_activities", "the points are negative", "points_earned < 0"),
        ("crm.loyalty_activities", "the activity has no consumer", "consumer_id is null"),
        ("crm.loyalty_activities", "the activity type is unknown", "activity_type = 'gift'"),
        ("inventory.stock_movements", "the quantity is missing or 0", "quantity = 0"),
        ("inventory.stock_movements", "the movement type is unknown", "movement_type = 'lost'"),
        ("inventory.stock_movements", "the movement names no product", "sku is null"),
        (
            "inventory.purchase_orders",
            "the quantity ordered is missing or not above 0",
            "quantity_ordered <= 0",
        ),
        (
            "inventory.purchase_orders",
            "it was received before it was ordered",
            "received_date < order_date",
        ),
        (
            "marketing.campaign_performance",
            "there are more clicks than impressions",
            "clicks > impressions",
        ),
        ("marketing.campaign_touches", "the touch type is unknown", "touch_type = 'view'"),
        ("marketing.campaign_touches", "the touch names nobody", "consumer_email is null"),
        ("marketing.offer_redemptions", "the redemption has no offer", "offer_id is null"),
        ("marketing.offer_redemptions", "there is no such offer", "offer_id = 999"),
        ("marketing.offer_redemptions", "the discount is missing or negative", "discount_amount < 0"),
    ],
)
def test_recorded_faults_are_the_faults(ask: Ask, table: str, reason: str, condition: str) -> None:
    system, name = table.split(".")
    key = SYSTEMS[system].primary_key(name)
    found = ask(f"select {', '.join(key)} from {system}.all_{name} where {condition}")
    recorded = ask(
        f"""
        select key from truth.faults where system = '{system}' and "table" = '{name}' and reason = '{reason}'
        """
    )
    assert len(found) >= 2
    assert {tuple(map(str, row)) for row in found} == {
        tuple(map(str, json.loads(text).values())) for (text,) in recorded
    }


@pytest.mark.parametrize("moment", [None, datetime(2024, 3, 17, 13, tzinfo=UTC)])
def test_a_database_at_a_moment_is_a_filter(
    small_retailer: Retailer, ask: Ask, tmp_path: Path, moment: datetime | None
) -> None:
    systems = [name for name in SYSTEMS if name != "webshop"]
    write_sources(small_retailer, tmp_path, moment, systems)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{name}.sqlite" for name in systems)
    at = "'infinity'::timestamp" if moment is None else f"timestamp '{moment:%Y-%m-%d %H:%M:%S}'"
    for system in systems:
        with closing(sqlite3.connect(tmp_path / f"{system}.sqlite")) as written:
            for table in SYSTEMS[system].tables:
                modified = SYSTEMS[system].modified
                expected = ask(
                    f"""
                    select count(*), strftime(max("{modified}"), '%Y-%m-%d %H:%M:%S.%f')
                    from {system}."all_{table}"
                    where "{modified}" < {at} and coalesce(_until, 'infinity') >= {at}
                    """
                )
                found = written.execute(f'select count(*), max("{modified}") from "{table}"').fetchall()
                assert found == expected, (system, table)
