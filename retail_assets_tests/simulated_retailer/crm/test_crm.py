"""The CRM: points add up, and interactions follow from what happens to orders."""

from __future__ import annotations

from retail_assets_tests.simulated_retailer.conftest import Ask


def test_points_are_never_negative_and_are_the_sum_of_activities(ask: Ask) -> None:
    lowest = ask(
        """
        select min(balance) from (
            select sum(points_earned - points_redeemed) over (
                partition by consumer_id order by activity_at, loyalty_activity_id
            ) as balance from crm.loyalty_activities
        )
        """
    )
    assert lowest[0][0] >= 0
    different = ask(
        """
        select count(*) from crm.consumers left join (
            select consumer_id, sum(points_earned - points_redeemed) as points
            from crm.loyalty_activities group by all
        ) using (consumer_id)
        where loyalty_points <> coalesce(points, 0)
        """
    )
    assert different == [(0,)]


def test_points_at_any_time_are_those_of_the_activities_until_then(ask: Ask) -> None:
    different = ask(
        """
        select count(*) from (
            select c.consumer_id, c.modified_at, any_value(loyalty_points) as shown,
                   coalesce(sum(points_earned - points_redeemed), 0) as points
            from crm.all_consumers c
            left join crm.loyalty_activities a
              on a.consumer_id = c.consumer_id and a.activity_at <= c.modified_at
            group by all
        ) where shown <> points
        """
    )
    assert different == [(0,)]


def test_points_are_earned_with_orders(ask: Ask) -> None:
    """Whole units of what was shipped, where no correction came in between."""
    different = ask(
        """
        with shipped as (
            select 'webshop:' || order_id as reference, sum(sale_price) as value,
                   any_value(shipped_at) as moment
            from webshop.order_items where shipped_at is not null group by order_id
            union all
            select 'erp:' || "SalesOrderID", any_value("SubTotal"), any_value("ShipDate")
            from erp."all_SalesOrderHeader" where "ShipDate" is not null
            group by "SalesOrderID" having count(distinct "SubTotal") = 1
        )
        select count(*) filter (points_earned <> floor(value) or activity_at <> moment),
               count(*) > 200, count(distinct split_part(reference, ':', 1))
        from crm.loyalty_activities join shipped on reference = order_reference
        where activity_type = 'earn'
          and reference not in (
              select coalesce('erp:' || (key ->> 'SalesOrderID'), '') from truth.faults
          )
        """
    )
    assert different == [(0, True, 2)]
    kinds = ask("select distinct activity_type from crm.loyalty_activities order by 1")
    assert {"earn", "redeem", "adjust"} <= {kind for (kind,) in kinds}


def test_every_order_of_a_member_earns(ask: Ask) -> None:
    without = ask(
        """
        select count(*) from webshop.orders o
        join truth.people p on p.webshop_user_id = o.user_id
        join crm.consumers c using (consumer_id)
        where o.shipped_at >= c.created_at
          and not exists (
              from crm.loyalty_activities a
              where a.order_reference = 'webshop:' || o.order_id and a.activity_type = 'earn'
          )
        """
    )
    assert without == [(0,)]


def test_interactions_take_their_course(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from crm.interactions
        where (resolution_status = 'resolved') <> (resolved_at is not null) or resolved_at < interaction_at
           or satisfaction_score is not null and resolved_at is null
           or satisfaction_score not between 1 and 5
        """
    )
    assert wrong == [(0,)]
    changes = ask(
        "select max(n) from (select count(*) as n from crm.all_interactions group by interaction_id)"
    )
    assert changes[0] == (4,)


def test_trouble_makes_consumers_complain(ask_busy: Ask) -> None:
    [(late, usual)] = ask_busy(
        """
        with orders as (
            select consumer_id, shipped_at, shipped_at - created_at > interval 5 day as late
            from webshop.orders o join truth.people p on p.webshop_user_id = o.user_id
            where consumer_id is not null and shipped_at is not null
        ), answered as (
            select late, exists (
                from crm.interactions i where i.consumer_id = o.consumer_id
                and interaction_at between shipped_at and shipped_at + interval 8 day
            ) as spoke from orders o
        )
        select avg(spoke::int) filter (late), avg(spoke::int) filter (not late) from answered
        """
    )
    assert late > 2 * usual
