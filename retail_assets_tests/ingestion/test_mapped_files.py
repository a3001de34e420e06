"""Files of a company's own, through a mapping."""

import os
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from retail_assets.ingestion.errors import SourceError
from retail_assets_tests.ingestion.company import Shop
from retail_assets_tests.ingestion.tables import at, days, write


@pytest.fixture
def shop(company, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    return Shop(company, folder)


# A shop whose till writes receipts, line by line, without numbers of their own: a hundredth of a real one.
TILL = """
timezone: Europe/London
only: true
tables:
  orders:
    select: >
      select receipt as order_id, min(sold_at) as created_at, max(buyer) as user_id from lines group by all
  order_items:
    from: lines
    columns:
      id: receipt || '-' || row_number() over (partition by receipt order by _row)
      order_id: receipt
      user_id: buyer
      product_id: article
      sale_price: price
      quantity: pieces
      created_at: sold_at
  products:
    select: select article as id, article as sku, max_by(text, sold_at) as name from lines group by article
"""


def _line(receipt, sold_at, article, text, pieces, price, buyer=""):
    names = ("receipt", "sold_at", "article", "text", "pieces", "price", "buyer")
    return dict(zip(names, (receipt, sold_at, article, text, pieces, price, buyer), strict=True))


LINES = [
    _line("R1", "2024-07-01 00:10:00", "84", "CUP", 6, "2.55", "B7"),
    _line("R1", "2024-07-01 00:10:00", "84", "CUP", 6, "2.55", "B7"),
    _line("R1", "2024-07-01 00:10:00", "21A", "SPOON", "0.5", "4.25", "B7"),
    _line("C2", "2024-07-02 09:00:00", "84", "CUP, WHITE", -6, "2.55", ""),
]


@pytest.mark.parametrize("name", ["lines.csv", "lines.csv.gz", "lines.parquet", "lines/2024-07.csv"])
def test_receipts_become_orders_lines_and_products(shop, name):
    """Text keys, a line's place, a guest, a credit note, a fraction: in 20 lines of mapping."""
    write(shop.folder / name, LINES)
    company = shop(TILL)
    assert len(TILL.strip().splitlines()) <= 25
    july = days(1, 5)._replace(end=at(31).replace(month=12, tzinfo=days(1).end.tzinfo))
    assert company.run(july).errors == {}
    assert company.problems == []
    assert company.rows("orders", "order_id, user_id, created_at::varchar, status") == [
        ("C2", None, "2024-07-02 08:00:00", "Complete"),
        # Ten past midnight in London's summer.
        ("R1", "B7", "2024-06-30 23:10:00", "Complete"),
    ]
    assert company.rows("order_items", "id, order_id, product_id, quantity, sale_price") == [
        ("C2-1", "C2", "84", -6, Decimal("2.55")),
        ("R1-1", "R1", "84", 6, Decimal("2.55")),
        ("R1-2", "R1", "84", 6, Decimal("2.55")),
        ("R1-3", "R1", "21A", Decimal("0.5"), Decimal("4.25")),
    ]
    assert company.rows("products", "id, name") == [("21A", "SPOON"), ("84", "CUP, WHITE")]


def test_only_what_is_new_is_read(shop):
    """Of files that a table is made of one by one; all of them where a query makes it of all."""
    mapping = """
        only: true
        tables:
          order_items:
            from: sold
            columns: {id: n, order_id: n, created_at: at, sale_price: price}
          users:
            select: select buyer as id, max_by(town, "at") as city from sold group by buyer
        """
    for day in (1, 2):
        row = {"n": day, "at": f"2024-01-0{day} 09:00:00", "price": 1, "buyer": 5, "town": f"town {day}"}
        write(shop.folder / "sold" / f"2024-01-0{day}.csv", [row])
    company = shop(mapping)
    company.run(days(1, 2))
    assert company.rows("users", "id, city") == [(5, "town 2")]
    write(
        shop.folder / "sold" / "2024-01-03.csv", [row | {"n": 3, "at": "2024-01-03 09:00:00", "town": "Urk"}]
    )
    extraction = company.run(days(3))
    assert (extraction.rows["order_items"], extraction.rows["users"]) == (1, 1)
    assert company.rows("users", "id, city") == [(5, "Urk")]
    extraction = company.run(days(4))
    assert (extraction.rows["order_items"], extraction.rows["users"]) == (0, 0)


def test_a_query_sees_no_file_of_a_later_day(shop):
    """Days run one by one over files that are all there make the same of them as one run over all."""
    query = "select n as id, max_by(town, day) as city from sold group by n"
    mapping = f'only: true\ntables: {{users: {{select: "{query}"}}}}'
    for day in (1, 2, 3):
        write(shop.folder / "sold" / f"2024-01-0{day}.csv", [{"n": 5, "town": "ABA"[day - 1], "day": day}])
    company = shop(mapping)
    towns = []
    for day in (1, 2, 3):
        company.run(days(day))
        towns += company.rows("users", "city")
    assert towns == [("A",), ("B",), ("A",)]


def test_a_mapping_that_changes_is_followed_from_the_beginning(shop):
    rows = [{"n": n, "at": "2024-01-02 09:00:00", "net": n, "gross": n * 2} for n in (1, 2)]
    write(shop.folder / "sold.csv", rows)

    def mapping(price):
        columns = f"id: n, order_id: n, created_at: at, sale_price: {price}"
        return f"only: true\ntables: {{order_items: {{from: sold, columns: {{{columns}}}}}}}"

    shop(mapping("gross")).run(days(2))
    company = shop(mapping("net"))
    company.run(days(3))
    assert company.rows("order_items", "id, sale_price") == [(1, 1), (2, 2)]


def test_a_query_over_new_files_and_all_of_another(shop):
    """Files are told apart by their paths, days by their names."""
    write(shop.folder / "towns.csv", [{"zip": "1", "town": "Urk"}, {"zip": "2", "town": "Ede"}])
    write(shop.folder / "people" / "x 2024-01-02.csv", [{"id": 1, "zip": "2"}, {"id": 2, "zip": "9"}])
    company = shop("""
        only: true
        tables:
          users:
            from: people
            sometimes: [mail]
            select: |
              select people.id, town as city, _day as created_at, mail as email
              from people left join towns using (zip)
        """)
    assert company.run(days(2)).errors == {}
    assert company.rows("users", "id, city, created_at, email") == [
        (1, "Ede", at(2), None),
        (2, None, at(2), None),
    ]
    write(shop.folder / "people" / "x 2024-01-03.csv", [{"id": 1, "zip": "1", "mail": "a@example.org"}])
    assert company.run(days(3)).rows["users"] == 1
    assert company.rows("users", "id, city, email") == [(1, "Urk", "a@example.org"), (2, None, None)]


def test_snapshots_lose_what_is_gone(shop):
    """`modified: none`: the newest file, or all that a query makes of the files, is the table."""
    mapping = """
        only: true
        tables:
          products: {from: goods, key: no, modified: none}
          users: {select: select distinct buyer as id from lines, modified: none}
        """
    company = shop(mapping)
    for day, left in ((1, (1, 2)), (2, (2,))):
        for name, column in (("goods", "no"), ("lines", "buyer")):
            path = write(shop.folder / f"{name}.csv", [{column: n, "x": day} for n in left])
            os.utime(path, (day * 86_400, day * 86_400))
        company.run(days(day))
    assert company.rows("products", "id") == [(2,)]
    assert company.rows("users", "id") == [(2,)]
    assert company.deleted == {"products": 1, "users": 1}


def test_files_of_different_layouts_are_one_table(shop):
    """A column by whichever name it has; one that some files have not."""
    write(shop.folder / "sold" / "2024-01-01.csv", [{"n": 1, "Net Price": 3, "at": "2024-01-01"}])
    write(shop.folder / "sold" / "2024-01-02.csv", [{"n": 2, "gross": 6, "tax": 1, "at": "2024-01-02"}])
    company = shop("""
        only: true
        tables:
          order_items:
            from: sold
            columns: {id: n, order_id: n, created_at: at, sale_price: [net price, gross::int - tax::int]}
            sometimes: [tax]
        """)
    assert company.run(days(1, 2)).errors == {}
    assert company.problems == []
    assert company.rows("order_items", "id, sale_price, tax") == [(1, 3, None), (2, 5, 1)]


def test_a_hashed_key_is_the_same_everywhere(shop):
    rows = [{"shop": "N", "no": 1, "at": "2024-01-02"}, {"shop": "", "no": 1, "at": "2024-01-02"}]
    write(shop.folder / "orders.csv", rows)
    write(shop.folder / "items.parquet", [row | {"line": 1, "price": 2} for row in rows])
    company = shop("""
        tables:
          orders: {key: [shop, no], columns: {created_at: at}}
          order_items:
            from: items
            key: [shop, no, line]
            columns: {order_id: {hash: [shop, no]}, created_at: at, sale_price: price}
        """)
    company.run(days(2), "orders", "order_items")
    joined = company.query(
        "select count(*) from raw_webshop.orders join raw_webshop.order_items using (order_id)"
    )
    assert joined == [(2,)]
    # A part that is not there is a part; a number fits a key that is a number.
    (types,) = company.query("select typeof(any_value(order_id)), min(order_id) > 0 from raw_webshop.orders")
    assert types == ("BIGINT", True)


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('{outside}')",
        "select * from read_text('/etc/hostname')",
        "select * from '{outside}'",
        "select * from read_parquet('https://example.org/x.parquet')",
    ],
)
def test_a_query_reads_nothing_but_the_sources_files(shop, tmp_path, query):
    outside = write(tmp_path / "outside.csv", [{"id": 1}])
    write(shop.folder / "users.csv", [{"id": 1}])
    query = query.format(outside=outside)
    text = f'only: true\ntables: {{users: {{select: "{query} as x, users"}}}}'
    said = shop(text).run(days(1)).errors["users"]
    assert "tables.users.select: " in said
    assert "are disabled by configuration" in said


