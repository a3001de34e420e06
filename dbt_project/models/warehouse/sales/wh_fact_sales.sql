{{ affected_by('affected_orders', day='order_date') }}

with

erp_lines as (

    select
        *,
        'erp' as source_system,
        cast(sales_order_id as varchar) as order_id
    from {{ ref('fact_sales') }}

),

erp_returned as (

    select
        sales_order_id,
        sales_order_detail_id,
        min(return_date) as returned_date
    from {{ ref('fact_sales_returns') }}
    group by sales_order_id, sales_order_detail_id

),

offers as (

    select
        special_offer_id,
        min(offer_id) as offer_id
    from {{ ref('stg_offers') }}
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
        cast(null as date) as delivered_date,
        cast(lines.return_quantity as decimal(18, 4)) as return_quantity,
        erp_returned.returned_date,
        lines.refund_amount

    from erp_lines as lines
    left join offers on lines.special_offer_id = offers.special_offer_id
    left join erp_returned
        on lines.sales_order_id = erp_returned.sales_order_id
        and lines.sales_order_detail_id = erp_returned.sales_order_detail_id

    where {{ is_affected_order_of('erp', 'lines.sales_order_id') }}

),

webshop_items as (

    {{ webshop_lines() }}

),

redemptions as (

    select
        cast(order_id as varchar) as order_id,
        min(offer_id) as offer_id
    from {{ ref('stg_offer_redemptions') }}
    where order_system = 'webshop'
    group by order_id

),

pieces as (

    select * from {{ ref('stg_webshop_inventory_items') }}

),

prices as (

    {{ webshop_prices() }}

),

-- A piece is sold for its price, or for less. Where the price of the day is not known, it is what was paid.
webshop_priced as (

    select
        items.*,
        cast(
            case when prices.retail_price > items.sale_price then prices.retail_price else items.sale_price end
            as decimal(19, 4)
        ) as unit_price,
        cast(coalesce(pieces.cost, prices.cost) as decimal(19, 4)) as unit_cost
    from webshop_items as items
    left join pieces on items.inventory_item_id = pieces.inventory_item_id
    left join prices on items.product_id = prices.product_id and {{ as_of('prices', 'items.order_date') }}

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
        lines.product_source_id,
        cast(null as {{ key_type('erp') }}) as territory_id,
        redemptions.offer_id,
        cast(null as {{ key_type('erp') }}) as special_offer_id,
        cast(1 as decimal(18, 4)) as quantity,
        lines.unit_price,
        cast(lines.unit_price as decimal(38, 6)) as gross_amount,
        cast(lines.unit_price - lines.sale_price as decimal(38, 6)) as discount_amount,
        cast(lines.sale_price as decimal(38, 6)) as net_amount,
        cast(null as decimal(19, 4)) as tax,
        cast(null as decimal(19, 4)) as freight,
        cast(null as decimal(19, 4)) as total_due,
        lines.unit_cost,
        cast(lines.unit_cost as decimal(38, 6)) as line_cost,
        lines.shipped_date,
        lines.delivered_date,
        cast(case when lines.returned_date is null then 0 else 1 end as decimal(18, 4)) as return_quantity,
        lines.returned_date,
        cast(case when lines.returned_date is null then 0 else lines.sale_price end as decimal(19, 4)) as refund_amount

    from webshop_priced as lines
    -- A redemption is an order's; it is the offer of those of its lines that it made cheaper.
    left join redemptions
        on lines.order_id = redemptions.order_id
        and lines.unit_price > lines.sale_price

),

lines as (

    select * from erp
    union all
    select * from webshop

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
        {{ identity_keys() }},
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
        lines.return_quantity,
        lines.returned_date,
        lines.refund_amount

    from lines
    {{ join_identities('lines') }}

)

select * from final
