"""Files as other programs write them: their headers, ends, encodings, delimiters and values."""

import gzip
import os
import time
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.ingestion import file_reading, refusals
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.shop import Shop
from retail_assets_tests.ingestion.tables import (
    ORDERS,
    PLACES,
    PRODUCTS,
    at,
    days,
    order,
    table,
    text_of,
    write,
)

HEADER = "order_id,status,amount,created_at,shipped_at\n"
WEIGHTS = table(
    "weights",
    {"id": "bigint", "pieces": "bigint", "kilos": "decimal(19,4)", "share": "double", "on_day": "date"},
)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def put(shop, content, name="orders.csv"):
    path = shop.url / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Headers


@pytest.mark.parametrize(
    "header",
    [
        "Order ID,STATUS, Amount ,Created-At,ShippedAt",
        "\ufefforder_id,status,amount,created_at,shipped_at",
        '"ORDERID","Status","AMOUNT","created at","shipped.at"',
    ],
)
def test_a_header_in_another_spelling(shop, header):
    put(shop, f"{header}\n7,Complete,1.5,2024-01-02,\n")
    (row,) = shop.read(ORDERS, days(2))
    assert (row["order_id"], row["status"], row["created_at"]) == (7, "Complete", at(2))
    assert shop.problems == shop.refused == []


