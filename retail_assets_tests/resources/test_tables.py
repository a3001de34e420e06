"""What a result looks like in a terminal: figures whole, within its width, and harmless."""

import csv
import io
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from rich.console import Console

from retail_assets.resources.tables import rich_table, write_table
from retail_assets.resources.terminal import harmless, lines


def shown(table, width=80):
    output = io.StringIO()
    Console(file=output, width=width, force_terminal=False).print(rich_table(table))
    return output.getvalue()


def test_money_has_two_digits_and_thousands():
    text = shown(pa.table({"revenue": [Decimal("1234567.890123"), Decimal("-5.005000"), None]}))
    assert text.split() == ["revenue", "─" * 12, "1,234,567.89", "-5.00"]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1, 22_333], ["1", "22,333"]),
        # Doubles have as many digits as they need, two at most.
        ([6.5, 12.0], ["6.5", "12.0"]),
        ([1 / 3, 1000.0], ["0.33", "1,000.00"]),
        # Shares would say little with two.
        ([Decimal("0.012345"), Decimal("0.987654")], ["0.0123", "0.9877"]),
        ([float("nan"), 2.25], ["nan", "2.25"]),
        ([Decimal("0.0000")], ["0.00"]),
        ([Decimal("9" * 36 + ".25")], [f"{Decimal('9' * 36 + '.25'):,.2f}"]),
    ],
)
def test_numbers(values, cells):
    assert shown(pa.table({"n": values})).split()[2:] == cells


@pytest.mark.parametrize("name", ["customer_id", "id", "year", "consumer_key"])
def test_a_number_that_names_something_has_no_thousands(name):
    assert "11652" in shown(pa.table({name: [11652]}))


def test_headings_break_and_texts_are_cut_before_figures_are():
    text = shown(
        pa.table(
            {
                "state_province": ["British Columbia and more of it", "Texas"],
                "average_transaction": [Decimal("371.994"), Decimal("1.2")],
                "revenue": [Decimal("123456789.12"), Decimal("0.5")],
            }
        ),
        width=45,
    )
    assert "average_" in text.splitlines()[0]
    assert "123,456,789.12" in text
    assert "British Columbi…" in text
    assert max(map(len, text.splitlines())) <= 45


def test_what_is_too_wide_becomes_records():
    wide = pa.table(
        {f"measure_{number}": [number * 1_000_000, 7] for number in range(12)} | {"note": ["a b"] * 2}
    )
    text = shown(wide, width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert [line.split() for line in text.splitlines()][:4] == [
        ["row", "1"],
        ["measure_0", "0"],
        ["measure_1", "1,000,000"],
        ["measure_2", "2,000,000"],
    ]
    assert text.count("row ") == 2


def test_a_record_has_all_of_a_long_text():
    words = " ".join(f"word{number}" for number in range(40))
    text = shown(pa.table({f"c{number}": [10**14] for number in range(6)} | {"said": [words]}), width=60)
    assert all(f"word{number}" in text for number in range(40))


def test_brackets_are_no_markup():
    assert "[red]no[/red] [x] [/]" in shown(pa.table({"[bold]": ["[red]no[/red] [x] [/]"]}))
    assert "[bold]" in shown(pa.table({"[bold]": ["x"]}))


def test_what_a_terminal_obeys_is_written_out():
    text = shown(pa.table({"name\x1b[2J": ["a\x1b[31mb\rc\nd\u202ee\x9bf"]}))
    assert r"a\x1b[31mb\rc\nd\u202ee\x9bf" in text
    assert r"name\x1b[2J" in text
    assert not set(text) & set("\x1b\r\u202e\x9b")


def test_letters_of_all_scripts_stay():
    assert harmless("Łódź, 東京, naïve café 👍") == "Łódź, 東京, naïve café 👍"
    text = shown(pa.table({"city": ["東京", "Oslo"], "n": [1, 2]}))
    assert "東京" in text


def test_a_message_keeps_its_lines_only():
    assert lines("wrong [x]\n\x1b[2Jsecond").plain == "wrong [x]\n\\x1b[2Jsecond"


def test_nothing_to_show():
    assert shown(pa.table({"n": pa.array([], pa.int64())})).split() == ["n", "─"]
    assert "2024-01-02" in shown(pa.table({"day": [date(2024, 1, 2)], "is_it": [True]}))


def test_csv_has_lists_and_records_as_json(capsysbinary):
    rows = pa.table({"tags": [["new", "sale"], None], "place": [{"x": 1, "y": None}, {"x": 2, "y": 3}]})
    write_table(rows, "csv", Console())
    written = capsysbinary.readouterr().out.decode()
    assert [*csv.DictReader(io.StringIO(written))] == [
        {"tags": '["new", "sale"]', "place": '{"x": 1, "y": null}'},
        {"tags": "", "place": '{"x": 2, "y": 3}'},
    ]
