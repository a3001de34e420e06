"""What a home was built with is not changed under what is there."""

import duckdb
import pytest

from retail_assets.deployment.days import refuse_other_zone, zones_of
from retail_assets.errors import UserError
from retail_assets.settings import Settings


def test_a_system_keeps_the_zone_that_its_rows_were_loaded_with():
    with duckdb.connect() as connection:

        def execute(statement):
            return connection.execute(statement).fetchall()

        lisbon = Settings(crm_timezone="Europe/Lisbon")
        assert zones_of(execute) == {}
        for _ in range(2):
            refuse_other_zone(lisbon, execute, "crm")
        moved = Settings(crm_timezone="Asia/Tokyo", erp_timezone="Asia/Tokyo")
        said = "RETAIL_CRM_TIMEZONE was Europe/Lisbon when rows of the crm were loaded, and is Asia/Tokyo"
        with pytest.raises(UserError, match=said):
            refuse_other_zone(moved, execute, "crm")
        # Another system's rows have a zone of their own.
        refuse_other_zone(moved, execute, "erp")
        assert zones_of(execute) == {"crm": "Europe/Lisbon", "erp": "Asia/Tokyo"}
