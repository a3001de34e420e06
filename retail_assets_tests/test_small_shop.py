"""A shop as shops are: keys of text, parts of pieces, guests, credits, amounts of whole orders, refunds of
pieces, of amounts and of nothing that is named. Through the real run, to the last digit."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets_tests.conftest import Deployment, new_deployment
from retail_assets_tests.laws.comparison import assert_same

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 4)
DAYS = [date(2024, 3, day) for day in (1, 2, 3, 4)]
SHOP = {"sources": "webshop", "start_date": FIRST, "end_date": LAST}
NOBODY = "0" * 32

# A file's day is in its name. On the last day the guest of #A2 gives another address.
FILES = {
    "users/2024-03-01.csv": """
        id,email,country
        u-1,Ann@Example.org,France
    """,
    "products/2024-03-01.csv": """
        id,sku,name,cost,retail_price
        T/1,TEA-01,Tea by weight,3,
        P/1,,Pot,,
        C/1,CUP-01,Cup,1.5,5
    """,
    "orders/2024-03-01.csv": """
        order_id,user_id,customer_email,status,created_at,discount,tax,freight
        #A1,u-1,other@example.org,Complete,2024-03-01 10:00:00,3,4,5.55
    """,
    "orders/2024-03-02.csv": """
        order_id,user_id,customer_email,status,created_at,discount,tax,freight
        #A2,,guest@example.org ,Complete,2024-03-02 10:00:00,,,
        #A3,,,Cancelled,2024-03-02 11:00:00,,,
        #A4,,,,2024-03-02 12:00:00,,0.01,
    """,
    "orders/2024-03-04.csv": """
        order_id,user_id,customer_email,status,created_at,discount,tax,freight,modified_at
        #A2,,Guest@Example.com,Complete,2024-03-02 10:00:00,,,,2024-03-04 09:00:00
    """,
    "order_items/2024-03-01.csv": """
        id,order_id,product_id,sale_price,quantity,discount,created_at
        #A1-1,#A1,T/1,9.50,2.5,,2024-03-01 10:00:00
        #A1-2,#A1,P/1,49.00,1,2,2024-03-01 10:00:00
    """,
    "order_items/2024-03-02.csv": """
        id,order_id,product_id,sale_price,quantity,discount,created_at
        #A2-1,#A2,C/1,4.0125,3,,2024-03-02 10:00:00
        #A2-2,#A2,,-2.50,,,2024-03-02 10:00:00
        #A3-1,#A3,C/1,4.0125,1,,2024-03-02 11:00:00
        #A4-1,#A4,C/1,5,-2,,2024-03-02 12:00:00
    """,
    "refunds/2024-03-03.csv": """
        refund_id,order_id,order_item_id,refunded_at,quantity,amount
        r-1,,#A1-1,2024-03-03 09:00:00,0.5,4.75
        r-2,#A2,,2024-03-03 09:00:00,,1.0025
        r-3,,,2024-03-03 09:00:00,,2.25
    """,
    "payments/2024-03-02.csv": """
        payment_id,order_id,paid_at,kind,amount
        p/1,#A1,2024-03-01 10:01:00,card,77.30
        p/2,#A2,2024-03-02 10:01:00,voucher,9.5375
    """,
}
SHARES = {
    # order line: net amount, tax, freight, total due
    "#A1-1": ("22.7429", "1.3428", "1.8631", "25.9488"),
    "#A1-2": ("45.0071", "2.6572", "3.6869", "51.3512"),
    "#A2-1": ("12.0375", None, None, "12.0375"),
    "#A2-2": ("-2.50", None, None, "-2.50"),
    "#A3-1": ("4.0125", None, None, "4.0125"),
    "#A4-1": ("-10", "0.01", None, "-9.99"),
}


def _write(folder: Path, upto: date) -> None:
    for name, text in FILES.items():
        if name[-14:-4] <= upto.isoformat():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")


def _key(deployment: Deployment, address: str) -> str:
    ((key,),) = deployment.query(f"select md5('email:{address}')")
    return str(key)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Deployment:
    made = new_deployment(tmp_path_factory.mktemp("small-shop"), parsed_project, **SHOP)
    _write(made.sources / "webshop", LAST)
    made.run(FIRST, LAST)
    return made


def test_a_shop_to_the_last_digit(shop: Deployment) -> None:
    lines = shop.rows("warehouse.wh_fact_sales", "order_line_id, net_amount, tax, freight, total_due")
    expected = {line: tuple(each and Decimal(each) for each in said) for line, said in SHARES.items()}
    assert {line: tuple(amounts) for line, *amounts in lines} == expected
    assert shop.rows(
        "warehouse.wh_fact_sales", "order_id, is_sale, sum(quantity) over (partition by order_id)"
    ) == [
        ("#A1", True, Decimal("3.5")),
        ("#A1", True, Decimal("3.5")),
        ("#A2", True, Decimal(4)),
        ("#A2", True, Decimal(4)),
        ("#A3", False, Decimal(1)),
        ("#A4", True, Decimal(-2)),
    ]
    assert shop.rows("staging.quarantine") == []


def test_marts_have_all_of_it(shop: Deployment) -> None:
    columns = ("quantity", "net_sales", "tax", "freight", "total_due", "returned_quantity", "refund_amount")
    figures = ", ".join(f"sum({column})" for column in columns)
    everything = tuple(map(Decimal, ("5.5", "67.2875", "4.01", "5.55", "76.8475", "0.5", "8.0025")))
    for mart in ("sales_performance", "customer_analysis", "product_demand"):
        assert shop.query(f"select {figures} from mart_sales.{mart}") == [everything], mart
    assert shop.rows(
        "mart_sales.sales_performance", "sales_date::varchar, orders, net_sales, refund_amount"
    ) == [
        ("2024-03-01", 1, Decimal("67.75"), 0),
        ("2024-03-02", 2, Decimal("-0.4625"), 0),
        ("2024-03-03", 0, 0, Decimal("8.0025")),
    ]
    assert shop.query(
        "select product, sum(quantity), sum(net_sales), sum(margin) filter (order_lines > 0),"
        " sum(refund_amount) from mart_sales.product_demand"
        " group by product order by product"
    ) == [
        ("Cup", 1, Decimal("2.0375"), Decimal("0.5375"), 0),
        ("Pot", 1, Decimal("45.0071"), None, 0),
        ("Tea by weight", Decimal("2.5"), Decimal("22.7429"), Decimal("15.2429"), Decimal("4.75")),
        ("Unknown", 1, Decimal("-2.5"), None, Decimal("3.2525")),
    ]


def test_guests_are_who_their_address_is(shop: Deployment) -> None:
    """The user's is the user's own; a guest's is the last one given; who gives none is nobody."""
    ann, guest = _key(shop, "ann@example.org"), _key(shop, "guest@example.com")
    assert shop.query(
        "select consumer_key, sum(orders), sum(net_sales), sum(refund_amount)"
        " from mart_sales.customer_analysis group by all order by sum(net_sales) desc"
    ) == [
        (ann, 1, Decimal("67.75"), Decimal("4.75")),
        (guest, 1, Decimal("9.5375"), Decimal("1.0025")),
        (NOBODY, 1, -10, Decimal("2.25")),
    ]
    assert dict(shop.query("select consumer_key, lifetime_revenue from warehouse.wh_dim_consumer")) == {
        ann: Decimal("67.75"),
        guest: Decimal("9.5375"),
        NOBODY: -10,
    }


