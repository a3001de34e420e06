"""The query for what runs cost is SQL of Snowflake. No account has run it."""

import pytest
import sqlglot
from sqlglot import exp

from retail_assets.resources.snowflake_cost import cost_query


@pytest.mark.parametrize("by", ["asset", "day", "run"])
def test_it_is_sql_of_snowflake(by):
    query = sqlglot.parse_one(cost_query(by, 7, "shop"), read="snowflake")
    assert isinstance(query, exp.Select)
    assert query.named_selects == [by, "statements", "credits", "seconds"]
    assert [table.sql() for table in query.find_all(exp.Table)] == [
        "snowflake.account_usage.query_attribution_history"
    ]
    assert not list(query.find_all(exp.Anonymous))
    assert "'SHOP_'" in query.sql("snowflake")
