"""A review of a change: what is compared and how it is told, and that nothing of the home is touched."""

import hashlib
import subprocess
from pathlib import Path

import duckdb
import pytest

from retail_assets.deployment import record
from retail_assets.review import report, review, sides
from retail_assets.review.differences import Sum, compared
from retail_assets.review.sides import ReviewError
from retail_assets_tests.conftest import START, write_evening

BEFORE = """
    create table mart_sales.performance as select * from (values
        (date '2024-03-01', 'web', 10.50::decimal(38, 2), 1, 0.1::double),
        (date '2024-03-01', 'shop', 20.00::decimal(38, 2), 2, 0.2::double),
        (date '2024-03-02', 'web', 30.00::decimal(38, 2), 3, 0.3::double),
        (date '2024-03-03', 'web', 40.00::decimal(38, 2), 4, 0.4::double)
    ) as rows(day, channel, net_sales, customer_id, rate);
    create table mart_sales.same as select 1 as id, timestamp '2024-03-01' as _loaded_at;
    create table mart_sales.twice as select unnest([1, 1, 2]) as id;
    create table mart_sales.former as select 1 as id;
    create table mart_sales.shape as select 1 as id, 'a' as old, 5::integer as number;
    create table main.elsewhere as select 1 as id
"""
AFTER = """
    create table mart_sales.performance as select * from (values
        (date '2024-03-03', 'web', 40.00::decimal(38, 2), 4, 0.4::double),
        (date '2024-03-01', 'shop', 25.00::decimal(38, 2), 2, 0.2::double),
        (date '2024-03-01', 'web', 10.50::decimal(38, 2), 1, 0.1::double),
        (date '2024-03-02', 'shop', 1.25::decimal(38, 2), 3, 0.3::double)
    ) as rows(day, channel, net_sales, customer_id, rate);
    create table mart_sales.same as select 1 as id, timestamp '2024-03-09' as _loaded_at;
    create table mart_sales.twice as select unnest([1, 2, 2]) as id;
    create table mart_sales.newest as select unnest([1, 2]) as id;
    create table mart_sales.shape as select 1 as id, 5::bigint as number, 'b' as new;
    create table main.elsewhere as select 2 as id
"""
KEYS = {"mart_sales.performance": ["day", "coalesce(channel, '')"], "mart_sales.shape": ["id"]}


def file(path: Path, statements: str) -> Path:
    with duckdb.connect(path) as connection:
        connection.execute("create schema mart_sales; " + statements)
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    both = compared(file(folder / "before's.duckdb", BEFORE), file(folder / "after.duckdb", AFTER), KEYS)
    return {each.table.partition(".")[2]: each for each in both.differences}


def test_only_tables_of_the_layers_that_differ_are_told(found):
    """Not by when they were loaded, nor by the order of their rows."""
    assert list(found) == ["former", "newest", "performance", "shape", "twice"]
    assert (found["former"].is_gone, found["newest"].is_new, found["newest"].rows_after) == (True, True, 2)


def test_columns_that_came_went_or_are_of_another_type(found):
    shape = found["shape"]
    assert (shape.added, shape.dropped) == ({"new": "VARCHAR"}, {"old": "VARCHAR"})
    assert shape.retyped == {"number": ("INTEGER", "BIGINT")}
    assert not shape.has_other_rows


def test_rows_are_told_by_their_key_and_sums_by_day(found):
    table = found["performance"]
    assert (table.changed_rows, table.added_rows, table.removed_rows) == (1, 1, 1)
    assert [(each.column, str(each.before), str(each.after)) for each in table.sums] == [
        ("net_sales", "100.50", "76.75")
    ]
    second, first = table.days
    assert (str(second.day), second.rows_before, second.rows_after) == ("2024-03-02", 1, 1)
    assert [str(each.after) for each in first.sums] == ["35.50"]
    changed, removed, added = table.examples
    assert {name: str(value) for name, value in changed.key.items()} == {
        "day": "2024-03-01",
        "channel": "shop",
    }
    assert [(each.column, str(each.before), str(each.after)) for each in changed.values] == [
        ("net_sales", "20.00", "25.00")
    ]
    assert (removed.what, removed.key["channel"], added.what, added.key["channel"]) == (
        *("removed", "web"),
        *("added", "shop"),
    )


def test_a_row_that_is_there_once_more_is_a_difference(found):
    twice = found["twice"]
    assert (twice.rows_before, twice.rows_after) == (3, 3)
    assert twice.changed_rows + twice.added_rows == 1


