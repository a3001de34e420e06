"""What a mapping may say, and the sentence about what it may not."""

import re
from dataclasses import replace

import pytest

from retail_assets.deployment.readme import README
from retail_assets.ingestion.blank import blank_mappings
from retail_assets.ingestion.mapping import MappingError, load_mapping, shipped_mappings
from retail_assets.ingestion.sources import Kind
from retail_assets.settings import SYSTEMS, Settings
from retail_assets_tests.ingestion.tables import table

ORDERS = table(
    "orders",
    {"order_id": "bigint", "status": "varchar", "amount": "decimal(19,4)", "modified_at": "timestamp"},
)
ORDERS = replace(
    ORDERS,
    columns=tuple(
        replace(column, without="" if column.name in ("order_id", "amount") else "something")
        for column in ORDERS.columns
    ),
)
PLACES = table("places", {"country": "varchar", "state": "varchar"}, primary_key=("country", "state"))
TABLES = [ORDERS, PLACES]


@pytest.fixture
def load(tmp_path):
    """The mapping that a text is."""

    def loaded(text, kind="files", name="shop.yml"):
        (tmp_path / name).write_text(text)
        return load_mapping(str(tmp_path / name), TABLES, kind, tmp_path)

    return loaded


def test_everything_that_may_be_said(load):
    mapping = load("""
        timezone: Europe/London
        keys: text
        only: true
        variables: {year: 2024}
        tables:
          orders:
            select: select * from "sales {year}"
            key: [shop, number]
            modified: changed
            columns: {amount: [net, gross - tax], status: null}
            sometimes: [tax]
            values: {status: {5: done, no: none, "yes": some}}
            defaults: {status: new}
        """)
    said = mapping.of(ORDERS)
    assert said.select == 'select * from "sales 2024"'
    assert mapping.columns_of(ORDERS)["modified_at"] == "changed"
    assert mapping.columns_of(ORDERS)["order_id"].hash == ("shop", "number")
    assert mapping.columns_of(ORDERS)["amount"] == ("net", "gross - tax")
    # A number or a `no` is a word like any other.
    assert said.values["status"] == {"5": "done", "no": "none", "yes": "some"}
    assert (mapping.covers(ORDERS), mapping.covers(PLACES)) == (True, False)
    described = mapping.described(ORDERS, "sql")
    assert (described.kind, described.timezone, described.modified) == (
        "sql",
        "Europe/London",
        ("modified_at",),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tabels: {}", "`tabels` is no key; did you mean `tables`?"),
        ("tables: {order: {}}", "tables: webshop has no table `order`; did you mean `orders`?"),
        ("tables: {orders: {colums: {}}}", "tables.orders: `colums` is no key; did you mean `columns`?"),
        (
            "tables: {orders: {columns: {amout: x}}}",
            "tables.orders.columns: orders has no column `amout`; did you mean `amount`?",
        ),
        (
            "tables: {orders: {values: {stat: {a: b}}}}",
            "values: orders has no column `stat`; did you mean `status`?",
        ),
        ("tables: {orders: {defaults: {amount: lots}}}", "defaults.amount: 'lots' is no decimal(19,4)"),
        ("tables: {orders: {columns: {amount: 1}}}", "amount is 1: write a constant under `defaults`"),
        (
            "tables: {orders: {columns: {amount: {md5: [a]}}}}",
            "amount is a column of the source, an expression, a list",
        ),
        (
            "tables: {orders: {columns: {amount: null}}}",
            "columns.amount: orders must have it; name the source's column",
        ),
        ("tables: {orders: {columns: [amount]}}", "name the contract's columns, each with the source's"),
        ("tables: {orders: {key: [a, b], columns: {order_id: c}}}", "key: `columns` names order_id as well"),
        ("tables: {places: {key: [a, b, c]}}", "key: places has a key of 2: country, state"),
        (
            "tables: {places: {modified: changed}}",
            "modified: places is read whole, and has no time of change",
        ),
        (
            "tables: {orders: {modified: a, columns: {modified_at: b}}}",
            "modified: `columns` names modified_at as well",
        ),
        ("tables: {orders: {values: {status: {Paid: a, paid: b}}}}", "values.status names a word twice"),
        (
            "tables: {orders: {timezone: London}}",
            "'London' is no IANA time zone; write for example Europe/Berlin",
        ),
        ("timezone: Mars/Base", "'Mars/Base' is no IANA time zone"),
        ("keys: uuid", "keys: input should be 'text' or 'number'"),
        ("tables: {orders: {select: a}, orders: {select: b}}", "line 1: `orders` is there twice"),
        ("tables: [orders", "line 1: expected ',' or ']'"),
        ("- orders", "has no keys. It begins with `tables:`"),
        ("tables:\n  orders:\n    columns: {hash: [a]}", "columns: orders has no column `hash`"),
        (
            "extends: nothing",
            "no mapping of that name is shipped for webshop. There are: shopify, thelook,",
        ),
        ("extends: shop.yml", "extends: shop.yml extends itself"),
    ],
)
def test_what_may_not_be_said(load, text, sentence):
    with pytest.raises(MappingError) as raised:
        load(text)
    assert sentence in str(raised.value)
    # The file is named, and every line is about one thing.
    assert all(
        "shop.yml" in line or "RETAIL_WEBSHOP_MAPPING" in line for line in str(raised.value).splitlines()
    )