@pytest.mark.parametrize("before", ["\n", " \r\n\r\n", "sep=;\n", '"SEP=,"\r\n'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_with_lines_before_its_header_is_refused(shop, before, encoding):
    """It is whole, and would be waited for in vain."""
    put(shop, f"{before}{HEADER}3,a,1.5,2024-01-02,\n".encode(encoding), "orders/x.csv")
    write(shop.url / "orders" / "y.csv", [order(9, "2024-01-02")])
    assert shop.keys(ORDERS, days(2)) == [9]
    line = before.count("\n") + 1
    (said,) = shop.refused
    assert f"orders/x.csv was not loaded: its header is not in its first line, but in line {line}." in said
    assert shop.problems == []


@pytest.mark.parametrize("mark", [",", ";"])
def test_rows_that_run_into_the_header_are_not_lost_with_it(shop, mark):
    names = mark.join(["order_id", "status", "amount", "created_at", '"shipped_at'])
    put(
        shop,
        f'{names}\n3{mark}a{mark}1.5{mark}2024-01-02{mark}\n4{mark}"b"{mark}2\n'.encode(),
        "orders/x.csv",
    )
    write(shop.url / "orders" / "y.csv", [order(9, "2024-01-02")])
    assert shop.keys(ORDERS, days(2)) == [9]
    (said,) = shop.refused
    assert "orders/x.csv was not loaded: rows run into its header: a quote is opened there" in said


def test_a_name_in_a_header_may_have_two_lines(shop):
    header = HEADER.rstrip("\n")
    put(shop, f'{header},"note\n(internal)"\n3,a,1.5,2024-01-02,,x\n'.encode(), "orders/x.csv")
    assert shop.keys(ORDERS, days(2)) == [3]
    assert shop.refused == []


@pytest.mark.parametrize("twice", ["status", " status ", '"status"'])
def test_a_header_that_names_a_column_twice(shop, twice):
    put(shop, f"order_id,status,amount,{twice},created_at,shipped_at\n1,a,1,b,2024-01-02,\n", "orders/x.csv")
    write(shop.url / "orders" / "y.csv", [order(2, "2024-01-02")])
    assert shop.keys(ORDERS, days(2)) == [2]
    (said,) = shop.refused
    assert "orders/x.csv was not loaded: its header has more than one column status." in said


def test_two_names_of_one_column_are_refused(shop):
    put(shop, "Order_ID,OrderID,status,amount,created_at,shipped_at\n1,2,a,1,2024-01-02,\n")
    assert shop.keys(ORDERS, days(2)) == []
    (said,) = shop.refused
    assert "its header has more than one column Order_ID and OrderID. Keep the right one" in said


def test_columns_that_are_not_taken_in_may_be_there_twice_and_are_told_once(shop):
    row = "1,a,1,2024-01-02,,x,y\n"
    put(shop, HEADER.strip() + f",note,note\n{row}", "orders/1.csv")
    put(shop, HEADER.strip() + f",note,note\n{row}2{row[1:]}", "orders/2.csv")
    assert shop.keys(ORDERS, days(2)) == [1, 2]
    (said,) = shop.problems
    assert said.endswith("has columns that are not ingested: note, note.")
    put(shop, HEADER.strip() + f",note,note\n3{row[1:]}", "orders/3.csv")
    assert shop.keys(ORDERS, days(3)) == [3]
    assert shop.problems == []
    put(shop, HEADER.strip() + f",gift,note\n4{row[1:]}", "orders/4.csv")
    assert shop.keys(ORDERS, days(3)) == [4]
    assert "orders/4.csv has columns that are not ingested: gift, note." in shop.problems[0]


# Values that are long


def test_a_long_value_does_not_stop_its_file(shop):
    long = "x" * 2_500_000
    put(shop, f'{HEADER}1,"{long}",1,2024-01-02,\n2,b,2,2024-01-02,\nx,c,2,2024-01-02,\n')
    found = {row["order_id"]: row["status"] for row in shop.read(ORDERS, days(2))}
    assert found == {1: long, 2: "b"}
    assert [row.origin for row in shop.refused_rows(ORDERS)] == ["orders.csv, line 4"]


# Ends


def test_a_file_whose_last_line_has_no_end_is_loaded_when_nobody_writes_it(shop):
    put(shop, f"{HEADER}1,a,1,2024-01-02,\n2,b,2,2024-01-02,")
    assert shop.keys(ORDERS, days(2)) == [1, 2]
    assert shop.problems == shop.refused == []


@fault(Area.INGESTION, "A file is being written while it is read", "It is left for the next run.")
@pytest.mark.parametrize("so_far", ["2,b,2,2024-01-02,\n", "2,b,2,2024-01-02,", "2,b,2,2024-01-0"])
def test_a_file_that_is_being_written_is_left_until_it_is_whole(shop, monkeypatch, so_far):
    """It is looked at twice, some seconds apart, unless nobody has touched it for longer than that."""
    monkeypatch.setattr(file_reading, "QUIET", 60.0)
    path = put(shop, f"{HEADER}1,a,1,2024-01-02,\n{so_far}")
    write(shop.url / "orders" / "whole.csv", [order(9, "2024-01-02")])
    waits = []

    def write_on(seconds):
        waits.append(seconds)
        path.write_text(f"{HEADER}1,a,1,2024-01-02,\n2,b,2,2024-01-02,\n3,c")

    monkeypatch.setattr(time, "sleep", write_on)
    assert shop.keys(ORDERS, days(2)) == [9]
    assert "orders.csv is not whole (it is being written)" in shop.problems[0]
    assert 0 < waits[0] <= 60
    # The same, when it is done.
    path.write_text(f"{HEADER}1,a,1,2024-01-02,\n2,b,2,2024-01-02,")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert shop.keys(ORDERS, days(2)) == [1, 2]


def test_what_nobody_has_touched_for_a_while_is_not_waited_for(shop, monkeypatch):
    monkeypatch.setattr(file_reading, "QUIET", 60.0)
    path = put(shop, f"{HEADER}1,a,1,2024-01-02,\n2,b,2,2024-01-02,")
    os.utime(path, (1_704_240_000, 1_704_240_000))
    # Those say themselves where they end.
    write(shop.url / "orders" / "x.csv.gz", [order(3, "2024-01-02")])
    write(shop.url / "orders" / "y.parquet", [order(4, "2024-01-02")])
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("waited"))
    assert shop.keys(ORDERS, days(3)) == [1, 2, 3, 4]


@fault(
    Area.INGESTION,
    "A file broke off and nobody goes on writing it",
    "It is refused with a request to send it again.",
)
@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz", "orders.parquet"])
def test_a_file_that_broke_off_long_ago_is_refused(shop, name):
    path = write(shop.url / name, [order(n, "2024-01-02", status="x" * n) for n in range(99)])
    path.write_bytes(path.read_bytes()[:-20])
    assert shop.keys(ORDERS, days(2)) == []
    assert (len(shop.problems), len(shop.refused)) == (1, 0)
    os.utime(path, (1_704_240_000, 1_704_240_000))
    assert shop.keys(ORDERS, days(2)) == []
    (said,) = shop.refused
    assert said.startswith(f"webshop: {name} is not whole (it")
    assert said.endswith("Nothing of it was loaded; it was written at 2024-01-03 00:00 UTC: send it again.")


@pytest.mark.parametrize(
    "content",
    [
        f'{HEADER}1,a,1,2024-01-02,\r\n2,b,2,2024-01-02,\n\n3,"c\r\nd",3,2024-01-02,\r\n',
        f"{HEADER}1,a,1,2024-01-02,\r2,b,2,2024-01-02,\r3,c,3,2024-01-02,\r",
        f"{HEADER}1,a,1,2024-01-02,\n,,,,\n2,b,2,2024-01-02,\n   \n3,c,3,2024-01-02,\n,,,,\n\x1a",
    ],
)
def test_lines_may_end_in_any_way_and_say_nothing(shop, content):
    put(shop, content)
    assert shop.keys(ORDERS, days(2)) == [1, 2, 3]
    assert shop.refused_rows(ORDERS) == []
    assert shop.problems == shop.refused == []


# Rows that fall apart


@fault(Area.INGESTION, "A row of a file falls apart", "It alone is refused.")
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_row_that_falls_apart_is_refused_alone(shop, suffix):
    content = (
        HEADER
        + '1,"a\nb",1,2024-01-02,\n'  # lines 2 and 3
        + "\n"
        + "2,b,1,000,2024-01-02,2024-01-02\n"  # 5
        + "3,c\n"
        + '4,"d"e,1,2024-01-02,\n'
        + "5,e,much,2024-01-02,\n"  # 8
        + "6,f,1,2024-01-02,\n"
    ).encode()
    put(shop, gzip.compress(content) if suffix == ".csv.gz" else content, f"orders{suffix}")
    assert shop.keys(ORDERS, days(2)) == [1, 6]
    assert [(row.origin, row.reason) for row in shop.refused_rows(ORDERS)] == [
        (f"orders{suffix}, line 5", "the row has 6 values, and the header 5 columns"),
        (f"orders{suffix}, line 6", "the row has 2 values, and the header 5 columns"),
        (f"orders{suffix}, line 7", "the row has a quote that is not closed, or followed by more text"),
        (f"orders{suffix}, line 8", "amount is no decimal(19,4)"),
    ]
    assert shop.memory["orders"][f"orders{suffix}"].rows == 2


def test_rows_that_run_together_refuse_their_file(shop):
    put(shop, f'{HEADER}1,"a,1,2024-01-02,\n2,"b",2,2024-01-02,\n3,c,3,2024-01-02,\n', "orders/x.csv")
    write(shop.url / "orders" / "y.csv", [order(9, "2024-01-02")])
    assert shop.keys(ORDERS, days(2)) == [9]
    (said,) = shop.refused
    assert "orders/x.csv was not loaded: from line 2 on rows run together" in said


def test_lines_of_a_large_file(shop):
    """They are those of an editor, however many values have line breaks before them."""
    rows = [order(n, "2024-01-02", status="x\ny" if n % 3 else "x") for n in range(200_000)]
    rows[150_000]["amount"] = "a lot"
    content = text_of(rows)
    short = content.replace("\n170000,", "\n170000,z\n170000,")
    path = put(shop, short)
    assert len(shop.keys(ORDERS, days(2))) == 199_999
    lines = path.read_text().split("\n")
    assert sorted(int(row.origin.rpartition(" ")[2]) for row in shop.refused_rows(ORDERS)) == [
        next(n for n, line in enumerate(lines, start=1) if line.startswith("150000,")),
        lines.index("170000,z") + 1,
    ]


# Letters and delimiters

ROW = "7,Größe {},1.5,2024-01-02,\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_encodings_of_unicode(shop, encoding, suffix):
    content = (HEADER + ROW.format("名")).encode(encoding)
    put(shop, gzip.compress(content) if suffix == ".csv.gz" else content, f"orders{suffix}")
    (row,) = shop.read(ORDERS, days(2))
    assert row["status"] == "Größe 名"
    assert shop.problems == shop.refused == []


def test_windows_letters_are_read_and_told(shop):
    put(shop, (HEADER + ROW.format("€")).encode("cp1252"), "orders/a.csv")
    put(shop, ("bestellung;größe\n" + HEADER + ROW).encode("cp1252").partition(b"\n")[2], "orders/b.csv")
    rows = shop.read(ORDERS, days(2))
    assert sorted(row["status"] for row in rows) == ["Größe {}", "Größe €"]
    assert [said.partition(" is not")[0] for said in sorted(shop.problems)] == [
        "webshop: orders/a.csv",
        "webshop: orders/b.csv",
    ]
    assert "was read as Windows-1252" in shop.problems[0]


def test_one_row_that_is_not_utf_8_among_others_is_refused_alone(shop):
    content = (HEADER + ROW.format("€")).encode() + b"8,caf\xe9,1,2024-01-02,\n" + b"9,ok,1,2024-01-02,\n"
    put(shop, content)
    assert shop.keys(ORDERS, days(2)) == [7, 9]
    (row,) = shop.refused_rows(ORDERS)
    assert (row.origin, row.reason) == ("orders.csv, line 3", "the row has letters that are not UTF-8")


@fault(Area.INGESTION, "A file is in no known encoding", "It alone is refused.")
def test_letters_that_nobody_knows_refuse_their_file(shop):
    put(shop, HEADER.encode() + b"7,caf\xe9 \x81,1,2024-01-02,\n")
    assert shop.keys(ORDERS, days(2)) == []
    assert "it is neither UTF-8 nor Windows-1252 (it has the byte 0x81). Save it as UTF-8" in shop.refused[0]


@pytest.mark.parametrize(("mark", "name"), [(";", "orders.csv"), ("\t", "orders.tsv"), ("|", "orders.CSV")])
def test_columns_may_be_parted_by_other_characters(shop, mark, name):
    put(shop, HEADER.replace(",", mark) + f'7{mark}"a{mark}b, c"{mark}1{mark}2024-01-02{mark}\n', name)
    (row,) = shop.read(ORDERS, days(2))
    assert row["status"] == f"a{mark}b, c"


# Values


@pytest.mark.parametrize("word", ["null", "NULL", "\\N", "", "NaN", "N/A", " na ", "None", "#N/A"])
def test_words_for_no_value(shop, word):
    put(shop, f"{HEADER}7,{word},{word},2024-01-02,{word}\n")
    (row,) = shop.read(ORDERS, days(2))
    assert (row["amount"], row["shipped_at"]) == (None, None)
    # A text is what it says.
    assert row["status"] == (None if word in ("", "\\N") else word)


@pytest.mark.parametrize(
    ("written", "meant"),
    {
        "02.01.2024 10:00": "2024-01-02 09:00:00",
        "2.1.2024, 10:00:30": "2024-01-02 09:00:30",
        "02-JAN-2024": "2024-01-01 23:00:00",
        "Jan 2, 2024 10:00 PM": "2024-01-02 21:00:00",
        "20240102": "2024-01-01 23:00:00",
        "20240102T100000": "2024-01-02 09:00:00",
        "2024-01-02 10:00": "2024-01-02 09:00:00",
        "2024-01-02 10:00:00 UTC": "2024-01-02 10:00:00",
        "2024-01-02 10:00:00 -0500": "2024-01-02 15:00:00",
        "2024-01-02T10:00:00.25+05:30": "2024-01-02 04:30:00.250000",
        "02.01.2024 10:00 Z": "2024-01-02 10:00:00",
        "1704189600": "2024-01-02 10:00:00",
        "1704189600000": "2024-01-02 10:00:00",
        "1704189600.5": "2024-01-02 10:00:00.500000",
    }.items(),
)
def test_times_are_the_sources(tmp_path, written, meant):
    """Those that name a zone are of that, the others of the source's."""
    shop = Shop(tmp_path, own_timezone="Europe/Berlin")
    write(shop.url / "orders.csv", [order(7, written)])
    (row,) = shop.read(ORDERS, days(2))
    assert row["created_at"] == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "24-01-02",
        "02.01.24",
        "45293",
        "infinity",
        "2024-02-30",
        "2024-01-02 10:00 EST",
        "31/31/2024",
    ],
)
def test_what_is_no_time_for_sure_is_none(shop, written):
    write(shop.url / "orders.csv", [order(7, written), order(8, "2024-01-02")])
    assert shop.keys(ORDERS, days(2)) == [8]
    (row,) = shop.refused_rows(ORDERS)
    assert (row.column_name, row.value, row.origin) == ("created_at", written, "orders.csv, line 2")


