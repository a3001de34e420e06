"""A query's mistake is a sentence."""

import duckdb
import pytest

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
