"""Marketing: attribution by the planted rules, figures that agree with touches, offers as used."""

from __future__ import annotations

from decimal import Decimal

from retail_assets_tests.simulated_retailer.conftest import Ask

OWED = """
    with clicks as (
        select touch_id, touched_at, lower(trim(consumer_email)) as email, campaign_id
        from marketing.campaign_touches where touch_type = 'click'
    ), orders as (
        select 'webshop' as order_system, o.order_id, o.created_at as moment, lower(trim(u.email)) as email,
               sum(i.sale_price)::decimal(19, 6) as revenue
        from webshop.orders o join webshop.users u on u.id = o.user_id
        join webshop.order_items i using (order_id) where o.status <> 'Cancelled' group by all
        union all
        select 'erp', h."SalesOrderID", h."OrderDate", lower(trim(e."EmailAddress")), sum(d."LineTotal")
        from erp."SalesOrderHeader" h join erp."Customer" c using ("CustomerID")
        join erp."EmailAddress" e on e."BusinessEntityID" = c."PersonID"
        join erp."SalesOrderDetail" d using ("SalesOrderID") where h."Status" <> 6 group by all
    ), paths as (
        select *, row_number() over (path order by touched_at desc, touch_id desc) as nth,
               count(*) over path as clicks
        from orders join clicks using (email)
        where touched_at < moment and touched_at >= moment - interval 30 day and revenue > 0
        window path as (partition by order_system, order_id)
    )
"""


def test_the_truth_is_the_planted_rule(ask: Ask) -> None:
    """Told without the code under test, from the rows that systems have at the end."""
    found = ask(
        OWED
        + """
        select order_system, order_id, 'last_touch', touch_id, campaign_id, revenue from paths where nth = 1
        union all
        select order_system, order_id, 'linear', touch_id, campaign_id,
               if(nth > 1, round(revenue / clicks, 6), revenue - (clicks - 1) * round(revenue / clicks, 6))
        from paths
        order by all
        """
    )
    recorded = ask(
        """
        select order_system, order_id, rule, touch_id, campaign_id, revenue
        from truth.attribution order by all
        """
    )
    assert [row[:5] for row in found] == [row[:5] for row in recorded]
    apart = [abs(Decimal(str(a[5])) - b[5]) for a, b in zip(found, recorded, strict=True)]
    assert max(apart) <= Decimal("0.000005")  # the query divides in floating point
    assert len(recorded) > 200


def test_both_rules_give_out_the_orders_revenue(ask: Ask) -> None:
    different = ask(
        """
        select count(*) from (
            select sum(revenue) filter (rule = 'last_touch') as last,
                   sum(revenue) filter (rule = 'linear') as linear
            from truth.attribution group by order_system, order_id
        ) where last is distinct from linear
        """
    )
    assert different == [(0,)]
    both = ask("select count(distinct order_system), max(n) > 1 from (select order_system, count(*) as n "
               "from truth.attribution where rule = 'linear' group by order_system, order_id)")  # fmt: skip
    assert both == [(2, True)]


def test_channels_are_those_of_the_campaigns(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from truth.attribution a join marketing.campaigns c using (campaign_id)
        where a.media_channel_id <> c.media_channel_id
        """
    )
    assert wrong == [(0,)]


def test_clicks_lead_to_orders(ask_busy: Ask) -> None:
    """More orders follow within a day after a click than come before it."""
    [(after, before)] = ask_busy(
        """
        with clicks as (
            select user.id as user_id, touched_at from marketing.campaign_touches
            join webshop.users user on lower(trim(user.email)) = lower(trim(consumer_email))
            where touch_type = 'click'
        )
        select count(*) filter (created_at between touched_at and touched_at + interval 5 day),
               count(*) filter (created_at between touched_at - interval 5 day and touched_at)
        from clicks join webshop.orders using (user_id)
        """
    )
    assert after > 1.5 * before


def test_campaigns_touch_whom_they_may_and_while_they_run(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from marketing.campaign_touches t join marketing.campaigns c using (campaign_id)
        where touched_at::date not between start_date and end_date
        """
    )
    assert wrong == [(0,)]
    strangers = ask(
        """
        select count(*) from marketing.campaign_touches
        anti join truth.people on email = lower(trim(consumer_email))
        """
    )
    assert strangers == [(0,)]
    unsubscribed = ask(
        """
        select count(*) from marketing.campaign_touches t
        join marketing.audience_members m on lower(trim(m.consumer_email)) = lower(trim(t.consumer_email))
        where audience_segment_id = 1 and (touched_at < added_at or touched_at >= removed_at)
        """
    )
    assert unsubscribed == [(0,)]