@pytest.mark.parametrize(
    ("first", "second", "meant"),
    [
        ("3/1/2024", "23/1/2024 10:00", (3, 23)),
        ("1/3/2024", "1/23/2024 10:00", (3, 23)),
        ("1-3-2024", "1-23-2024 10:00 AM", (3, 23)),
        ("1/1/2024", "1/1/2024 10:00", (1, 1)),
    ],
)
def test_the_file_tells_whether_the_day_or_the_month_comes_first(shop, first, second, meant):
    write(shop.url / "orders.csv", [order(1, first), order(2, second)])
    rows = shop.read(ORDERS, days(1, 30))
    assert tuple(row["created_at"] for row in rows) == (at(meant[0]), at(meant[1], 10))


def test_one_column_tells_for_the_others(shop):
    write(shop.url / "orders.csv", [order(1, "1/3/2024", "1/13/2024")])
    (row,) = shop.read(ORDERS, days(1, 30))
    assert (row["created_at"], row["shipped_at"]) == (at(3), at(13))


@pytest.mark.parametrize("others", [[], ["1/23/2024", "23/1/2024"]])
def test_a_file_that_does_not_tell_is_refused(shop, others):
    rows = [order(n, value) for n, value in enumerate(["1/2/2024", *others])]
    write(shop.url / "orders" / "x.csv", rows)
    write(shop.url / "orders" / "y.csv", [order(9, "2024-01-02")])
    assert shop.keys(ORDERS, days(1, 30)) == [9]
    (said,) = shop.refused
    assert "orders/x.csv was not loaded: created_at holds '1/2/2024', and" in said
    assert "whether the day or the month comes first. Write dates like 2024-01-31" in said


