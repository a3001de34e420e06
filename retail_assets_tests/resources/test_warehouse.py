"""A query's mistake is a sentence."""

import dlt
import duckdb
import pytest
import yaml

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.resources.warehouse import WarehouseError, warehouse_of
from retail_assets.settings import Settings


@pytest.fixture
def warehouse(tmp_path):
    """One that has published an empty copy."""
    settings = Settings(home=tmp_path)
    settings.published_path.parent.mkdir()
    duckdb.connect(settings.published_path).close()
    return warehouse_of(settings)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("select * from nowhere", "nowhere does not exist"),
        # Found out only when rows are fetched.
        (
            "select cast(word as int) from (values ('1'), ('x')) as words (word)",
            "Could not convert string 'x'",
        ),
        ("create table mine (a int)", "read-only"),
        ("select 1; select 2", "several statements"),
    ],
)
def test_what_cannot_be_answered_is_said(warehouse, statement, said):
    with pytest.raises(WarehouseError, match=said):
        warehouse.query(statement)


def test_the_ui_shows_where_the_password_comes_from_and_not_the_password(tmp_path):
    settings = Settings(home=tmp_path, warehouse="snowflake", snowflake_password="Kx7-planted")
    shown = warehouse_of(settings).dagster_resources()["snowflake"]
    assert shown.password == "RETAIL_SNOWFLAKE_PASSWORD"
    assert "Kx7-planted" not in repr(shown)


def test_all_who_open_the_warehouse_are_bounded_by_the_same_memory(warehouse, tmp_path):
    """Runs, readers and dlt. dbt has it from its profile."""
    asked = "select current_setting('memory_limit')"
    bounded = warehouse_of(Settings(home=tmp_path, memory="512MB"))
    with duckdb.connect() as connection:
        (expected,) = connection.execute("set memory_limit = '512MB'").execute(asked).fetchall()
    with bounded.writing(print):
        assert bounded.execute(asked) == [expected]
    assert list(bounded.query(asked).to_pylist()[0].values()) == list(expected)
    pipeline = dlt.pipeline("bounded", pipelines_dir=str(tmp_path), destination=bounded.dlt_destination())
    with pipeline.sql_client() as client:
        assert client.execute_sql(asked) == [expected]
    profile = yaml.safe_load((PROJECT_DIR / "profiles.yml").read_text())
    assert "RETAIL_MEMORY" in profile["retail_assets"]["outputs"]["duckdb"]["settings"]["memory_limit"]
