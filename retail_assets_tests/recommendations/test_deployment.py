"""The real weekly job over the simulated retailer."""

import duckdb

from retail_assets_tests.conftest import WEEKS

LAST = WEEKS[-1]


def test_every_buyer_has_both_lists(built):
    buyers, told, wrong = built.query(
        "select (select count(distinct sales.consumer_key) from warehouse.wh_fact_sales as sales"
        " inner join warehouse.wh_dim_consumer as consumers on sales.consumer_key = consumers.consumer_key"
        f" where is_sale and order_date < date '{LAST}' + 7 and consumers.consumer_type <> 'unknown'),"
        " count(distinct consumer_key), count(case when rank not between 1 and 10 then 1 end)"
        f" from mart_recommendations.product_recommendations where week_start = '{LAST}'"
    )[0]
    assert buyers > 100
    assert told == buyers
    assert wrong == 0
    lists = built.query(
        "select list, count(distinct consumer_key), max(rank), count(reason), count(*)"
        f" from mart_recommendations.product_recommendations where week_start = '{LAST}'"
        " group by list order by list"
    )
    for _, consumers, longest, reasons, rows in lists:
        assert consumers > 0.9 * buyers
        assert 5 < longest <= 10
        assert reasons == rows
    assert [name for name, *_ in lists] == ["buy again", "new to you"]


def test_reasons_are_told_in_words(built):
    reasons = dict(
        built.query(
            "select kind, count(*) from (select case"
            " when reason like '% who bought your % also bought it' then 'affinity'"
            " when reason like 'bought by % in the last 4 weeks' then 'popular'"
            " when reason like 'bought once, % ago' or reason like 'bought % times, last % ago' then 'own'"
            " else reason end as kind from mart_recommendations.product_recommendations) as reasons"
            " group by kind"
        )
    )
    assert reasons.keys() == {"affinity", "popular", "own"}
    assert all(rows > 100 for rows in reasons.values())


def test_what_is_short_is_recommended_to_nobody_there(built):
    """By the inventory itself: where no center has any left, and what the model says of each place."""
    ((places, everywhere),) = built.query(
        "select count(distinct location_key), count(distinct product_key)"
        f" from mart_recommendations.product_shortages where week_start = '{LAST}'"
    )
    assert places > 5
    assert everywhere > 0
    ((wrong,),) = built.query(
        "select count(*) from mart_recommendations.product_recommendations as told"
        " inner join (select product_key from warehouse.wh_fact_inventory"
        f" where snapshot_date = date '{LAST}' + 6 group by product_key"
        " having sum(quantity_on_hand) <= 0) as gone"
        f" on told.product_key = gone.product_key where told.week_start = '{LAST}'"
    )
    assert wrong == 0


def test_the_first_week_has_no_record_and_the_next_has_one_of_each_method(built):
    rows = built.query(
        "select week_start, list, method, consumers, hit_rate between 0 and 1, recall <= hit_rate,"
        " ndcg <= hit_rate, predicted_week from mart_recommendations.recommendation_quality order by 1, 2, 3"
    )
    assert {row[0] for row in rows} == {LAST}
    assert {row[-1] for row in rows} == {WEEKS[0]}
    assert {row[2] for row in rows if row[1] == "new to you"} == {"affinity", "popularity"}
    assert all(row[3] > 20 for row in rows if row[1] == "new to you")
    assert all(all(row[4:7]) for row in rows)


def test_readers_see_the_lists(built):
    with duckdb.connect(built.settings.published_path, read_only=True) as connection:
        ((rows,),) = connection.execute(
            "select count(*) from mart_recommendations.product_recommendations"
        ).fetchall()
    assert rows > 1000
