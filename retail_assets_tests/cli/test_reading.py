"""What `retail-assets sql` says of a query that cannot be answered."""

import pytest

from retail_assets.cli.reading import answer
from retail_assets.resources.warehouse import DuckDBWarehouse, WarehouseError, warehouse_of


def test_an_error_of_the_query_is_told(built):
    warehouse = warehouse_of(built.settings)
    with pytest.raises(WarehouseError, match='"colour" not found'):
        answer(warehouse, "select colour from mart_sales.product_demand", built.settings)


def test_a_table_of_a_system_that_is_not_taken_in(built):
    settings = built.settings.model_copy(update={"sources": "erp"})
    with pytest.raises(WarehouseError, match=r"mart_marketing.mrt_offers is not there: it needs marketing"):
        answer(_without_tables(warehouse_of(settings)), "select * from mart_marketing.mrt_offers", settings)


def _without_tables(warehouse):
    """The same, where nothing of marketing has ever been built."""

    class Empty(DuckDBWarehouse):
        def query(self, statement):
            return super().query(statement.replace("mrt_offers", "no_such_table"))

    return Empty(warehouse._settings)
