"""Shopify's CSV exports, as Shopify writes them, through the mapping that is shipped."""

import csv
import io
from datetime import date
from decimal import Decimal
from hashlib import md5

import pytest

from retail_assets_tests.ingestion.tables import at, days

# The columns of an orders export, in its order; newer exports have more.
ORDERS = """
Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,
Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,
Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,
Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing City,
Billing Country,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,Refunded Amount,
Vendor,Outstanding Balance,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value
""".replace("\n", "").split(",")
# What only the first row of an order has.
FIRST = {
    "Financial Status": "paid",
    "Paid at": "2024-01-02 20:30:00 -0500",
    "Fulfillment Status": "unfulfilled",
    "Currency": "USD",
    "Subtotal": "0.00",
    "Shipping": "0.00",
    "Taxes": "0.00",
    "Total": "0.00",
    "Discount Amount": "0.00",
    "Payment Method": "Shopify Payments",
    "Refunded Amount": "0.00",
    "Outstanding Balance": "0.00",
    "Source": "web",
}
NINA = md5(b"nina@example.org").hexdigest()


def item(quantity, name, price, sku="", discount="0.00"):
    return {
        "Lineitem quantity": quantity,
        "Lineitem name": name,
        "Lineitem price": price,
        "Lineitem sku": sku,
        "Lineitem discount": discount,
    }


def order(name, items, email="Nina@Example.org ", created="2024-01-02 20:30:00 -0500", **first):
    """An order's rows: all of it in the first, its name and a line in the others."""
    head = FIRST | {key.replace("_", " "): value for key, value in first.items()}
    rows = [{"Name": name, "Email": email, "Created at": created} | each for each in items]
    return [head | rows[0], *({"Name": name} | each for each in items[1:])]


def export(path, columns, rows, *, mark=""):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row if isinstance(row, dict) else dict(zip(columns, row, strict=True)) for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(mark + text.getvalue(), encoding="utf-8")


@pytest.fixture
def shop(company, tmp_path):
    folder = tmp_path / "shopify"
    folder.mkdir()
    return company("webshop", folder, "shopify"), folder


def test_an_order_of_several_lines(shop):
    company, folder = shop
    rows = [
        *order(
            "#1001",
            [item("3", "Nib", "2.50", "NIB"), item("1", "Ink - Blue / 30 ml", "9.00", discount="1.00")],
            Subtotal="14.00", Shipping="4.90", Taxes="1.33", Total="20.23",
            Discount_Code="NEW", Discount_Amount="2.50", Fulfillment_Status="fulfilled",
            Fulfilled_at="2024-01-03 09:00:00 -0500",
            Notes='Ring twice,\n"please"\n\nand leave',
        ),
        *order(
            "#1002", [item("1", "Nib", "2.50", "NIB")], email="", Subtotal="2.50", Taxes="0.40", Total="2.50"
        ),
    ]  # fmt: skip
    export(folder / "orders" / "orders_export_1.csv", ORDERS, rows, mark="\ufeff")
    extraction = company.run(days(1, 5))
    assert (extraction.errors, company.problems) == ({}, [])
    placed = at(3, 1, 30)
    assert company.rows(
        "orders",
        "order_id, user_id, status, created_at, shipped_at, num_of_item, total, discount, tax, freight,"
        " currency",
    ) == [
        (
            "#1001",
            NINA,
            "Complete",
            placed,
            at(3, 14),
            2,
            *map(Decimal, ("20.23", "1.5", "1.33", "4.9")),
            "USD",
        ),
        # Here prices include the tax. A guest has nobody's key.
        ("#1002", None, "Processing", placed, None, 1, Decimal("2.5"), 0, 0, 0, "USD"),
    ]
    assert company.rows(
        "order_items", "id, order_id, user_id, product_id, status, created_at, quantity, sale_price, discount"
    ) == [
        ("#1001-1", "#1001", NINA, "NIB", "Complete", placed, 3, Decimal("2.5"), 0),
        ("#1001-2", "#1001", NINA, "Ink - Blue / 30 ml", "Complete", placed, 1, 9, 1),
        ("#1002-1", "#1002", None, "NIB", "Processing", placed, 1, Decimal("2.5"), 0),
    ]
    # Lines less discounts, with tax and freight, are what was to pay.
    assert (
        company.query("""
        select order_id, sum(quantity * sale_price - coalesce(i.discount, 0)) - any_value(o.discount)
            + any_value(o.tax) + any_value(o.freight) - any_value(o.total) as difference
        from raw_webshop.order_items i join raw_webshop.orders o using (order_id)
        group by all having difference <> 0
    """)
        == []
    )
    assert company.rows("payments", "payment_id, order_id, paid_at, kind, amount") == [
        ("#1001", "#1001", placed, "Shopify Payments", Decimal("20.23")),
        ("#1002", "#1002", placed, "Shopify Payments", Decimal("2.50")),
    ]
    assert company.rows("refunds", "*") == []


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"Financial_Status": "paid", "Fulfillment_Status": "fulfilled"}, "Complete"),
        ({"Financial_Status": "partially_refunded", "Fulfillment_Status": "fulfilled"}, "Complete"),
        ({"Financial_Status": "paid", "Fulfillment_Status": "partial"}, "Processing"),
        ({"Financial_Status": "pending"}, "Processing"),
        ({"Financial_Status": "authorized"}, "Processing"),
        ({"Financial_Status": "partially_paid"}, "Processing"),
        ({"Financial_Status": "refunded"}, "Returned"),
        ({"Financial_Status": "voided"}, "Cancelled"),
        ({"Financial_Status": "expired"}, "Cancelled"),
        ({"Financial_Status": "paid", "Cancelled_at": "2024-01-03 10:00:00 -0500"}, "Cancelled"),
        # What Shopify has not written so far stays what it is.
        ({"Financial_Status": "disputed"}, "disputed"),
    ],
)
def test_statuses(shop, said, meant):
    company, folder = shop
    export(folder / "orders" / "a.csv", ORDERS, order("#7", [item("1", "Nib", "1.00")], **said))
    company.run(days(1, 5), "orders", "order_items")
    assert company.rows("orders", "status") == [(meant,)]
    # An item that came back is told by the refunds.
    assert company.rows("order_items", "status") == [("Complete" if meant == "Returned" else meant,)]


