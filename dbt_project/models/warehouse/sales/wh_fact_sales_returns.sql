{{ affected_by("affected_orders") }}

with

    erp as (

        select
            'erp' as source_system,
            coalesce(
                cast(sales_order_id as varchar), {{ return_without_order("sales_return_id") }}
            ) as order_id,
            cast(sales_order_detail_id as varchar) as order_line_id,
            cast(sales_return_id as varchar) as return_id,
            return_date,
            order_date,
            sales_channel,
            cast(customer_id as varchar) as consumer_source_id,
            cast(null as varchar) as guest_key,
            cast(product_id as varchar) as product_source_id,
            territory_id,
            cast(return_quantity as decimal(18, 4)) as return_quantity,
            refund_amount,
            return_reason
        from {{ ref("fact_sales_returns") }}
        where {{ is_affected_return_of("erp", "sales_order_id", "sales_return_id") }}

    ),

    items as (select * from {{ ref("fact_webshop_sales") }} where {{ is_affected() }}),

    -- An item has one order, whether or not its refund says so too.
    told_refunds as (

        select refunds.*, coalesce(refunds.order_id, items.order_id) as refunded_order_id
        from {{ ref("stg_webshop_refunds") }} as refunds
        left join {{ ref("stg_webshop_order_items") }} as items on refunds.order_item_id = items.order_item_id

    ),

    refunds as (

        select
            *,
            coalesce(
                cast(refunded_order_id as varchar), {{ return_without_order("refund_id") }}
            ) as order_key,
            cast(order_item_id as varchar) as order_line_id,
            max(quantity) over (partition by order_item_id) is not null as tells_pieces,
            row_number() over (partition by order_item_id order by refunded_date, refund_id) as number
        from told_refunds
        where {{ is_affected_return_of("webshop", "refunded_order_id", "refund_id") }}

    ),

    refunded_items as (select distinct order_line_id from refunds where order_line_id is not null),

    refunded_orders as (select distinct order_key from refunds where order_line_id is null),

    -- Where the refunds of an item do not say how many pieces came back, all did.
    webshop_refunds as (

        select
            'webshop' as source_system,
            refunds.order_key as order_id,
            refunds.order_line_id,
            'refund:' || cast(refunds.refund_id as varchar) as return_id,
            refunds.refunded_date as return_date,
            orders.created_date as order_date,
            'webshop' as sales_channel,
            cast(orders.user_id as varchar) as consumer_source_id,
            {{ guest_key("orders.email") }} as guest_key,
            coalesce(cast(refunds.product_id as varchar), items.product_source_id) as product_source_id,
            cast(null as {{ key_type("erp") }}) as territory_id,
            cast(
                case
                    when refunds.tells_pieces or items.returned_date is null
                    then refunds.quantity
                    when refunds.number = 1
                    then items.quantity
                end as decimal(18, 4)
            ) as return_quantity,
            refunds.amount as refund_amount,
            cast(null as varchar) as return_reason
        from refunds
        left join {{ ref("stg_webshop_orders") }} as orders on refunds.refunded_order_id = orders.order_id
        left join items on refunds.order_key = items.order_id and refunds.order_line_id = items.order_line_id

    ),

    -- Returns by the items' own status: refunded in full, unless the item or a refund of the order says
    -- otherwise.
    returned_items as (

        select
            items.source_system,
            items.order_id,
            items.order_line_id,
            items.order_line_id as return_id,
            coalesce(items.refunded_date, items.returned_date, items.order_date) as return_date,
            items.order_date,
            items.sales_channel,
            items.consumer_source_id,
            items.guest_key,
            items.product_source_id,
            cast(null as {{ key_type("erp") }}) as territory_id,
            cast(
                case when items.returned_date is not null then items.quantity end as decimal(18, 4)
            ) as return_quantity,
            coalesce(
                items.refund_amount,
                case when refunded_orders.order_key is null then items.net_amount else 0 end
            ) as refund_amount,
            cast(null as varchar) as return_reason
        from items
        left join refunded_items on items.order_line_id = refunded_items.order_line_id
        left join refunded_orders on items.order_id = refunded_orders.order_key
        where
            refunded_items.order_line_id is null
            and (
                items.returned_date is not null or items.refunded_date is not null or items.refund_amount <> 0
            )

    ),

    returns as (

        select *
        from erp
        union all
        select *
        from webshop_refunds
        union all
        select *
        from returned_items

    ),

    final as (

        select
            returns.source_system,
            returns.order_id,
            returns.order_line_id,
            returns.return_id,
            returns.return_date,
            returns.order_date,
            returns.sales_channel,
            {{ identity_keys("returns") }},
            returns.territory_id,
            returns.return_quantity,
            cast(returns.refund_amount as decimal(19, 4)) as refund_amount,
            returns.return_reason

        from returns {{ join_identities("returns") }}

    )

select *
from final