def _weights(shop, *rows, mark=";"):
    put(
        shop,
        mark.join(["id", "pieces", "kilos", "share", "on_day"])
        + "\n"
        + "".join(mark.join(row) + "\n" for row in rows),
        "weights.csv",
    )
    return [tuple(row.values())[1:5] for row in shop.read(WEIGHTS, days(2))]


def test_decimal_commas(shop):
    assert _weights(shop, ("1", "2", "1.234,5", "0,25", "02.01.2024"), ("2", "3", "9,999", "1", "")) == [
        (2, Decimal("1234.5"), 0.25, at(2).date()),
        (3, Decimal("9.999"), 1.0, None),
    ]
    assert shop.refused_rows(WEIGHTS) == []


def test_a_point_between_thousands_is_none_of_a_fraction(shop):
    """DuckDB reads 1.250 by itself; that it is 1250 is told by another value of its column."""
    rows = [("1", "1", "1.250", "1", ""), ("2", "1", "-3,75", "2.500", ""), ("3", "1", "12", "0.125", "")]
    assert [row[1:3] for row in _weights(shop, *rows)] == [
        (Decimal(1250), 1.0),
        (Decimal("-3.75"), 2.5),
        (Decimal(12), 0.125),
    ]
    assert shop.refused_rows(WEIGHTS) == []


