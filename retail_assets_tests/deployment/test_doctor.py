"""What `doctor` says of a source, before anything is read."""

import pyarrow as pa
import pytest

from retail_assets.catalog import project
from retail_assets.catalog.contract import source_tables
from retail_assets.deployment import doctor
from retail_assets.ingestion.errors import SourceError
from retail_assets.resources import warehouse
from retail_assets.settings import Settings
from retail_assets_tests.ingestion.tables import write
from retail_assets_tests.ingestion.tds import Refusal, Relation, Server, running


@pytest.fixture
def said(tmp_path, manifest, monkeypatch):
    """The line of the web shop, with this mapping."""
    monkeypatch.setattr(project, "Project", lambda settings: type("Parsed", (), {"manifest": manifest}))

    def line(mapping=""):
        if ":" in mapping:
            (tmp_path / "shop.yml").write_text(mapping)
            mapping = str(tmp_path / "shop.yml")
        found = Settings(home=tmp_path, webshop_url=str(tmp_path / "shop"), webshop_mapping=mapping)
        monkeypatch.setattr(doctor, "settings", lambda: found)
        return doctor._source("webshop")()

    write(tmp_path / "shop" / "users.csv", [{"id": 1, "email": "a@example.org"}])
    write(tmp_path / "shop" / "sold.csv", [{"no": 1, "amount": 2, "at": "2024-01-02"}])
    return line


def test_what_is_there_and_what_is_not(said):
    assert said().startswith("1 of 9 tables; not there and taken as empty: distribution_centers, events,")
    # Few have payments and refunds: they are not missed.
    assert "refunds" not in said()
    assert said().endswith(
        "10 columns that would tell something are not there: `retail-assets inspect webshop` says what is"
        " lost"
    )


def test_a_table_that_lacks_what_it_must_have(said):
    with pytest.raises(ValueError, match=r"sold\.csv has no column id, order_id, created_at, sale_price"):
        said("tables: {order_items: {from: sold}}")


def test_a_mapping_that_fits(said, tmp_path):
    columns = "{id: no, order_id: no, created_at: at, sale_price: amount}"
    line = said(f"only: true\ntables: {{order_items: {{from: sold, columns: {columns}}}}}")
    assert line.startswith(f"1 of 9 tables; by {tmp_path}/shop.yml; ")


def test_a_mapping_that_cannot_be_followed(said):
    with pytest.raises(ValueError, match=r"shop\.yml: tables\.order_items\.columns\.sale_price: .*amout"):
        said("tables: {order_items: {from: sold, columns: {sale_price: amout}}}")
    with pytest.raises(SourceError, match=r"RETAIL_WEBSHOP_MAPPING is shopfy: .* did you mean `shopify`"):
        said("shopfy")


@pytest.fixture
def erp(tmp_path, manifest, monkeypatch):
    """The line of the ERP on a SQL Server, which has the contract's tables; raw has these rows of them."""
    monkeypatch.setattr(project, "Project", lambda settings: type("Parsed", (), {"manifest": manifest}))
    types = {"bigint": "int", "timestamp": "datetime", "boolean": "bit", "varchar": "nvarchar(50)"}
    relations = {
        table.source_table: Relation(
            {column.source_name: types.get(column.data_type, column.data_type) for column in table.columns}
        )
        for table in source_tables(manifest, "erp")
    }
    server = Server(relations)

    class Published:
        def query(self, statement):
            if "information_schema" in statement:
                return pa.table({"t": ["customer"], "c": ["customer_id"], "d": ["bigint"]})
            return pa.table({"one": [1]})

    def line():
        found = Settings(home=tmp_path, erp_url=server.url("pymssql"))
        monkeypatch.setattr(doctor, "settings", lambda: found)
        monkeypatch.setattr(warehouse, "warehouse_of", lambda settings: Published())
        return doctor._source("erp")()

    with running(server):
        yield server, line


def test_a_table_that_may_not_be_read_is_wrong(erp):
    """Also where its columns can be seen; none of its rows is asked for."""
    server, line = erp
    assert line().startswith("18 of 18 tables")
    asked = [each for each in server.asked if "FROM [Sales].[Customer]" in each]
    assert len(asked) == 1
    assert "WHERE 0 = 1" in asked[0]
    server.rules.append(
        (r"FROM \[Sales\]\.\[Customer\]", Refusal(229, "The SELECT permission was denied.", 14))
    )
    with pytest.raises(ValueError, match=r"Sales\.Customer .* permission was denied\. Give the user of"):
        line()


def test_a_table_that_was_loaded_and_is_hidden_is_wrong(erp):
    server, line = erp
    server.hidden |= {"Sales.SalesReturn"}
    assert "not there and taken as empty: Sales.SalesReturn" in line()
    server.hidden |= {"Sales.Customer"}
    with pytest.raises(
        ValueError, match=r"Sales\.Customer \(customer\) is not there any more, or the user of"
    ):
        line()


def test_a_place_that_is_not_there(said):
    with pytest.raises(
        ValueError, match=r"no table sales \(tables\.orders\.from in .*\nWhat is there: sold, users"
    ):
        said("tables: {orders: {from: sales, columns: {order_id: no, created_at: at}}}")


def test_a_source_that_has_nothing_of_it(said, tmp_path):
    (tmp_path / "shop" / "users.csv").unlink()
    with pytest.raises(
        ValueError, match=r"none of its 9 tables is there\. What is there: sold\. Check RETAIL_WEBSHOP"
    ):
        said()
    # What a shipped layout names, a company may well not have.
    write(tmp_path / "shop" / "products.csv", [{"id": 1, "name": "a"}])
    assert said("extends: thelook\n").startswith("1 of 9 tables")


def test_files_of_a_kind_that_is_not_read(said, tmp_path):
    for name in ("orders.xlsx", "events/2024-01-02.json", "notes.txt", ".orders.csv.swp"):
        path = tmp_path / "shop" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    with pytest.raises(ValueError, match="cannot be read") as told:
        said()
    assert str(told.value).splitlines()[:2] == [
        "webshop: events/2024-01-02.json cannot be read, since files are read that end in .csv, .tsv, .gz of"
        " these and .parquet: events counts as empty. Export it as one of these.",
        "webshop: orders.xlsx cannot be read, since files are read that end in .csv, .tsv, .gz of these and"
        " .parquet: orders counts as empty. Export it as one of these.",
    ]
