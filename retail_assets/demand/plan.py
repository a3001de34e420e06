"""What to order, day by day: from forecasts, stock, open orders and lead times as they were by the day's end.

The plan of a day is made of the forecasts of the week before, which are there by then. It depends on nothing
that came later; where those forecasts are made after the day has run, they make its plan too.
"""

from contextlib import ExitStack
from datetime import date, timedelta

from retail_assets.demand.catalog import FORECASTS, SCHEMA, table
from retail_assets.demand.plan_catalog import (
    COLUMNS,
    COVER_DAYS,
    DEFAULT_LEAD,
    FEWEST_DELIVERIES,
    LEAD_YEARS_DAYS,
    OVERDUE_DAYS,
    PACKS,
    PLAN,
    PLAN_TABLES,
    REVIEW_DAYS,
    SERVICE,
    SURPLUS_DAYS,
)
from retail_assets.demand.quantiles import bucket, quantiles_at, step_of
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import decimal, number
from retail_assets.resources.warehouse import transaction

INVENTORY, ORDERS = "warehouse.wh_fact_inventory", "staging.stg_purchase_orders"
IDENTITIES, LOCATIONS = "warehouse.wh_product_identities", "warehouse.wh_dim_location"
LEVEL_DAYS = 28
"""A level that is older says nothing of the day."""
LONGEST_LEAD = 77
"""Days that are planned for at most: the forecasts go no farther."""
NEAR_DAYS = 28


