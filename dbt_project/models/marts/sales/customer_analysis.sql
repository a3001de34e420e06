{{ affected_by('affected_erp_sales') }}

with

movements as (

    {{ sales_movements(['customer_id']) }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

daily as (

    select
        sales_date,
        customer_id,
        {{ sales_measures() }}
    from movements
    where {{ is_affected() }}
    group by sales_date, customer_id

),

final as (

    select
        daily.*,
        customers.customer_type,
        customers.store_name,
        customers.territory,
        customers.territory_group as region,
        customers.country,
        customers.state_province,
        customers.city
    from daily
    left join customers on daily.customer_id = customers.customer_id

)

select * from final