def test_links_out_of_the_folder_are_files_like_others(shop, tmp_path):
    elsewhere = write(tmp_path / "elsewhere" / "x.csv", [{"id": 7}])
    (shop.folder / "users.csv").symlink_to(elsewhere)
    company = shop("only: true\ntables: {users: {select: select id from users}}")
    assert company.run(days(1)).errors == {}
    assert company.rows("users", "id") == [(7,)]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("columns: {id: nr}", "tables.users.columns.id: there is no column nr. There are: id."),
        ("columns: {id: idd}", "tables.users.columns.id: there is no column idd; did you mean `id`?"),
        ("columns: {id: idd * 2}", "tables.users.columns.id: there is no column idd; did you mean `id`?"),
        ("select: drop table users", "tables.users.select: it is no query of the form `select ...`."),
        ("select: select 1 from users; select 2", "tables.users.select: it is more than one query"),
        ("select: selec id from users", "tables.users.select: syntax error"),
        ("select: select no from users, key: id", "tables.users.select: "),
        ("values: {citty: {a: b}}", "values: users has no column `citty`; did you mean `city`?"),
        ("values: {city: {a: b}}", "tables.users.values.city: there is no such column"),
    ],
)
def test_a_mapping_that_cannot_be_followed(shop, said, sentence):
    write(shop.folder / "users.csv", [{"id": 1}])
    company = shop(f"tables: {{users: {{{said}}}}}")
    try:
        told = company.run(days(1)).errors["users"]
    except SourceError as error:
        told = str(error)
    assert str(company.file) in told
    assert sentence in told
    assert "\n" not in told


