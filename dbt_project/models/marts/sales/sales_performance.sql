{{ affected_by('affected_erp_sales', where="scope in ('order', 'territory')") }}

with

movements as (

    {{ sales_movements(['territory_id', 'sales_channel', 'customer_id']) }}

),

territories as (

    select * from {{ ref('stg_sales_territories') }}

),

daily as (

    select
        sales_date,
        territory_id,
        sales_channel,
        count(distinct case when order_key is not null then customer_id end) as customers,
        {{ sales_measures() }}
    from movements
    where {{ is_affected() }}
    group by sales_date, territory_id, sales_channel

),

final as (

    select
        daily.*,
        territories.territory,
        territories.territory_group
    from daily
    left join territories on daily.territory_id = territories.territory_id

)

select * from final