def test_a_column_that_does_not_tell_writes_numbers_as_the_others_do(shop):
    """3.750 alone may be a fraction, and 4,125 a thousand: of whole numbers, too."""
    rows = [("1", "2.000", "3.750", "12,5", ""), ("2", "7", "21.000", "0,25", "")]
    assert [row[:3] for row in _weights(shop, *rows)] == [
        (2000, Decimal(3750), 12.5),
        (7, Decimal(21000), 0.25),
    ]
    rows = [("1", "2", "3,75", "4,125", ""), ("2", "7", "8", "1,5", "")]
    assert [row[1:3] for row in _weights(shop, *rows)] == [(Decimal("3.75"), 4.125), (Decimal(8), 1.5)]
    assert shop.refused_rows(WEIGHTS) == []


def test_a_column_that_tells_does_not_follow_the_others(shop):
    rows = [("1", "1", "3,75", "4.125", ""), ("2", "1", "8", "0.5", "")]
    assert [row[1:3] for row in _weights(shop, *rows)] == [(Decimal("3.75"), 4.125), (Decimal(8), 0.5)]


def test_commas_between_thousands(shop):
    assert _weights(shop, ("1", "2", "1,234.5", "0.25", ""), ("2", "3", "2,000", "1", "")) == [
        (2, Decimal("1234.5"), 0.25, None),
        (3, Decimal(2000), 1.0, None),
    ]


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (("1,234", "5"), ["1,234"]),  # nothing tells whether the comma is a decimal one
        (("12.5", "9,99"), ["9,99"]),  # a column does not change its mind
        (("1,234.5", "9,99", "7"), ["1,234.5", "9,99"]),
        (("12 kg", "5"), ["12 kg"]),
        (("€5", "5"), ["€5"]),
    ],
)
def test_numbers_that_are_not_sure_are_refused(shop, values, refused):
    _weights(shop, *((str(n), "1", value, "1", "") for n, value in enumerate(values)))
    assert [row.value for row in shop.refused_rows(WEIGHTS)] == refused


