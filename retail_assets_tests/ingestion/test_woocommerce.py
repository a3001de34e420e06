"""WooCommerce's tables in a database, through the mappings that are shipped."""

import sqlite3
from datetime import datetime
from decimal import Decimal

import pytest

from retail_assets_tests.ingestion.tables import at, days

# As WooCommerce creates them, without what nothing here reads.
COMMON = """
    create table {p}posts (ID integer, post_type text, post_status text, post_title text,
        post_parent integer, post_date_gmt datetime, post_modified_gmt datetime);
    create table {p}postmeta (meta_id integer primary key, post_id integer, meta_key text, meta_value text);
    create table {p}terms (term_id integer, name text);
    create table {p}term_taxonomy (term_taxonomy_id integer, term_id integer, taxonomy text);
    create table {p}term_relationships (object_id integer, term_taxonomy_id integer);
    create table {p}woocommerce_order_items (order_item_id integer, order_item_name text,
        order_item_type text, order_id integer);
    create table {p}woocommerce_order_itemmeta (meta_id integer primary key, order_item_id integer,
        meta_key text, meta_value text);
    create table {p}wc_customer_lookup (customer_id integer, user_id integer, username text,
        first_name text, last_name text, email text, date_last_active datetime, date_registered datetime,
        country text, postcode text, city text, state text);
"""
OWN_TABLES = """
    create table {p}wc_orders (id integer, status text, currency text, type text,
        tax_amount decimal(26, 8), total_amount decimal(26, 8), customer_id integer, billing_email text,
        date_created_gmt datetime, date_updated_gmt datetime, parent_order_id integer, payment_method text);
    create table {p}wc_order_operational_data (id integer, order_id integer, date_paid_gmt datetime,
        date_completed_gmt datetime, shipping_total_amount decimal(26, 8),
        discount_total_amount decimal(26, 8));
"""
META = {
    "currency": "_order_currency", "tax": "_order_tax", "total": "_order_total", "user": "_customer_user",
    "email": "_billing_email", "freight": "_order_shipping",
}  # fmt: skip


class Wordpress:
    """A WordPress database with WooCommerce, in SQLite."""

    def __init__(self, path, *, prefix="wp_", posts=False):
        self.path, self.prefix, self.posts = path, prefix, posts
        self.items = 0
        with sqlite3.connect(path) as db:
            db.executescript((COMMON + ("" if posts else OWN_TABLES)).replace("{p}", prefix))

    def insert(self, table, *values):
        with sqlite3.connect(self.path) as db:
            db.execute(f"insert into {self.prefix}{table} values ({', '.join('?' * len(values))})", values)

    def change(self, statement):
        with sqlite3.connect(self.path) as db:
            db.execute(statement)

    def order(self, number, day, *, status="wc-completed", parent=0, paid=True, updated=None, **said):
        """An order, or what was paid back of one."""
        said = {"currency": "EUR", "tax": 0, "total": 0, "user": 0, "email": "", "freight": 0} | said
        kind = "shop_order_refund" if parent else "shop_order"
        created, updated = f"2024-01-0{day} 10:00:00", f"2024-01-0{updated or day} 12:00:00"
        if self.posts:
            self.insert("posts", number, kind, status, "", parent, created, updated)
            for name, value in said.items():
                self.insert("postmeta", None, number, META[name], str(value))
            return
        self.insert(
            "wc_orders", number, status, said["currency"], kind, said["tax"], said["total"], said["user"],
            said["email"], created, updated, parent, "stripe",
        )  # fmt: skip
        paid_at = created if paid and not parent else None
        self.insert("wc_order_operational_data", number, number, paid_at, None, said["freight"], 0)

    def item(self, order, product, quantity, subtotal, total, tax=0, *, kind="line_item", **more):
        self.items += 1
        self.insert("woocommerce_order_items", self.items, "x", kind, order)
        meta = {"_product_id": product, "_qty": quantity, "_line_subtotal": subtotal, "_line_total": total}
        if kind == "fee":
            meta = {"_line_total": total}
        for key, value in {**meta, "_line_tax": tax, **more}.items():
            self.insert("woocommerce_order_itemmeta", None, self.items, key, str(value))
        return self.items

    def product(self, number, name, *, kind="product", parent=0, **meta):
        self.insert(
            "posts", number, kind, "publish", name, parent, "2024-01-01 00:00:00", "2024-01-01 00:00:00"
        )
        for key, value in meta.items():
            self.insert("postmeta", None, number, f"_{key}", value)


def _fill(shop):
    shop.product(500, "Scarf", sku="SC", regular_price="30", price="24", cogs_total_value="11.5")
    shop.product(501, "Cap", price="12.50")
    shop.product(502, "Cap - Red", kind="product_variation", parent=501, sku="CAP-R", price="13")
    shop.insert("terms", 1, "Winter")
    shop.insert("term_taxonomy", 10, 1, "product_cat")
    shop.insert("term_relationships", 501, 10)
    shop.insert(
        "wc_customer_lookup",
        1,
        7,
        "mo",
        "Mo",
        "R",
        "mo@example.org",
        None,
        "2023-05-06 07:08:09",
        "DE",
        "1",
        "Ulm",
        "BW",
    )
    shop.insert("wc_customer_lookup", 2, None, None, "", "", "guest@example.org", None, None, "", "", "", "")
    # Three scarves at 10 each, one euro off for all, and a red cap; wrapped.
    shop.order(1, 2, user=7, email="mo@example.org", total="53.41", tax="7.41", freight="4.00")
    shop.item(1, 500, 3, "30", "29", "5.51")
    shop.item(1, 501, 1, "13", "12", "1.90", _variation_id=502)
    shop.item(1, 0, 1, "", "1.00", "0", kind="fee")
    shop.item(1, 0, 0, "", "4.00", "0", kind="shipping")
    # A guest, who paid for three at 10 in all.
    shop.order(2, 3, email="guest@example.org", total="10", status="wc-processing")
    shop.item(2, 500, 3, "10", "10")


