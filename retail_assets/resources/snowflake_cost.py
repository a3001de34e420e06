"""What the runs cost on Snowflake, from its query history by query tag (tags.py)."""

from typing import Literal

By = Literal["asset", "day", "run"]

# Credits of the warehouses, by statement; the view lags behind by up to eight hours.
_HISTORY = "snowflake.account_usage.query_attribution_history"
_GROUPS: dict[By, str] = {
    "asset": "try_parse_json(query_tag):asset::varchar",
    "day": "cast(start_time as date)",
    "run": "try_parse_json(query_tag):run::varchar",
}


def cost_query(by: By, days: int, database: str) -> str:
    """A query for the credits and seconds of the last days' runs, the most expensive first, days in order.

    Statements without a tag are none of a run's. Time in which a warehouse was idle is not in it.
    """
    order = "1" if by == "day" else "3 desc nulls last"
    return f"""
        select
            {_GROUPS[by]} as "{by}",
            count(*) as "statements",
            round(sum(credits_attributed_compute), 4) as "credits",
            round(sum(timestampdiff('millisecond', start_time, end_time)) * 0.001, 1) as "seconds"
        from {_HISTORY}
        where start_time >= dateadd('day', -{days}, current_date)
            and try_parse_json(query_tag):run is not null
            and startswith(warehouse_name, '{database.upper()}_')
        group by 1
        order by {order}
    """