def test_what_a_column_does_not_show_the_file_does(shop):
    rows = [("1", "2.450", "1.250", "12,50", ""), ("2", "7", "3", "0,75", "")]
    assert [row[:3] for row in _weights(shop, *rows)] == [
        (2450, Decimal(1250), 12.5),
        (7, Decimal(3), 0.75),
    ]
    assert shop.refused_rows(WEIGHTS) == shop.doubtful == []


@pytest.mark.parametrize(
    ("written", "other", "kilos", "is_doubtful"),
    [
        ("8.125", "4,5", Decimal(8125), False),  # a column that is not taken in shows it, too
        ("8.125", "4.5", Decimal("8.125"), False),
        ("8.125", "4", Decimal("8.125"), True),
        ("8.125", "size 4,5", Decimal("8.125"), True),  # that is no number
        ("0.125", "4", Decimal("0.125"), False),  # 0125 is how nobody writes a number
        ("8.125.250,5", "4", Decimal("8125250.5"), False),
    ],
)
def test_a_point_before_three_digits(shop, written, other, kilos, is_doubtful):
    put(shop, f"id;pieces;kilos;share;on_day;other\n1;1;{written};;;{other}\n", "weights/2024-01-02.csv")
    assert [row["kilos"] for row in shop.read(WEIGHTS, days(2))] == [kilos]
    assert shop.doubtful == (
        [
            "webshop: weights/2024-01-02.csv: kilos holds '8.125', and nothing in the file says whether that"
            " is 8.125 or 8125: it was read as 8.125. If it is 8125, write it without the point."
        ]
        if is_doubtful
        else []
    )


def test_a_file_that_has_points_and_commas_is_told_of(shop):
    assert [row[1] for row in _weights(shop, ("1", "1", "6.375", "1,5", ""))] == [Decimal(6375)]
    rows = [("1", "1", "6.375", "1,5", ""), ("2", "1", "2", "2.5", "")]
    assert [row[1] for row in _weights(shop, *rows)] == [Decimal(2)]
    (refused,) = shop.refused_rows(WEIGHTS)
    assert (refused.column_name, refused.value) == ("share", "1,5")
    rows = [("1", "1", "6.375", "1", ""), ("2", "1", "2,5", "2", ""), ("3", "1", "2.5", "3", "")]
    assert [row[1] for row in _weights(shop, *rows)] == [Decimal("6.375"), Decimal("2.5")]
    (said,) = shop.doubtful
    assert "the file has decimal points and commas, so that it is not sure whether that is 6.375 or" in said