def test_a_value_that_the_mapping_cannot_compute_stops_its_file_only(shop):
    for day, amount in ((1, "5"), (2, "five")):
        write(
            shop.folder / "sold" / f"2024-01-0{day}.csv",
            [{"n": day, "at": f"2024-01-0{day}", "price": amount}],
        )
    columns = "id: n, order_id: n, created_at: at, sale_price: cast(price as integer) * 2"
    company = shop(f"only: true\ntables: {{order_items: {{from: sold, columns: {{{columns}}}}}}}")
    company.run(days(1, 2))
    assert company.rows("order_items", "id, sale_price") == [(1, 10)]
    (problem,) = company.told("order_items")
    assert problem.startswith("webshop: sold/2024-01-02.csv was not loaded: ")
    assert f"(tables.order_items in {company.file})" in problem


def test_other_systems_may_be_files_and_the_shop_a_database(company, tmp_path):
    """The ERP as a folder of files; a file tells what changed, not which lines an order lost."""
    header = {"SalesOrderID": 1, "OrderDate": "2024-01-02", "ModifiedDate": "2024-01-02 08:00:00"}
    write(tmp_path / "erp" / "SalesOrderHeader" / "2024-01-02.csv", [header])
    line = {
        "SalesOrderID": 1,
        "SalesOrderDetailID": 1,
        "LineTotal": "9.5",
        "ModifiedDate": "2024-01-02 08:00:00",
    }
    write(tmp_path / "erp" / "sales_order_detail" / "2024-01-02.csv", [line])
    erp = company("erp", tmp_path / "erp")
    assert erp.run(days(2)).errors == {}
    write(
        tmp_path / "erp" / "SalesOrderHeader" / "2024-01-03.csv",
        [header | {"ModifiedDate": "2024-01-03 08:00:00"}],
    )
    erp.run(days(3))
    assert erp.rows("sales_order_header", "sales_order_id, status, sub_total") == [(1, "5", None)]
    assert erp.rows("sales_order_detail", "sales_order_id, order_qty, line_total") == [(1, 1, Decimal("9.5"))]


