"""What every asset has to have in the dbt project."""

import pytest

from retail_assets.catalog.entry import CatalogError, catalog_entry


def test_a_model_without_an_entry_is_told_where_to_give_it():
    node = {"unique_id": "model.retail_assets.stg_tickets", "config": {"meta": {"dagster": {"group": "x"}}}}
    with pytest.raises(CatalogError, match=r"stg_tickets: meta\.dagster has no partition, freshness, owners"):
        catalog_entry(node)
