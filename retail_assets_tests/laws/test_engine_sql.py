"""What engines judge differently is found in a statement, and what both understand is not."""

import pytest

from retail_assets.resources.sql import decimal, number, text
from retail_assets_tests.laws.engine_sql import judged_differently

WRONG = {
    "division": "select net_sales / orders from t",
    "division of casts": "select cast(a as decimal(38, 6)) / nullif(b, 0) from t",
    "nulls": "select row_number() over (order by day desc, id) from t",
    "having": "select day, sum(amount) as amount from t group by day having sum(amount) > 0",
    "exists": "update a set x = 1 where exists (select 1 from b where b.id = a.id and b.at > a.at)",
    "backslash": "select 'a\\b'",
}
RIGHT = {
    "whole": "select ((2 * a + b) - mod(2 * a + b, 2 * b)) / (2 * b) from t",
    "doubles": "select sum(cast(a as double) * b) / count(*), (cast(a as double) + 1) / b from t",
    "nulls": "select row_number() over (order by day desc nulls last, id) from t order by id",
    "having": "select day, sum(t.amount) as amount from t group by day having sum(t.amount) > 0",
    "exists": "update a as one set x = 1 where exists (select 1 from b where b.id = one.id and b.at > 3)",
    "select": "select 1 from a where not exists (select 1 from b where b.id = a.id and b.at > a.at)",
    "text": f"select {text(chr(92) + 'd')}, {decimal('x', 18)}, {number(0.1)} /* a / b */",
}


@pytest.mark.parametrize("sql", [pytest.param(sql, id=name) for name, sql in WRONG.items()])
def test_it_is_found(sql):
    assert len(judged_differently(sql)) == 1


@pytest.mark.parametrize("sql", [pytest.param(sql, id=name) for name, sql in RIGHT.items()])
def test_what_is_right_is_not(sql):
    assert judged_differently(sql) == []
