{{ affected_by("affected_orders", day="order_date") }}

with

    erp_lines as (

        select *, 'erp' as source_system, cast(sales_order_id as varchar) as order_id
        from {{ ref("fact_sales") }}

    ),

    -- What was returned of each line so far, and the day of the first return.
    returned as (

        select
            source_system,
            order_id,
            order_line_id,
            sum(return_quantity) as return_quantity,
            min(return_date) as returned_date,
            sum(refund_amount) as refund_amount
        from {{ ref("wh_fact_sales_returns") }}
        where {{ is_affected() }}
        group by source_system, order_id, order_line_id

    ),

    offers as (

        select special_offer_id, min(offer_id) as offer_id
        from {{ ref("stg_offers") }}
        where special_offer_id is not null
        group by special_offer_id

    ),

    erp as (

        select
            lines.source_system,
            lines.order_id,
            cast(lines.sales_order_detail_id as varchar) as order_line_id,
            lines.order_at,
            lines.order_date,
            lines.sales_channel,
            lines.order_status,
            lines.is_sale,
            cast(lines.customer_id as varchar) as consumer_source_id,
            cast(null as varchar) as guest_key,
            cast(lines.product_id as varchar) as product_source_id,
            lines.territory_id,
            offers.offer_id,
            lines.special_offer_id,
            cast(lines.quantity as decimal(18, 4)) as quantity,
            lines.unit_price,
            lines.gross_amount,
            lines.discount_amount,
            lines.line_total as net_amount,
            lines.allocated_tax as tax,
            lines.allocated_freight as freight,
            lines.allocated_total_due as total_due,
            lines.unit_cost,
            lines.line_cost,
            lines.ship_date as shipped_date,
            cast(null as date) as delivered_date

        from erp_lines as lines
        left join offers on lines.special_offer_id = offers.special_offer_id

        where {{ is_affected_order_of("erp", "lines.sales_order_id") }}

    ),

    webshop_lines as (select * from {{ ref("fact_webshop_sales") }} where {{ is_affected() }}),

    redemptions as (

        select cast(order_id as varchar) as order_id, min(offer_id) as offer_id
        from {{ ref("stg_offer_redemptions") }}
        where order_system = 'webshop'
        group by order_id

    ),

    pieces as (select * from {{ ref("stg_webshop_inventory_items") }}),

    prices as ({{ webshop_prices() }}),

    -- The unit price is the retail price of the order's day, or the sale price if that is higher or no
    -- retail price is known.
    webshop_priced as (

        select
            lines.*,
            cast(
                case
                    when lines.sale_price >= 0 and prices.retail_price > lines.sale_price
                    then prices.retail_price
                    else lines.sale_price
                end as decimal(19, 4)
            ) as unit_price,
            cast(coalesce(pieces.cost, prices.cost) as decimal(19, 4)) as unit_cost
        from webshop_lines as lines
        left join pieces on lines.inventory_item_id = pieces.inventory_item_id
        left join prices on lines.product_id = prices.product_id and {{ as_of("prices", "lines.order_date") }}

    ),

    webshop as (

        select
            lines.source_system,
            lines.order_id,
            lines.order_line_id,
            lines.order_at,
            lines.order_date,
            lines.sales_channel,
            lines.order_status,
            lines.is_sale,
            lines.consumer_source_id,
            lines.guest_key,
            lines.product_source_id,
            cast(null as {{ key_type("erp") }}) as territory_id,
            redemptions.offer_id,
            cast(null as {{ key_type("erp") }}) as special_offer_id,
            lines.quantity,
            lines.unit_price,
            cast(lines.unit_price * lines.quantity as decimal(38, 6)) as gross_amount,
            cast(lines.unit_price * lines.quantity as decimal(38, 6)) - lines.net_amount as discount_amount,
            lines.net_amount,
            lines.tax,
            lines.freight,
            lines.total_due,
            lines.unit_cost,
            cast(lines.unit_cost * lines.quantity as decimal(38, 6)) as line_cost,
            lines.shipped_date,
            lines.delivered_date

        from webshop_priced as lines
        -- Offers are redeemed by order; the offer applies to those of its lines that are discounted.
        left join
            redemptions
            on lines.order_id = redemptions.order_id
            and lines.unit_price * lines.quantity > lines.net_amount

    ),

    lines as (

        select *
        from erp
        union all
        select *
        from webshop

    ),

    final as (

        select
            lines.source_system,
            lines.order_id,
            lines.order_line_id,
            lines.order_at,
            lines.order_date,
            lines.sales_channel,
            lines.order_status,
            lines.is_sale,
            {{ identity_keys("lines") }},
            lines.territory_id,
            lines.offer_id,
            lines.special_offer_id,
            lines.quantity,
            lines.unit_price,
            lines.gross_amount,
            lines.discount_amount,
            lines.net_amount,
            lines.tax,
            lines.freight,
            lines.total_due,
            lines.unit_cost,
            lines.line_cost,
            cast(lines.net_amount - lines.line_cost as decimal(38, 6)) as margin,
            lines.shipped_date,
            lines.delivered_date,
            cast(coalesce(returned.return_quantity, 0) as decimal(18, 4)) as return_quantity,
            returned.returned_date,
            cast(coalesce(returned.refund_amount, 0) as decimal(19, 4)) as refund_amount

        from lines
        left join
            returned
            on lines.source_system = returned.source_system
            and lines.order_id = returned.order_id
            and lines.order_line_id = returned.order_line_id
            {{ join_identities("lines") }}

    )

select *
from final
