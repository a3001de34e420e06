{{ affected_by('affected_orders', day='order_date') }}

with

erp as (

    select
        'erp' as source_system,
        coalesce(cast(sales_order_id as varchar), {{ return_without_order('sales_return_id') }}) as order_id,
        cast(sales_order_detail_id as varchar) as order_line_id,
        cast(sales_return_id as varchar) as return_id,
        return_date,
        order_date,
        sales_channel,
        cast(customer_id as varchar) as consumer_source_id,
        cast(product_id as varchar) as product_source_id,
        territory_id,
        cast(return_quantity as decimal(18, 4)) as return_quantity,
        refund_amount
    from {{ ref('fact_sales_returns') }}
    where {{ is_affected_return() }}

),

webshop as (

    {{ webshop_lines() }}

),

returns as (

    select * from erp

    union all

    select
        source_system,
        order_id,
        order_line_id,
        order_line_id as return_id,
        returned_date as return_date,
        order_date,
        sales_channel,
        consumer_source_id,
        product_source_id,
        cast(null as {{ key_type('erp') }}) as territory_id,
        cast(1 as decimal(18, 4)) as return_quantity,
        sale_price as refund_amount
    from webshop
    where returned_date is not null

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
        {{ identity_keys() }},
        returns.territory_id,
        returns.return_quantity,
        cast(returns.refund_amount as decimal(19, 4)) as refund_amount

    from returns
    {{ join_identities('returns') }}

)

select * from final
