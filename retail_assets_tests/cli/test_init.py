"""`retail-assets init`: a mapping to begin with."""

import sqlite3
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console
from rich.prompt import Prompt

from retail_assets.catalog.contract import source_tables
from retail_assets.cli import init
from retail_assets.cli.init import InitError, write_mapping
from retail_assets.ingestion.mapping import load_mapping
from retail_assets.ingestion.sources import Kind
from retail_assets.settings import Settings
from retail_assets_tests.ingestion.tables import write


@pytest.fixture
def propose(tmp_path, manifest, monkeypatch):
    """Writes a system's mapping and gives it, with what was said; `answers` as from a terminal."""
    monkeypatch.setattr(init, "Project", lambda settings: type("Parsed", (), {"manifest": manifest}))

    def run(system, url, answers=None):
        place: dict[str, Any] = {f"{system}_url": str(url)}
        settings = Settings(home=tmp_path / "home", **place)
        path = tmp_path / f"{system}.yml"
        if answers is not None:
            left = iter(answers)
            monkeypatch.setattr(Prompt, "ask", lambda *_, default, **__: next(left, None) or default)
        console = Console(width=400, force_terminal=False)
        with console.capture() as capture:
            write_mapping(settings, system, path, asks=answers is not None, console=console)
        text = path.read_text() if path.exists() else ""
        if text:
            kind: Kind = "sql" if "sqlite" in str(url) else "files"
            load_mapping(str(path), source_tables(manifest, system), kind, tmp_path)
        return text, " ".join(capture.get().split())

    return run


def _database(path):
    with sqlite3.connect(path) as db:
        db.executescript("""
            create table tblOrders (OrderNo integer, CustomerNo text, "Order Status" text, Ordered_At text,
                LastUpdate text);
            create table order_lines (id integer, order_id integer, product_id integer, qty integer,
                price real, created_at text);
            create table Articles (ArticleId integer, Title text, StockCode text);
            create table audit_log (what text);
        """)
    return f"sqlite:///{path}"


def test_a_mapping_from_names_that_are_alike(propose, tmp_path):
    text, said = propose("webshop", _database(tmp_path / "shop.sqlite"))
    assert "  orders:" in text
    assert "    from: tblOrders" in text
    for line in (
        "order_id: OrderNo",
        "status: Order Status",
        "created_at: Ordered_At",
        "modified_at: LastUpdate",
    ):
        assert f"      {line}\n" in text
    assert "      # tax:" in text
    assert "without: tax is what the items say, or empty" in text
    assert "    from: order_lines" in text
    assert "      quantity: qty\n" in text
    assert "      sale_price: price\n" in text
    # Of what nothing is alike it is said what is lost; nothing is taken for what it is not.
    assert "  # events: nothing like it was found; visits are not known." in text
    assert "audit_log" not in text
    assert "set RETAIL_WEBSHOP_MAPPING=" in said


def test_answers_at_a_terminal_count(propose, tmp_path):
    """In the order in which the tables are asked about; Enter takes what is proposed."""
    url = _database(tmp_path / "shop.sqlite")
    asked, _ = propose("webshop", url, answers=["-", "audit_log", "nonsense", "-"])
    assert "from: audit_log" in asked
    assert "distribution_centers: nothing like it was found" in asked


def test_a_shipped_layout_is_recognised(propose, tmp_path):
    from retail_assets_tests.ingestion.test_shopify import ORDERS, export, item, order

    export(tmp_path / "exports" / "orders" / "a.csv", ORDERS, order("#1", [item("1", "Nib", "2.00")]))
    text, said = propose("webshop", tmp_path / "exports")
    assert "extends: shopify" in text
    assert "the shipped mapping shopify fits 4 tables" in said


def test_no_mapping_is_needed_where_names_are_the_contracts(propose, tmp_path):
    write(tmp_path / "geo" / "shops.csv", [dict.fromkeys(["shop_id", "country", "latitude", "longitude"], 1)])
    write(tmp_path / "geo" / "places.csv", [dict.fromkeys(["country", "state", "latitude", "longitude"], 1)])
    text, said = propose("geo", tmp_path / "geo")
    assert text == ""
    assert "No mapping is needed" in said


def test_nothing_is_overwritten(propose, tmp_path):
    url = _database(tmp_path / "shop.sqlite")
    (tmp_path / "webshop.yml").write_text("mine")
    with pytest.raises(InitError, match="is there already"):
        propose("webshop", url)
    assert (tmp_path / "webshop.yml").read_text() == "mine"
    with pytest.raises(InitError, match="There is no system web-shop; did you mean `webshop`"):
        propose("web-shop", url)


def test_it_is_a_command(tmp_path):
    """In a process of its own, whose input is no terminal: it does not ask."""
    write(
        tmp_path / "exports" / "order_items.csv",
        [{"id": 1, "OrderNo": 1, "Price": 1, "Created": "2024-01-02"}],
    )
    environment = {"PATH": "/usr/bin:/bin", "RETAIL_HOME": str(tmp_path / "home")}
    environment |= {"RETAIL_WEBSHOP_URL": str(tmp_path / "exports"), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "retail_assets.cli", "init", "webshop", "--output", "shop.yml"],
        cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "order_id: OrderNo" in (tmp_path / "shop.yml").read_text()


def test_one_table_with_the_names_of_a_shipped_layout_is_not_that_layout(propose, tmp_path):
    write(tmp_path / "shop" / "products.csv", [{"id": "T1", "title": "Tea", "price": 4}])
    write(tmp_path / "shop" / "receipts.csv", [{"receipt": "R1", "buyer": "A", "placed": "2024-01-02"}])
    text, _ = propose("webshop", tmp_path / "shop")
    assert "extends" not in text
    assert "    from: products" in text