def test_files_of_a_bucket(company, tmp_path):
    import fsspec

    bucket = fsspec.filesystem("memory")
    write(tmp_path / "lines.csv", LINES)
    bucket.pipe("/till/lines.csv", (tmp_path / "lines.csv").read_bytes())
    try:
        taken = company("webshop", "memory://till", TILL)
        window = days(1)._replace(end=at(31).replace(month=12, tzinfo=days(1).end.tzinfo))
        assert taken.run(window).errors == {}
        assert len(taken.rows("order_items", "id")) == 4
        assert len(taken.rows("orders", "order_id")) == 2
        assert taken.run(window).rows["order_items"] == 0
    finally:
        bucket.rm("/till", recursive=True)


def test_days_of_files_without_a_day(shop):
    path = write(shop.folder / "users.csv", [{"id": 1}])
    os.utime(path, (86_400 * 19_725, 86_400 * 19_725))
    company = shop("only: true\ntables: {users: {select: 'select id, _day as created_at from users'}}")
    company.run(days(1, 5))
    assert company.rows("users", "created_at::date") == [(date(2024, 1, 3),)]


def test_parquet_keeps_its_types(shop):
    duckdb.sql(f"""
        copy (
            select 1 as n, timestamptz '2024-01-02 10:00:00+02' as at, 1.005::decimal(9, 3) as price
        )
        to '{shop.folder}/sold.parquet'
    """)
    columns = "id: n, order_id: n, created_at: at, sale_price: price"
    company = shop(f"only: true\ntables: {{order_items: {{from: sold, columns: {{{columns}}}}}}}")
    company.run(days(2))
    assert company.problems == []
    assert company.rows("order_items", "id, created_at, sale_price") == [(1, at(2, 8), Decimal("1.005"))]
