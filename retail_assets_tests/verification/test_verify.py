"""`verify`: the same days made once more on DuckDB, and compared. A second DuckDB stands in for Snowflake."""

import pytest

from retail_assets.errors import UserError
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.verification.comparison import tables_of
from retail_assets.verification.verify import compared, verify
from retail_assets_tests.conftest import START, write_evening


@pytest.fixture
def built_once(deploy, retailer):
    """A deployment of one system with one day in it."""
    deployment = deploy(sources="geo")
    write_evening(retailer, deployment, START)
    deployment.run(START, checks=False)
    return deployment


def test_all_tables_are_compared_and_what_differs_is_told(built_once):
    settings = built_once.settings
    with warehouse_of(settings).session() as session:
        session(
            "update warehouse.wh_dim_location set location_name = 'Elsewhere' where location_type = 'shop'"
        )
        session("drop table staging.stg_places")
        session("alter table raw_geo.shops add column size bigint")
        found = compared(settings, session, START, START, weekly=False)
        ((shops,),) = session("select count(*) from warehouse.wh_dim_location where location_type = 'shop'")
        ((every,),) = session("select count(*) from warehouse.wh_dim_location")
        assert found.tables == len(tables_of(session)) + 1
    told = {each.table: each.text for each in found.differences}
    assert told.keys() == {"raw_geo.shops", "staging.stg_places", "warehouse.wh_dim_location"}
    assert told["staging.stg_places"] == "only in DuckDB"
    assert told["raw_geo.shops"] == "columns that only one of them has: size"
    counted = f"{shops} of {every} rows only in"
    assert told["warehouse.wh_dim_location"].startswith(f"{counted} DuckDB; {counted} Snowflake; DuckDB: ")
    assert "location_name=Elsewhere" in told["warehouse.wh_dim_location"]


def test_it_is_for_snowflake(built_once):
    with pytest.raises(UserError, match="The warehouse is DuckDB"):
        verify(built_once.settings, START, START, weekly=False)