def test_all_faults_are_told_at_once(load):
    with pytest.raises(MappingError) as raised:
        load("tables: {orders: {columns: {amout: x, state: y}}, order: {}}")
    assert len(str(raised.value).splitlines()) == 3


def test_from_and_select_are_one_in_a_database(load):
    text = "tables: {orders: {from: a, select: select * from a}}"
    load(text, "files")
    with pytest.raises(MappingError, match="a database has one of `from` and `select`"):
        load(text, "sql")


def test_a_mapping_that_builds_on_another(load):
    load(
        "variables: {a: x}\nkeys: number\ntables: {orders: {from: '{a}', modified: none}, places: {from: p}}"
    )
    mapping = load(
        "extends: shop.yml\nvariables: {a: y}\ntables: {orders: {columns: {status: state}}, places: null}",
        name="mine.yml",
    )
    assert mapping.keys == "number"
    assert mapping.of(ORDERS).from_ == "y"
    assert mapping.of(ORDERS).is_snapshot
    assert mapping.columns_of(ORDERS) == {"status": "state"}
    assert not mapping.covers(PLACES)
    # What a table comes from is said once.
    mapping = load("extends: shop.yml\ntables: {orders: {select: select 1}}", name="mine.yml")
    assert (mapping.of(ORDERS).from_, mapping.of(ORDERS).select) == (None, "select 1")


def test_where_a_mapping_is_looked_for(tmp_path, monkeypatch):
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(MappingError, match=r"RETAIL_WEBSHOP_MAPPING is shop\.yml: there is no such file"):
        load_mapping("shop.yml", TABLES, "files", home)
    (home / "shop.yml").write_text("keys: number")
    assert load_mapping("shop.yml", TABLES, "files", home).keys == "number"
    (here / "shop.yml").write_text("keys: text")
    assert load_mapping("shop.yml", TABLES, "files", home).keys == "text"


def test_what_is_shipped(manifest, tmp_path):
    """Every mapping that is shipped is sound, and named in the setting that takes it."""
    from retail_assets.catalog.contract import source_tables

    assert shipped_mappings("erp") == ["adventureworks"]
    assert shipped_mappings("webshop") == ["shopify", "thelook", "woocommerce", "woocommerce-posts"]
    for system in SYSTEMS:
        for name in shipped_mappings(system):
            kind: Kind = "sql" if name.startswith("woocommerce") else "files"
            load_mapping(name, source_tables(manifest, system), kind, tmp_path)
            assert f"`{name}`" in str(Settings.model_fields[f"{system}_mapping"].description)


def test_what_the_documentation_shows_may_be_said(manifest, tmp_path):
    from retail_assets.catalog.contract import source_tables

    page = (README.parent / "docs" / "mappings.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(shown) == 3
    kinds: tuple[Kind, ...] = ("sql", "sql", "files")
    for number, (text, kind) in enumerate(zip(shown, kinds, strict=True)):
        path = tmp_path / f"{number}.yml"
        path.write_text(text)
        assert load_mapping(str(path), source_tables(manifest, "webshop"), kind, tmp_path).tables


def test_the_blank_mappings_are_the_contracts(manifest):
    for path, text in blank_mappings(manifest):
        assert path.read_text(encoding="utf-8") == text, "run `python -m retail_assets.ingestion.blank`"


def test_a_blank_mapping_that_is_filled_in_is_sound(manifest, tmp_path):
    """The # taken away from every line, and a column of the source named in each."""
    from retail_assets.catalog.contract import source_tables

    for system, (path, text) in zip(SYSTEMS, blank_mappings(manifest), strict=True):
        lines = [line[2:] for line in text.splitlines() if line.startswith("#   ")]
        lines = [f"{line.split(':')[0]}: x" if line.startswith("      ") else line for line in lines]
        lines = [f"{line.split(':')[0]}: y" if line.startswith("    from") else line for line in lines]
        filled = tmp_path / path.name
        filled.write_text("\n".join(["tables:", *lines]))
        tables = source_tables(manifest, system)
        mapping = load_mapping(str(filled), tables, "sql", tmp_path)
        assert {name: set(said.columns) for name, said in mapping.filled.items()} == {
            each.name: {column.name for column in each.columns} for each in tables
        }