def test_mail_is_opened_before_it_is_clicked(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from marketing.campaign_touches t
        where touch_type <> 'impression' and not exists (
            from marketing.all_campaign_touches i where i.campaign_id = t.campaign_id
            and i.touch_type = 'impression' and i.touched_at <= t.touched_at
            and i.touched_at::date = t.touched_at::date
            and lower(trim(i.consumer_email)) = lower(trim(t.consumer_email))
        )
        """
    )
    assert wrong == [(0,)]


def test_figures_hold_what_the_touches_say(ask: Ask) -> None:
    wrong = ask(
        """
        with touched as (
            select touched_at::date as performance_date, campaign_id,
                   count(*) filter (touch_type = 'impression') as seen,
                   count(*) filter (touch_type = 'click') as clicked
            from marketing.all_campaign_touches where touch_type <> 'view' and consumer_email is not null
            group by all
        )
        select count(*) filter (not (impressions >= reach and clicks <= impressions and reach >= 0)),
               count(*) filter (impressions < coalesce(seen, 0) or clicks < coalesce(clicked, 0)),
               count(*) filter (channel_type = 'email' and impressions <> coalesce(seen, 0))
        from marketing.campaign_performance p join marketing.campaigns using (campaign_id)
        join marketing.media_channels using (media_channel_id)
        left join touched using (performance_date, campaign_id)
        where performance_date <= (select max(performance_date) - 3 from marketing.campaign_performance)
        """
    )
    [(disordered, fewer, mails)] = wrong
    assert (disordered, fewer) == (0, 0)
    # A wrong touch is a copy of a right one, so that a day may seem to have one more.
    assert mails <= 4
    overspent = ask(
        """
        select count(*) from (
            select campaign_id, sum(spend) as spent from marketing.campaign_performance group by all
        ) join marketing.campaigns using (campaign_id) where spent > budget
        """
    )
    assert overspent == [(0,)]


def test_redemptions_are_what_orders_saved(ask: Ask) -> None:
    different = ask(
        """
        with saved as (
            select 'erp' as order_system, "SalesOrderID" as order_id, "SpecialOfferID" as special_offer_id,
                   sum("UnitPrice" * "UnitPriceDiscount" * "OrderQty") as discount
            from erp."all_SalesOrderDetail" d
            join (
                select "SalesOrderID", min("ModifiedDate") as placed
                from erp."all_SalesOrderHeader" group by all
            ) using ("SalesOrderID")
            where "SpecialOfferID" > 1 and d."ModifiedDate" = placed group by all
        )
        select count(*) filter (abs(discount - discount_amount) > 0.001), count(*) > 20
        from marketing.offer_redemptions r join marketing.offers o using (offer_id)
        join saved using (order_system, order_id, special_offer_id)
        where order_id not in (select (key ->> 'SalesOrderID')::int from truth.faults where system = 'erp'
                               and key ->> 'SalesOrderID' is not null)
        """
    )
    assert different == [(0, True)]
    matched = """
        select count(*) from marketing.offer_redemptions r join marketing.offers using (offer_id)
        anti join erp."all_SalesOrderDetail" d
          on d."SalesOrderID" = order_id and d."SpecialOfferID" = special_offer_id
        where order_system = 'erp'
    """
    assert ask(matched) == [(0,)]


def test_caps_are_kept(ask_busy: Ask) -> None:
    used = ask_busy(
        """
        select any_value(max_usage) = count(*)
        from marketing.offer_redemptions join marketing.offers using (offer_id)
        where max_usage is not null group by offer_id
        """
    )
    assert used == [(True,)]


def test_who_was_erased_is_in_no_audience(ask: Ask) -> None:
    left = ask(
        """
        select count(*) from marketing.audience_members
        join truth.people on email = lower(trim(consumer_email)) where erased_at is not null
        """
    )
    assert left == [(0,)]
    removed = ask("select count(*) > 20 from marketing.audience_members where removed_at is not null")
    assert removed == [(True,)]


def test_some_touches_are_purged(ask_busy: Ask) -> None:
    [(purged, all_)] = ask_busy("select count(_until), count(*) from marketing.all_campaign_touches")
    assert 0 < purged < 0.001 * all_
