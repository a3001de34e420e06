"""The web shop's orders, money, visits and offers."""

from __future__ import annotations

import pytest

from retail_assets_tests.simulated_retailer.conftest import Ask


def test_orders_take_their_course(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from webshop.all_orders
        where status <> case
                when returned_at is not null then 'Returned' when delivered_at is not null then 'Complete'
                when shipped_at is not null then 'Shipped' when status = 'Cancelled' then 'Cancelled'
                else 'Processing'
            end
           or shipped_at <= created_at or delivered_at <= shipped_at or returned_at <= delivered_at
           or status = 'Cancelled' and shipped_at is not null
        """
    )
    assert wrong == [(0,)]
    assert ask("select count(distinct status) from webshop.orders") == [(5,)]


def test_orders_are_cancelled_on_their_day(ask: Ask) -> None:
    """No time stamp of a row tells of it, so that a drop could not."""
    late = ask(
        """
        select count(*) from webshop.all_orders
        where status = 'Cancelled' and _since::date > created_at::date
        """
    )
    assert late == [(0,)]


def test_items_follow_their_orders(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from webshop.orders o join (
            select order_id, count(*) as items, max(i.returned_at) as returned_at,
                   min(i.user_id) as user_id, bool_and(i.status in (o.status, 'Complete')) as agrees,
                   bool_and(i.shipped_at is not distinct from o.shipped_at) as shipped
            from webshop.order_items i join webshop.orders o using (order_id) group by all
        ) i using (order_id)
        where o.num_of_item <> items or o.user_id <> i.user_id or not agrees or not shipped
           or o.returned_at is distinct from i.returned_at
        """
    )
    assert wrong == [(0,)]
    assert ask("select count(*) from webshop.orders anti join webshop.order_items using (order_id)") == [(0,)]


def test_each_piece_is_sold_once_and_after_it_came_in(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from webshop.order_items i join webshop.inventory_items p on p.id = inventory_item_id
        where p.product_id <> i.product_id or p.sold_at <> i.created_at or p.created_at > p.sold_at
        """
    )
    assert wrong == [(0,)]
    sold = "select count(inventory_item_id), count(distinct inventory_item_id) from webshop.order_items"
    [(items, pieces)] = ask(sold)
    assert items == pieces
    assert ask("select count(sold_at) from webshop.inventory_items") == [(items,)]


def test_orders_are_paid_and_paid_back(ask: Ask) -> None:
    paid = """
        select status, kind, paid_at, amount,
               (select sum(sale_price) from webshop.order_items i where i.order_id = p.order_id) as total,
               (select coalesce(sum(sale_price) filter (returned_at is not null), 0)
                from webshop.order_items i where i.order_id = p.order_id) as sent_back,
               created_at, delivered_at
        from webshop.payments p join webshop.orders using (order_id)
    """
    wrong = ask(
        f"""
        select count(*) from ({paid})
        where paid_at <= created_at or kind = 'Invoice' and paid_at <= delivered_at
           or amount > 0 and amount <> total
           or amount < 0 and -amount <> case status when 'Cancelled' then total else sent_back end
        """
    )
    assert wrong == [(0,)]
    assert ask(f"select distinct kind from ({paid}) where amount < 0 order by 1") == [
        ("Card",),
        ("Invoice",),
        ("PayPal",),
    ]
    # Only what is paid by invoice is paid later.
    unpaid = "select distinct order_id from webshop.orders anti join webshop.payments using (order_id)"
    assert ask(f"select count(*) > 0 from ({unpaid})") == [(True,)]
    twice = "select order_id from webshop.payments where amount > 0 group by all having count(*) > 1"
    assert ask(f"select count(*) from ({twice})") == [(0,)]


def test_prices_are_the_list_prices_of_the_day_less_the_offer(ask_busy: Ask) -> None:
    wrong = ask_busy(
        """
        with item as (
            select i.*, retail_price, r.order_id is not null as redeemed, discount_pct
            from webshop.order_items i
            join webshop.all_products p on p.id = i.product_id
                 and i.created_at::date >= p._since and i.created_at::date < coalesce(p._until, 'infinity')
            left join marketing.offer_redemptions r
              on r.order_id = i.order_id and r.order_system = 'webshop'
            left join marketing.offers o using (offer_id)
        )
        select count(*) filter (
                   sale_price <> retail_price
                   and (not redeemed or sale_price <> round(retail_price * (1 - discount_pct), 2))
               ),
               count(*) filter (sale_price < retail_price) > 1000
        from item
        """
    )
    assert wrong == [(0, True)]


def test_sessions_end_in_the_purchase(ask: Ask) -> None:
    wrong = ask(
        """
        select count(*) from webshop.orders o anti join webshop.events e
            on e.event_type = 'purchase' and e.user_id = o.user_id and e.created_at = o.created_at
        """
    )
    assert wrong == [(0,)]
    gaps = ask(
        """
        select count(*) from (
            select session_id, count(*) <> max(sequence_number) or count(distinct user_id) > 1
                or bool_or(user_id is null) and count(user_id) > 0 as wrong
            from webshop.events group by all
        ) where wrong
        """
    )
    [(open_sessions,)] = gaps
    # Sessions that were still going on when the simulation ended miss their last events.
    assert open_sessions <= 3
    backwards = ask(
        """
        select count(*) from (
            select created_at < lag(created_at) over (
                partition by session_id order by sequence_number
            ) as back
            from webshop.events
        ) where back
        """
    )
    assert backwards == [(0,)]
    kinds = ask("select count(distinct event_type), count(*) > count(user_id) from webshop.events")
    assert kinds == [(6, True)]


def test_at_most_one_offer_per_order_and_only_in_its_days_and_country(ask_busy: Ask) -> None:
    wrong = ask_busy(
        """
        select count(*) from marketing.offer_redemptions r
        join marketing.offers o using (offer_id)
        join webshop.orders w on w.order_id = r.order_id
        join webshop.users u on u.id = w.user_id
        where order_system = 'webshop' and (
            not w.created_at::date between valid_from and valid_to or u.country <> o.country
        )
        """
    )
    assert wrong == [(0,)]
    twice = """
        select count(*) - count(distinct order_id) from marketing.offer_redemptions
        where order_system = 'webshop'
    """
    assert ask_busy(twice) == [(0,)]


@pytest.mark.parametrize("offer", range(5, 13))
def test_offers_really_add_what_they_are_said_to_add(ask_busy: Ask, offer: int) -> None:
    """Against the same products' sales, to the same country, in the four weeks around without the offer."""
    [(planted, expected, during, otherwise)] = ask_busy(
        f"""
        with sold as (
            select i.created_at::date as day, count(*) as pieces
            from webshop.order_items i
            join webshop.users u on u.id = i.user_id
            join truth.marketing_offers t
              on offer_id = {offer} and list_contains(webshop_product_ids, i.product_id)
             and coalesce(t.country, u.country) = u.country
            group by all
        )
        select any_value(uplift), any_value(expected_pieces),
               sum(pieces) filter (day between valid_from and valid_to),
               sum(pieces) filter (day between valid_from - 14 and valid_to + 14)
                   - sum(pieces) filter (day between valid_from and valid_to)
        from sold, marketing.offers join truth.marketing_offers using (offer_id)
        where offer_id = {offer}
        """
    )
    [(days,)] = ask_busy(f"select valid_to - valid_from + 1 from marketing.offers where offer_id = {offer}")
    assert during == pytest.approx(expected, rel=0.12)
    assert during / days / (otherwise / 28) == pytest.approx(planted, rel=0.15)
