"""The pages as files and over HTTP. What is in the data is text, whatever it looks like."""

import csv
import re
import shutil
import socket
import threading
import urllib.error
import urllib.request
from contextlib import closing, contextmanager

import duckdb
import pyarrow as pa
import pytest
from markupsafe import escape
from rich.console import Console

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards import command
from retail_assets.dashboards.answers import Answer
from retail_assets.dashboards.export import ExportError, export
from retail_assets.dashboards.pages import read_pages
from retail_assets.dashboards.server import serve
from retail_assets.dashboards.site import as_csv, site_of
from retail_assets.errors import UserError
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings

PAGES = read_pages(PROJECT_DIR)
EVIL = "<script>alert('&')</script>"


@contextmanager
def served(settings):
    """The address of a server of its own."""
    ready, told = threading.Event(), []

    def say(address):
        told.append(address)
        ready.set()

    site = site_of(settings, PAGES, is_served=True)
    arguments = (warehouse_of(settings), site, 0, say)
    threading.Thread(target=serve, args=arguments, daemon=True).start()
    assert ready.wait(30)
    yield told[0]


@pytest.fixture(scope="module")
def address(built):
    with served(built.settings) as found:
        yield found


def get(url, **headers):
    """Status, headers and text of what is there."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_pages_are_served_to_this_machine_only(address):
    assert address.startswith("http://127.0.0.1:")
    status, headers, page = get(f"{address}/")
    assert status == 200
    assert "<h1>Today</h1>" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    # A name that leads here is no way in, and nothing can be sent.
    assert get(f"{address}/sales", Host="shop.example")[0] == 400
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(f"{address}/sales", data=b"x")
    assert get(f"{address}/nothing")[0] == 404
    assert get(f"{address}/sales/99.csv")[0] == 404
    assert get(f"{address}/static/../server.py")[0] == 404


def test_nothing_is_asked_of_another_host(address):
    for page in PAGES:
        written = get(f"{address}/{page.name}")[2]
        assert not re.search(r"""(src|href|action)=["'](https?:)?//""", written)


def test_filters_stay_in_the_address_and_in_the_form(address):
    _, _, page = get(f"{address}/sales?from=2024-04-01&to=2024-04-07&channel=webshop")
    assert "<option selected>webshop</option>" in page
    assert 'value="2024-04-01"' in page
    assert re.search(r'href="/sales/0\.csv[^"]*channel=webshop', page)
    _, headers, rows = get(f"{address}/sales/0.csv?from=2024-04-01&to=2024-04-07&channel=webshop")
    assert headers["Content-Disposition"] == 'attachment; filename="sales-0-2024-04-01-2024-04-07.csv"'
    header, *lines = csv.reader(rows.splitlines())
    assert header == ["day", "channel", "net_sales"]
    assert len(lines) == 7
    assert {channel for _, channel, _ in lines} == {"webshop"}


def test_the_dictionary_has_every_column_of_the_marts(address, built, manifest):
    page = get(f"{address}/dictionary")[2]
    marts = {
        node["name"]: (f"{node['schema']}.{node['name']}", node["columns"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"].startswith("mart_")
    }
    assert len(marts) > 10
    for table, columns in marts.values():
        start = page.index(f'id="{table}"')
        part = page[start : page.index("</details>", start)]
        for name, column in columns.items():
            assert f"<code>{name}</code>" in part, (table, name)
            assert str(escape(column["description"].split(".")[0])) in part
    assert "<code>_changed_at</code>" not in page
    start = page.index('id="mart_sales.sales_performance"')
    part = page[start : page.index("</details>", start)]
    for said in ("team:sales-analytics", "<code>warehouse.wh_fact_sales</code>", "Sales", "extract sales"):
        assert said in part
    assert "unique_grain" in part
    assert "affected." not in part
    start = page.index('id="warehouse.wh_fact_sales"')
    assert "<code>repeat_rate</code>" in page[start : page.index("</details>", start)]
    start = page.index('id="metrics"')
    listed = page[start : page.index("</details>", start)]
    assert all(f"<code>{each['name']}</code>" in listed for each in manifest["metrics"].values())
    assert 'href="/dictionary#mart_sales.sales_performance"' in get(f"{address}/sales")[2]


@pytest.fixture
def settings_with_evil(built, tmp_path):
    """A warehouse in which products, channels and reasons are HTML."""
    settings = built.settings.model_copy(update={"home": tmp_path})
    settings.published_path.parent.mkdir(parents=True)
    shutil.copyfile(built.settings.published_path, settings.published_path)
    with duckdb.connect(settings.published_path) as connection:
        connection.execute("update mart_sales.product_demand set product = ?, category = ?", [EVIL, EVIL])
        connection.execute("update mart_sales.sales_performance set sales_channel = ?", [EVIL])
        connection.execute(
            "update quality.table_states set state = 'stale', why = ?"
            " where table_name = 'mart_sales.product_demand'",
            [EVIL],
        )
    return settings


def test_html_in_data_is_text(settings_with_evil):
    with served(settings_with_evil) as address:
        for name in ("products", "sales", "today", "quality"):
            status, _, page = get(f"{address}/{name}")
            assert status == 200
            assert "<script>alert" not in page
        assert "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;" in get(f"{address}/products")[2]
        assert "\\u003cscript>alert" in get(f"{address}/products")[2]
        assert "is stale" in get(f"{address}/products")[2]


def test_a_page_of_a_system_that_is_not_there_says_so_once(settings_with_evil):
    with duckdb.connect(settings_with_evil.published_path) as connection:
        for table in (
            "mart_analyst.mrt_inventory_analysis",
            "mart_demand.replenishment_plan",
            "mart_demand.demand_forecast",
        ):
            connection.execute(f"drop table {table}")
    with served(settings_with_evil) as address:
        stock, today = (get(f"{address}/{name}")[2] for name in ("stock", "today"))
    assert stock.count('class="notice"') == 1
    assert "the systems that it needs are not ingested" in stock
    assert 'class="plot"' in today
    assert today.count("This has not been built") == 1


def test_a_warehouse_without_anything_says_so(tmp_path):
    settings = Settings(home=tmp_path)
    with served(settings) as address:
        status, _, page = get(f"{address}/sales")
    assert status == 503
    assert "Nothing has been built yet" in page


def test_pages_as_files(built, tmp_path):
    site = site_of(built.settings, PAGES, is_served=False)
    warehouse = warehouse_of(built.settings)
    written = export(warehouse, site, tmp_path / "pages")
    assert {path.stem for path in written} == {page.name for page in PAGES}
    for path in written:
        for target in re.findall(r'(?:src|href)="([^"#]+)"', path.read_text()):
            assert target == "data:," or (path.parent / target).exists(), target
    # It is written again as a whole, and never over somebody's files.
    (tmp_path / "pages" / "old.html").touch()
    export(warehouse, site, tmp_path / "pages")
    assert not (tmp_path / "pages" / "old.html").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(ExportError, match="has other files in it"):
        export(warehouse, site, tmp_path / "mine")
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_spreadsheet_runs_no_text_of_a_csv():
    answer = Answer("", pa.table({"a": ["=1+1", " @x", "plain, text"], "b": [-1, None, 2]}))
    rows = list(csv.reader(as_csv(answer).decode().splitlines()))
    assert rows == [["a", "b"], ["'=1+1", "-1"], ["' @x", ""], ["plain, text", "2"]]


def test_a_port_that_is_in_use_is_told(built, monkeypatch):
    monkeypatch.setattr(command, "settings", lambda: built.settings)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {port} of 127\.0\.0\.1 cannot be used"):
            command.serve_pages(Console(), port)