def plan_days(session: Session, first: str, last: str) -> int:
    """Plan the days from `first` to `last`, both included, and replace their rows: how many there are.

    A day without forecasts of the week before, or on which no center reported its stock, has none.
    """
    PLAN_TABLES.create(session)
    begin, days = date.fromisoformat(first), (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    dates = [begin + timedelta(days=number_) for number_ in range(days)]
    mondays = sorted({each - timedelta(days=each.weekday() + 7) for each in dates})
    weeks = ", ".join(f"cast('{each}' as date)" for each in mondays)
    span = f"plan_date >= cast('{first}' as date) and plan_date <= cast('{last}' as date)"
    plan = PLAN_TABLES.table(PLAN)
    if not session(f"select 1 from {table(FORECASTS)} where week_start in ({weeks}) limit 1"):
        session(f"delete from {plan} where {span}")
        return 0
    with ExitStack() as stack:

        def keep(name: str, query: str) -> str:
            return stack.enter_context(session.keeping(f"{SCHEMA}.{name}", query))

        listed = keep("plan_days", _days(dates))
        orders = keep("plan_orders", orders_by_key())
        stock = keep("plan_stock", _stock(listed, dates))
        needs = keep("plan_needs", _needs(session, listed, stock, orders))
        asked = session.read(f"select distinct spread_step, bucket from {needs} order by spread_step, bucket")
        distributions = stack.enter_context(
            session.holding(
                f"{SCHEMA}.plan_distributions",
                quantiles_at(asked["spread_step"].to_pylist(), asked["bucket"].to_pylist(), SERVICE),
            )
        )
        judged = keep("plan_judged", _judged(session, needs, distributions))
        with transaction(session):
            session(f"delete from {plan} where {span}")
            session(_insert(judged))
    ((rows,),) = session(f"select count(*) from {plan} where {span}")
    return int(rows)


def _days(dates: list[date]) -> str:
    """Those of the days that the inventory knows of: others are still to come."""
    listed = " union all ".join(map(_day, dates))
    return f"""
    select *
    from ({listed}) as days
    where plan_date in (
        select snapshot_date
        from {INVENTORY}
        where
            quantity_on_hand is not null
            and snapshot_date >= cast('{dates[0]}' as date)
            and snapshot_date <= cast('{dates[-1]}' as date)
    )"""


def _day(day: date) -> str:
    monday = day - timedelta(days=day.weekday())
    return (
        f"select cast('{day}' as date) as plan_date, cast('{monday}' as date) as week_start,"
        f" cast('{monday - timedelta(days=7)}' as date) as forecast_week, {day.weekday()} as weekday"
    )


def orders_by_key() -> str:
    """Purchase orders by the warehouse's keys, with the day on which each was closed; null while open."""
    return f"""
    select
        products.product_key,
        locations.location_key,
        orders.supplier,
        orders.order_date,
        orders.expected_date,
        orders.received_date,
        coalesce(
            orders.received_date,
            case when lower(orders.order_status) like 'cancel%' then cast(orders.modified_at as date) end
        ) as closed_date,
        orders.quantity_ordered,
        orders.quantity_received
    from {ORDERS} as orders
    inner join {IDENTITIES} as products
        on products.source_system = 'inventory' and orders.sku = products.source_id
    inner join {LOCATIONS} as locations
        on locations.location_type = 'distribution center'
        and cast(orders.distribution_center_id as varchar) = locations.source_id"""


def _stock(days: str, dates: list[date]) -> str:
    """The newest level of each product and center by each day; a product in two spellings is one."""
    return f"""
    with levels as (

        select
            days.plan_date,
            inventory.product_key,
            inventory.location_key,
            inventory.sku,
            inventory.quantity_on_hand,
            inventory.unit_cost
        from {days} as days
        inner join {INVENTORY} as inventory
            on inventory.snapshot_date <= days.plan_date
            and datediff('day', inventory.snapshot_date, days.plan_date) < {LEVEL_DAYS}
        where
            inventory.quantity_on_hand is not null
            and inventory.snapshot_date > cast('{dates[0] - timedelta(days=LEVEL_DAYS)}' as date)
            and inventory.snapshot_date <= cast('{dates[-1]}' as date)
        qualify
            row_number() over (
                partition by days.plan_date, inventory.location_key, inventory.sku
                order by inventory.snapshot_date desc nulls last
            ) = 1

    )

    select
        plan_date,
        product_key,
        location_key,
        greatest(sum(quantity_on_hand), 0) as on_hand,
        max(unit_cost) as unit_cost
    from levels
    group by plan_date, product_key, location_key"""


def _needs(session: Session, days: str, stock: str, orders: str) -> str:
    """What each product and center has, waits for and needs until an order of the next day is received."""
    lead = "datediff('day', orders.order_date, orders.received_date)"
    horizon = f"least(leads.lead_days + {REVIEW_DAYS}, {LONGEST_LEAD})"
    packs = ",\n            ".join(
        f"sum(case when mod(orders.quantity_ordered, {pack}) = 0 then 0 else 1 end) as not_in_{pack}"
        for pack in PACKS
    )
    pack = " ".join(f"when not_in_{pack} = 0 then {pack}" for pack in reversed(PACKS))

    def leads(name: str, keys: str) -> str:
        by = f"plan_date, {keys}" if keys else "plan_date"
        return f"""{name} as (

        select {by}, avg(cast(lead_days as double)) as lead_days,
            coalesce(stddev_samp(cast(lead_days as double)), 0) as lead_deviation
        from delivered
        group by {by}
        having count(*) >= {FEWEST_DELIVERIES}

    )"""

    def told(column: str, default: float) -> str:
        sources = [f"{name}.{column}" for name in ("own", "suppliers", "everybody")]
        return f"coalesce({', '.join(sources)}, {number(default)})"

    def until(end: str) -> str:
        """Pieces of the days from the next on, before `end` days are over."""
        begins, ends = "days.weekday + 1", f"days.weekday + 1 + {end}"
        overlap = (
            f"greatest(0, least({ends}, 7 * forecasts.weeks_ahead)"
            f" - greatest({begins}, 7 * (forecasts.weeks_ahead - 1)))"
        )
        return f"sum({decimal(f'cast(forecasts.expected_quantity as double) * {overlap} / 7', 38)})"

    expected = session.days_later("orders.order_date", "ceil(leads.lead_days)")
    return f"""
    with since as (

        select days.plan_date, orders.*
        from {days} as days
        inner join {orders} as orders on orders.order_date <= days.plan_date

    ),

    -- What came on the day of its order was fetched, which tells nothing of deliveries.
    delivered as (

        select orders.plan_date, orders.product_key, orders.location_key, orders.supplier, {lead} as lead_days
        from since as orders
        where
            orders.received_date <= orders.plan_date
            and orders.received_date > orders.order_date
            and datediff('day', orders.received_date, orders.plan_date) < {LEAD_YEARS_DAYS}

    ),

    {leads("own", "product_key, location_key")},

    {leads("suppliers", "supplier")},

    {leads("everybody", "")},

    newest as (

        select plan_date, product_key, min(supplier) as supplier
        from (
            select plan_date, product_key, supplier
            from since
            where supplier is not null
            qualify rank() over (partition by plan_date, product_key order by order_date desc nulls last) = 1
        ) as newest_orders
        group by plan_date, product_key

    ),

    ordered as (

        select orders.plan_date, orders.product_key, orders.location_key,
            {packs}
        from since as orders
        where
            orders.received_date > orders.order_date
            and datediff('day', orders.order_date, orders.plan_date) < {LEAD_YEARS_DAYS}
        group by orders.plan_date, orders.product_key, orders.location_key
        having count(*) >= {FEWEST_DELIVERIES}

    ),

    packed as (

        select plan_date, product_key, location_key, case {pack} else 1 end as pack
        from ordered

    ),

    leads as (

        select
            stock.*,
            newest.supplier,
            coalesce(packed.pack, 1) as pack,
            {told("lead_days", DEFAULT_LEAD[0])} as lead_days,
            {told("lead_deviation", DEFAULT_LEAD[1])} as lead_deviation
        from {stock} as stock
        left join newest on stock.plan_date = newest.plan_date and stock.product_key = newest.product_key
        left join packed
            on stock.plan_date = packed.plan_date
            and stock.product_key = packed.product_key
            and stock.location_key = packed.location_key
        left join own
            on stock.plan_date = own.plan_date
            and stock.product_key = own.product_key
            and stock.location_key = own.location_key
        left join suppliers
            on stock.plan_date = suppliers.plan_date and newest.supplier = suppliers.supplier
        left join everybody on stock.plan_date = everybody.plan_date

    ),

    waiting as (

        select
            leads.plan_date,
            leads.product_key,
            leads.location_key,
            sum(orders.quantity_ordered) as on_order,
            min(
                greatest(
                    coalesce(
                        orders.expected_date, {expected}
                    ),
                    {session.days_later("leads.plan_date", "1")}
                )
            ) as next_delivery
        from leads
        inner join {orders} as orders
            on leads.product_key = orders.product_key
            and leads.location_key = orders.location_key
            and orders.order_date <= leads.plan_date
            and (orders.closed_date is null or orders.closed_date > leads.plan_date)
            and datediff('day', orders.order_date, leads.plan_date) < {OVERDUE_DAYS}
        group by leads.plan_date, leads.product_key, leads.location_key

    ),

    demanded as (

        select
            leads.plan_date,
            leads.product_key,
            leads.location_key,
            min(days.week_start) as week_start,
            max(case when forecasts.weeks_ahead = 1 then forecasts.spread end) as spread,
            {until(horizon)} as expected_demand,
            {until(str(NEAR_DAYS))} as near_demand
        from leads
        inner join {days} as days on leads.plan_date = days.plan_date
        inner join {table(FORECASTS)} as forecasts
            on days.forecast_week = forecasts.week_start
            and leads.product_key = forecasts.product_key
            and leads.location_key = forecasts.location_key
        group by leads.plan_date, leads.product_key, leads.location_key

    ),

    spread_out as (

        select
            leads.*,
            demanded.week_start,
            demanded.expected_demand,
            {decimal(f"cast(demanded.near_demand as double) / {NEAR_DAYS}", 38)} as daily_demand,
            coalesce(waiting.on_order, 0) as on_order,
            waiting.next_delivery,
            -- Errors of weeks are taken to be independent; lead times vary the whole of it.
            cast(demanded.spread as double) / (cast({horizon} as double) / 7)
            + power(cast(leads.lead_deviation as double) / ({horizon}), 2) as spread
        from leads
        inner join demanded
            on leads.plan_date = demanded.plan_date
            and leads.product_key = demanded.product_key
            and leads.location_key = demanded.location_key
        left join waiting
            on leads.plan_date = waiting.plan_date
            and leads.product_key = waiting.product_key
            and leads.location_key = waiting.location_key

    )

    select
        *,
        {step_of("spread")} as spread_step,
        {bucket("cast(expected_demand as double)")} as bucket
    from spread_out"""


def _judged(session: Session, needs: str, distributions: str) -> str:
    """The reorder point, what that asks for, and what is to spare."""
    position = "on_hand + on_order"
    wanted = f"reorder_point + {COVER_DAYS} * daily_demand - ({position})"
    runs_out = (
        "case when daily_demand > 0 then least(floor(cast(on_hand as double) / daily_demand), 3650) end"
    )
    empty = session.days_later("plan_date", "1 + days_left")
    return f"""
    with points as (

        select
            needs.*,
            {
        decimal(
            "case when expected_demand <= 0 then 0 when levels.is_part = 1"
            " then levels.quantile * cast(expected_demand as double) else levels.quantile end",
            38,
        )
    } as reorder_point
        from {needs} as needs
        inner join {distributions} as levels
            on needs.spread_step = levels.spread_step and needs.bucket = levels.bucket

    ),

    judged as (

        select
            *,
            expected_demand > 0 and {position} <= reorder_point as is_short,
            cast({runs_out} as integer) as days_left,
            cast(
                case
                    when expected_demand > 0 and {position} <= reorder_point
                    then ceil(cast(({wanted}) as double) / pack) * pack
                    else 0
                end as decimal(38, 4)
            ) as needed,
            cast(
                greatest(floor(on_hand - reorder_point - {SURPLUS_DAYS} * daily_demand), 0) as decimal(38, 4)
            ) as surplus_quantity
        from points

    ),

    dated as (

        select
            *,
            {empty} as runs_out_date,
            coalesce(
                {empty}
                < coalesce(
                    next_delivery, {session.days_later("plan_date", f"{REVIEW_DAYS} + ceil(lead_days)")}
                ),
                false
            ) as runs_out_before_delivery
        from judged

    ),

    -- Of a product the center that lacks most gets what the one with the most can spare.
    short as (

        select *
        from dated
        where is_short
        qualify
            row_number() over (
                partition by plan_date, product_key order by needed desc nulls last, location_key
            ) = 1

    ),

    spare as (

        select *
        from dated
        where surplus_quantity > 0
        qualify
            row_number() over (
                partition by plan_date, product_key order by surplus_quantity desc nulls last, location_key
            ) = 1

    ),

    transfers as (

        select
            short.plan_date,
            short.product_key,
            short.location_key,
            spare.location_key as transfer_from,
            least(short.needed, spare.surplus_quantity) as transfer_quantity
        from short
        inner join spare
            on short.plan_date = spare.plan_date and short.product_key = spare.product_key

    )

    select
        dated.*,
        transfers.transfer_from,
        coalesce(transfers.transfer_quantity, 0) as transfer_quantity,
        cast(
            ceil(cast(greatest(dated.needed - coalesce(transfers.transfer_quantity, 0), 0) as double) / pack)
            * pack as decimal(38, 4)
        ) as order_quantity
    from dated
    left join transfers
        on dated.plan_date = transfers.plan_date
        and dated.product_key = transfers.product_key
        and dated.location_key = transfers.location_key"""


def _insert(judged: str) -> str:
    def pieces(column: str) -> str:
        return f"cast(cast(ceil({column}) as bigint) as varchar)"

    def stands(than: str) -> str:
        return (
            f"{pieces('on_hand')} || ' in stock and ' || {pieces('on_order')} || ' on order are {than} the '"
            f" || {pieces('reorder_point')} || ' that '"
            f" || cast(cast(ceil(lead_days) + {REVIEW_DAYS} as integer) as varchar) || ' days may take'"
        )

    out = "cast(runs_out_date as varchar)"
    return f"""insert into {PLAN_TABLES.table(PLAN)} ({", ".join(COLUMNS[PLAN])})
select
    week_start,
    plan_date,
    product_key,
    location_key,
    order_quantity,
    cast(order_quantity * unit_cost as decimal(38, 4)),
    case
        when expected_demand <= 0 then 'Nothing is expected to be asked for.'
        when is_short and transfer_quantity > 0
        then {stands("no more than")} || ': another center can spare ' || {pieces("transfer_quantity")} || '.'
        when is_short and runs_out_before_delivery
        then {stands("no more than")} || ', and stock may run out on ' || {out} || '.'
        when is_short then {stands("no more than")} || '.'
        when surplus_quantity > 0
        then 'Too much: ' || {pieces("on_hand")} || ' in stock last until ' || {out} || '.'
        when runs_out_before_delivery
        then 'Enough is on order, but stock may run out on ' || {out} || ', before it comes.'
        else {stands("more than")} || '.'
    end,
    on_hand,
    on_order,
    supplier,
    {_rounded("lead_days")},
    {_rounded("lead_deviation")},
    expected_demand,
    reorder_point,
    reorder_point - expected_demand,
    daily_demand,
    runs_out_date,
    next_delivery,
    runs_out_before_delivery,
    pack,
    surplus_quantity,
    transfer_from,
    transfer_quantity
from {judged}"""


def _rounded(column: str) -> str:
    return f"cast(floor({column} * 100 + {number(0.5)}) / 100 as decimal(9, 2))"