@pytest.mark.parametrize("pieces", ["2.5", "9007199254740993.4", "99999999999999999999", "1e-2", "0x10"])
def test_a_number_is_never_rounded_to_a_whole_one(shop, pieces):
    assert len(_weights(shop, ("1", pieces, "1", "1", ""), ("2", "2.0", "2.5", "1", ""))) == 1
    (row,) = shop.refused_rows(WEIGHTS)
    assert (row.column_name, row.value, row.reason) == ("pieces", pieces, "pieces is no bigint")


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Pacific/Auckland"])
def test_times_are_of_years_that_python_has(tmp_path, zone):
    """It cannot format others: what is beyond is the first or the last moment."""
    shop = Shop(tmp_path, own_timezone=zone)
    written = ["9999-12-31 23:59:59", "0000-01-01", "0001-01-01 00:00", "9999-12-31T22:00:00-05:00"]
    write(tmp_path / "orders.csv", [order(n, "2024-01-02 12:00", each) for n, each in enumerate(written)])
    assert [row["shipped_at"].year for row in shop.read(ORDERS, days(2))] == [9999, 1, 1, 9999]
    on_days = ["9999-12-31", "0000-12-31", "0001-01-01"]
    put(shop, "id,on_day\n" + "".join(f"{n},{day}\n" for n, day in enumerate(on_days)), "weights.csv")
    optional = table("weights", {"id": "bigint", "on_day": "date"})
    assert [f"{row['on_day']}" for row in shop.read(optional, days(2))] == [
        "9999-12-31",
        "0001-01-01",
        "0001-01-01",
    ]


def test_a_parquet_file_with_times_that_nobody_has(shop):
    import pyarrow as pa
    import pyarrow.parquet as pq

    far = pa.table(
        {
            "order_id": [1, 2, 3],
            "status": ["a", "b", "c"],
            "amount": [1, 2, 3],
            "created_at": pa.array([at(2)] * 3, pa.timestamp("ns")),
            "shipped_at": pa.array([4 * 10**18, -(10**17), None], pa.timestamp("us")),
        }
    )
    pq.write_table(far, shop.url / "orders.parquet")
    ends = [row["shipped_at"] and row["shipped_at"].year for row in shop.read(ORDERS, days(2))]
    assert ends == [9999, 1, None]


def test_parquet_has_types_and_follows_the_same_rules(shop):
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = pa.table(
        {
            "order_id": pa.array([1.0, 2.5, 3.0, None]),
            "status": pa.array(["a", "\\N", "NULL", "d"]).dictionary_encode(),
            "amount": pa.array([1.25, float("nan"), 1e30, 1.0]),
            "created_at": pa.array([1_704_189_600, 1_704_189_600, 1_704_189_600, 0]),
            "shipped_at": pa.array([at(2, 12)] * 4, pa.timestamp("ns")),
        }
    )
    pq.write_table(content, shop.url / "orders.parquet")
    (row,) = shop.read(ORDERS, days(2))
    assert (row["order_id"], row["amount"], row["created_at"], row["shipped_at"]) == (
        1,
        Decimal("1.25"),
        at(2, 10),
        at(2, 12),
    )
    assert [(each.origin, each.column_name) for each in shop.refused_rows(ORDERS)] == [
        ("orders.parquet, row 2", "order_id"),
        ("orders.parquet, row 3", "amount"),
        ("orders.parquet, row 4", "order_id"),
    ]


def test_a_file_of_which_no_row_can_be_read_is_refused(shop):
    write(shop.url / "orders" / "x.csv", [order(n, "soon") for n in range(20)])
    write(shop.url / "orders" / "y.csv", [order(99, "2024-01-02"), order(100, "soon")])
    assert shop.keys(ORDERS, days(2)) == [99]
    (said,) = shop.refused
    assert "orders/x.csv was not loaded: none of its 20 rows can be read: created_at is no timestamp" in said
    assert "('soon') in line 2" in said
    assert [row.origin for row in shop.refused_rows(ORDERS)] == ["orders/y.csv, line 3"]
    assert list(shop.memory["orders"]) == ["orders/y.csv"]