def test_values_of_the_sources_are_no_markup():
    evil = "[here](http://x) | <script>alert(1)</script> `a` *b*"
    text = report._table(("one", "two"), [(evil, 1)])
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 3
    page = report.html(text)
    assert "<script" not in page
    assert "<a " not in page
    assert "<td>[here](http://x) | &lt;script&gt;alert(1)&lt;/script&gt; `a` *b*</td>" in page


def test_sums_of_doubles_may_differ_in_their_last_digits(tmp_path):
    make = "create table mart_sales.t as select unnest({}) as id, unnest({}) as share"
    one = file(tmp_path / "one.duckdb", make.format("[1, 2, 3]", "[0.1::double, 0.2, 0.3]"))
    other = file(tmp_path / "other.duckdb", make.format("[1, 2, 3]", "[0.3::double, 0.2, 0.1]"))
    (table,) = compared(one, other, {"mart_sales.t": ["id"]}).differences
    assert (table.changed_rows, table.sums) == (2, [])
    assert report._sum(Sum("share", None, 1)) == ("share", None, 1, "")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git repository with one commit, and changes that are not committed."""

    def git(*arguments):
        identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.org")
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    models = tmp_path / "dbt_project"
    models.mkdir()
    (models / "kept.sql").write_text("one")
    (models / "changed.sql").write_text("one")
    git("add", ".")
    git("commit", "-qm", "first")
    (models / "changed.sql").write_text("two")
    (models / "new.sql").write_text("two")
    (tmp_path / "notes.txt").write_text("no part of the product")
    monkeypatch.setattr(sides, "CHECKOUT", tmp_path)
    return tmp_path


def test_the_code_of_a_revision_is_had_without_touching_the_checkout(checkout, tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    sides.code_of("HEAD", folder)
    assert {path.name: path.read_text() for path in (folder / "dbt_project").iterdir()} == {
        "kept.sql": "one",
        "changed.sql": "one",
    }
    assert sides.changed_files("HEAD") == ["dbt_project/changed.sql", "dbt_project/new.sql"]
    assert (checkout / "dbt_project" / "changed.sql").read_text() == "two"
    with pytest.raises(ReviewError, match="--against needs a git revision of this checkout"):
        sides.code_of("nowhere", folder)


def test_a_side_is_cut_off_from_what_others_see(deploy, monkeypatch, tmp_path):
    settings = deploy().settings
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "retail.env").write_text(
        "RETAIL_ALERT_URLS=https://example.org/x\nRETAIL_CURRENCY=EUR\n"
    )
    monkeypatch.setenv("RETAIL_ALERT_URLS", "https://example.org/x")
    monkeypatch.setenv("DAGSTER_HOME", "/somewhere")
    side = sides.Side(tmp_path / "side", tmp_path, settings)
    side.prepare(file(tmp_path / "warehouse.duckdb", "select 1"))
    environment = side._environment()
    assert "RETAIL_ALERT_URLS" not in environment
    assert environment["DAGSTER_HOME"] == str(tmp_path / "side" / "dagster")
    assert environment["RETAIL_ERP_URL"] == settings.source_url("erp")
    assert (side.home / "retail.env").read_text() == "RETAIL_CURRENCY=EUR\n"


def state_of(folder: Path) -> dict[str, str]:
    """All files but the lock and the report."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def test_a_change_is_reviewed_on_copies(deploy, retailer, monkeypatch):
    """A home whose shops were made by another formula, and in which a shop is there twice since."""
    deployment = deploy(sources="geo")
    write_evening(retailer, deployment, START)
    deployment.run(START, checks=False)
    settings = deployment.settings
    changed = "warehouse.wh_dim_location"
    for path in (settings.duckdb_path, settings.published_path):
        with duckdb.connect(path) as connection:
            connection.execute(
                f"update {record._MODELS} set fingerprint = 'of another formula' where model = '{changed}'"
            )
            connection.execute(
                f"update {changed} set location_name = 'Elsewhere' where location_type = 'shop'"
            )
            connection.execute("insert into staging.stg_shops from staging.stg_shops limit 1")
    known = state_of(settings.home)
    for name, value in deployment.environment.items():
        monkeypatch.setenv(name, value)
    found = review.review(settings, None, None, None, lambda _: None)
    assert state_of(settings.home) == known
    assert (found.first, found.last, found.newest) == (START, START, START)
    assert changed in found.plan.build
    assert not found.after.errors
    (table,) = found.compared.differences
    assert (table.table, table.added_rows) == (changed, 1)
    assert table.changed_rows > 1
    assert {each.column for each in table.examples[0].values} == {"location_name"}
    assert {name.partition(":")[0] for name in found.newly_failed} == {changed}
    assert not found.is_sound
    assert found.after.seconds[changed] > 0
    text = report.markdown(found)
    assert "from raw, since their SQL, macros, variables or settings have changed" in text
    assert f"| {changed} |" in text