def test_a_later_export_counts_and_an_older_layout_is_read(shop):
    """Orders are exported again and again; the columns that came later are not in old files."""
    company, folder = shop
    old = [
        name for name in ORDERS if name not in ("Lineitem discount", "Outstanding Balance", "Currency", "Id")
    ]
    rows = order("#1", [item("2", "Nib", "4.00")], Subtotal="8.00", Total="8.00")
    export(
        folder / "orders" / "2024-01-03.csv", old, [{k: v for k, v in r.items() if k in old} for r in rows]
    )
    company.run(days(3))
    assert company.rows("orders", "status, currency, discount") == [("Processing", None, 0)]
    later = order(
        "#1", [item("2", "Nib", "4.00")], Subtotal="8.00", Total="8.00", Fulfillment_Status="fulfilled",
        Financial_Status="partially_refunded", Refunded_Amount="4.00",
        Fulfilled_at="2024-01-03 08:00:00 -0500",
    )  # fmt: skip
    export(folder / "orders" / "2024-01-04.csv", ORDERS, later)
    company.run(days(4))
    assert company.rows("orders", "status, currency, discount") == [("Complete", "USD", 0)]
    assert company.rows("refunds", "order_id, refunded_at, amount, quantity") == [("#1", at(3, 13), 4, None)]


def test_products_and_customers(shop):
    company, folder = shop
    products = "Handle,Title,Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Price,Cost per item"
    products += ",Image Src"
    rows = [
        (
            "nib",
            "Nib",
            "Pens & Co",
            "Writing",
            "Title",
            "Default Title",
            "NIB",
            "2.50",
            "0.75",
            "https://x/1",
        ),
        ("nib", "", "", "", "", "", "", "", "", "https://x/2"),
        ("ink", "Ink", "", "Writing", "Colour", "Blue", "", "9.00", "", ""),
        ("ink", "", "", "", "", "Red", "INK-R", "9.50", "3.10", ""),
    ]
    export(folder / "products" / "p.csv", products.split(","), rows)
    # As newer exports call the same.
    names = ["URL handle", "Title", "Product category", "SKU", "Price", "Cost per item"]
    export(folder / "products" / "q.csv", names, [("pen", "Pen", "Pens", "PEN", "30", "12")])
    names = ["Customer ID", "First Name", "Email", "Accepts Email Marketing", "Default Address City"]
    names += ["Default Address Country Code"]
    customers = [("7", "Nina", "nina@example.org", "yes", "Turin", "IT"), ("8", "Otto", "", "no", "", "")]
    export(folder / "customers.csv", names, customers)
    company.run(days(1, 5))
    assert company.problems == []
    assert company.rows("products", "id, sku, name, brand, category, retail_price, cost") == [
        ("INK-R", "INK-R", "Ink - Red", None, "Writing", Decimal("9.5"), Decimal("3.1")),
        ("Ink - Blue", None, "Ink - Blue", None, "Writing", 9, None),
        ("NIB", "NIB", "Nib", "Pens & Co", "Writing", Decimal("2.5"), Decimal("0.75")),
        ("PEN", "PEN", "Pen", None, "Pens", 30, 12),
    ]
    assert company.rows("users", "id, email, city, country") == [
        (NINA, "nina@example.org", "Turin", "IT"),
        ("customer 8", None, None, None),
    ]


def test_inventory_and_consents(company, tmp_path):
    names = ["Handle", "SKU", "Location", "Incoming", "Available", "On hand"]
    rows = [
        ("nib", "NIB", "Depot", "0", "7", "9"),
        ("nib", "NIB", "Kiosk", "not stocked", "not stocked", "not stocked"),
        ("ink", "", "Depot", "0", "1", "1"),
        ("pen", "PEN", "Kiosk", "0", "0", "0"),
    ]
    export(tmp_path / "exports" / "inventory" / "inventory_export_2024-01-03.csv", names, rows)
    names = ["Customer ID", "Email", "Accepts Email Marketing"]
    customers = [("7", "nina@example.org", "yes"), ("8", "otto@example.org", "no")]
    export(tmp_path / "exports" / "customers" / "c.csv", names, customers)
    stock = company("inventory", tmp_path / "exports", "shopify")
    stock.run(days(3))
    assert stock.problems == []
    levels = stock.rows("stock_levels", "snapshot_date, distribution_center_id, sku, quantity_on_hand")
    assert levels == [(date(2024, 1, 3), "Depot", "NIB", 9), (date(2024, 1, 3), "Kiosk", "PEN", 0)]
    assert stock.rows("distribution_centers", "name") == [("Depot",), ("Kiosk",)]
    crm = company("crm", tmp_path / "exports", "shopify")
    crm.run(days(3))
    consents = crm.rows("consumers", "consumer_email, marketing_opt_in")
    assert consents == [("nina@example.org", True), ("otto@example.org", False)]