def test_refunds_and_payments_are_facts(shop: Deployment) -> None:
    columns = "return_id, order_id, order_line_id, return_quantity, refund_amount"
    assert shop.rows("warehouse.wh_fact_sales_returns", columns) == [
        ("refund:r-1", "#A1", "#A1-1", Decimal("0.5"), Decimal("4.75")),
        ("refund:r-2", "#A2", None, None, Decimal("1.0025")),
        ("refund:r-3", "return:r-3", None, None, Decimal("2.25")),
    ]
    assert shop.rows(
        "warehouse.wh_fact_payments", "payment_id, order_id, payment_kind, amount, consumer_key"
    ) == [
        ("p/1", "#A1", "card", Decimal("77.30"), _key(shop, "ann@example.org")),
        ("p/2", "#A2", "voucher", Decimal("9.5375"), _key(shop, "guest@example.com")),
    ]


def test_day_by_day_and_from_nothing_it_is_the_same(
    deploy: Callable[..., Deployment], shop: Deployment
) -> None:
    daily = deploy(**SHOP)
    for day in DAYS:
        _write(daily.sources / "webshop", day)
        daily.run(day)
    daily.run(DAYS[2])
    expected = {table: rows for table, rows in shop.lasting().items() if rows}
    assert {table.split(".")[-1] for table in expected} > {
        "wh_fact_sales",
        "wh_fact_sales_returns",
        "wh_fact_payments",
    }
    assert_same({table: rows for table, rows in daily.lasting().items() if rows}, expected)
    daily.run(LAST, full_refresh=True)
    assert_same({table: rows for table, rows in daily.lasting().items() if rows}, expected)