def test_a_file_of_which_too_many_rows_cannot_be_read_is_refused(shop, monkeypatch):
    monkeypatch.setattr(refusals, "MOST_ROWS", 2)
    write(shop.url / "orders" / "x.csv", [order(n, "soon" if n < 3 else "2024-01-02") for n in range(5)])
    write(shop.url / "orders" / "y.csv", [order(n, "soon" if n < 8 else "2024-01-02") for n in range(6, 9)])
    assert shop.keys(ORDERS, days(2)) == [8]
    (said,) = shop.refused
    assert "orders/x.csv was not loaded: 3 of its 5 rows cannot be read: created_at is no timestamp" in said


def test_a_snapshot_and_rows_of_nothing(shop):
    put(shop, "country,state,latitude\nFrance,,46\n,,\n", "places.csv")
    (row,) = shop.read(PLACES, days(2))
    assert (row["country"], row["state"]) == ("France", "")
    assert shop.read(PRODUCTS, days(2)) == []


# Every row is in one place, and has its line

TEXTS = st.text(st.sampled_from("ab ,;\t\"'\\\n€é"), max_size=6).map(lambda text: f"x{text}")
ROWS = st.one_of(
    st.tuples(st.just("good"), TEXTS),
    st.tuples(st.just("bad"), TEXTS),  # a value of another type
    st.tuples(st.just("short"), st.just("")),
    st.tuples(st.just("empty"), st.just("")),
)


EXAMPLES = 60


@fault(
    Area.INGESTION,
    "Files of random rows, separators, line ends and encodings, some rows spoiled",
    "Every row is read or refused, and named by its line.",
    times=EXAMPLES,
)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rows=st.lists(ROWS, max_size=19),
    mark=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    ends=st.booleans(),
    suffix=st.sampled_from([".csv", ".csv.gz"]),
)
def test_every_row_is_read_or_refused_and_named_by_its_line(
    tmp_path_factory, rows, mark, line_end, encoding, ends, suffix
):
    shop = Shop(tmp_path_factory.mktemp("shop"))
    names = HEADER.strip().split(",")
    text, wrong = mark.join(names), []
    good: dict[int, str] = {}
    for number, (kind, word) in enumerate(rows):
        text += line_end
        line = text.count(line_end) + 1
        word = word.replace("\n", line_end)
        quoted = '"' + word.replace('"', '""') + '"'
        if kind == "empty":
            text += mark * 4 if number % 2 else ""
        elif kind == "short":
            # One that ends the file without a line end would have broken off.
            text += f"{number}{mark}x" + ("" if number < len(rows) - 1 or ends else mark * 3)
            wrong += [line] if number < len(rows) - 1 or ends else []
            good |= {} if number < len(rows) - 1 or ends else {number: "x"}
        else:
            amount = "1.5" if kind == "good" else "much"
            text += mark.join([str(number), quoted, amount, "2024-01-02", ""])
            good |= {number: word} if kind == "good" else {}
            wrong += [line] if kind == "bad" else []
    content = (text + (line_end if ends else "")).encode(encoding)
    put(shop, gzip.compress(content) if suffix == ".csv.gz" else content, f"orders{suffix}")
    read = {row["order_id"]: row["status"] for row in shop.read(ORDERS, days(2))}
    assert read == good
    origins = [str(row.origin) for row in shop.refused_rows(ORDERS)]
    assert sorted(int(origin.rpartition(" ")[2]) for origin in origins) == wrong
    assert shop.refused == []


@pytest.mark.parametrize("mark", [",", "\t"])
def test_a_row_before_one_of_nothing_but_separators_does_not_end_its_file(shop, mark):
    # A tab is a blank too, so what follows the short row looked like the end of the file.
    put(shop, f"{HEADER}7,x\n,,,,".replace(",", mark), "orders.csv")
    assert shop.read(ORDERS, days(2)) == []
    assert [str(row.origin) for row in shop.refused_rows(ORDERS)] == ["orders.csv, line 2"]
    assert shop.refused == []