@pytest.mark.parametrize("posts", [False, True])
def test_orders_items_and_refunds(company, tmp_path, posts):
    shop = Wordpress(tmp_path / "wordpress.sqlite", posts=posts)
    _fill(shop)
    taken = company("webshop", f"sqlite:///{shop.path}", "woocommerce-posts" if posts else "woocommerce")
    assert taken.run(days(1, 3)).errors == {}
    orders = "order_id, user_id, customer_email, status, created_at, total, tax, freight, currency"
    assert taken.rows("orders", orders) == [
        (1, 7, "mo@example.org", "Complete", at(2, 10), Decimal("53.41"), Decimal("7.41"), 4, "EUR"),
        (2, None, "guest@example.org", "Processing", at(3, 10), 10, 0, 0, "EUR"),
    ]  # fmt: skip
    lines = (
        "select order_id, product_id, quantity, sale_price, discount, quantity * sale_price - discount, tax"
    )
    assert taken.query(f"{lines} from raw_webshop.order_items order by id") == [
        (1, 500, 3, 10, 1, 29, Decimal("5.51")),
        (1, 502, 1, 13, 1, 12, Decimal("1.9")),
        (1, None, 1, 1, 0, 1, 0),
        # A third of ten is no amount: what is left over is in the discount, and the line is exact.
        (2, 500, 3, Decimal("3.3333"), Decimal("-0.0001"), 10, 0),
    ]
    assert taken.rows("products", "id, name, sku, category, retail_price, cost") == [
        (500, "Scarf", "SC", None, 30, Decimal("11.5")),
        (501, "Cap", None, "Winter", Decimal("12.5"), None),
        (502, "Cap - Red", "CAP-R", "Winter", 13, None),
    ]
    assert taken.rows("users", "id, email, city, country, created_at") == [
        (7, "mo@example.org", "Ulm", "DE", datetime.fromisoformat("2023-05-06T07:08:09"))
    ]
    if not posts:
        assert taken.rows("payments", "order_id, paid_at, kind, amount") == [
            (1, at(2, 10), "stripe", Decimal("53.41")),
            (2, at(3, 10), "stripe", 10),
        ]

    # One scarf comes back, with its tax; later two euros without any item.
    shop.order(3, 4, parent=1, total="-11.50")
    shop.item(3, 500, -1, "-9.66", "-9.66", "-1.84", _refunded_item_id=1)
    shop.order(4, 5, parent=1, total="-2.00")
    taken.run(days(4, 5))
    assert taken.rows(
        "refunds", "refund_id, order_id, order_item_id, product_id, refunded_at, quantity, amount"
    ) == [
        (-4, 1, None, None, at(5, 10), None, 2),
        (5 + 1, 1, 1, 500, at(4, 10), 1, Decimal("11.5")),
    ]


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("wc-on-hold", "Processing"),
        ("wc-refunded", "Returned"),
        ("wc-failed", "Cancelled"),
        ("wc-pending", "Cancelled"),
    ],
)
def test_statuses(company, tmp_path, status, meant):
    shop = Wordpress(tmp_path / "wordpress.sqlite")
    shop.order(1, 2, status=status)
    taken = company("webshop", f"sqlite:///{shop.path}", "woocommerce")
    taken.run(days(2), "orders")
    assert taken.rows("orders", "status") == [(meant,)]


def test_changes_come_with_their_day(company, tmp_path):
    """An order is read again when it changes, with all its lines; one that is gone from it is deleted."""
    shop = Wordpress(tmp_path / "wordpress.sqlite")
    _fill(shop)
    taken = company("webshop", f"sqlite:///{shop.path}", "woocommerce")
    taken.run(days(2, 3))
    shop.change(
        "update wp_wc_orders set status = 'wc-cancelled', date_updated_gmt = '2024-01-04 09:00:00'"
        " where id < 2"
    )
    shop.change("delete from wp_woocommerce_order_items where order_item_id = 3")
    extraction = taken.run(days(4))
    assert extraction.rows["orders"] == 1
    assert extraction.rows["order_items"] == 2
    assert taken.deleted["order_items"] == 1
    assert taken.rows("order_items", "id, status") == [(1, "Cancelled"), (2, "Cancelled"), (5, "Processing")]
    assert taken.query("select max(_changed_at) from raw_webshop.order_items where id < 3") == [(at(4, 9),)]


def test_another_prefix(company, tmp_path):
    shop = Wordpress(tmp_path / "wordpress.sqlite", prefix="shop_")
    _fill(shop)
    mapping = "extends: woocommerce\nvariables: {prefix: shop_}\ntables:\n  payments: null\n"
    taken = company("webshop", f"sqlite:///{shop.path}", mapping)
    extraction = taken.run(days(1, 3))
    assert extraction.errors == {}
    assert taken.rows("orders", "order_id") == [(1,), (2,)]
    assert "payments" not in extraction.found
    # Without it the sentence names the mapping, the table and the place.
    said = company("webshop", f"sqlite:///{shop.path}", "woocommerce").run(days(1)).errors["orders"]
    assert said.endswith("woocommerce.webshop.yml: tables.orders.select: no such table: wp_wc_orders.")
