{#
    The affected days of mrt_product_analysis: days whose sales changed, and, for a product whose description or price
    changed, all days on which it was sold or returned in any channel.
#}
with

    movements as (

        select product_key, order_date as sales_date
        from {{ ref("wh_fact_sales") }}
        union all
        select product_key, return_date as sales_date
        from {{ ref("wh_fact_sales_returns") }}

    ),

    changed_products as (

        select product_id from {{ ref("stg_products") }} where {{ in_window("_changed_at") }}

    ),

    repriced as (

        select 'erp' as source_system, cast(product_id as varchar) as source_id, valid_from, valid_to
        from ({{ repriced_in_erp("changed_products") }}) as erp

        union all

        select 'webshop' as source_system, cast(product_id as varchar) as source_id, valid_from, valid_to
        from ({{ repriced_in_webshop() }}) as webshop

    ),

    redescribed as (select product_key from {{ ref("affected_products") }} where is_redescribed),

    -- All days if the description changed; else the validity intervals of the new prices.
    periods as (

        select product_key, {{ beginning_of_time() }} as valid_from, cast(null as date) as valid_to
        from redescribed

        union

        select identities.product_key, repriced.valid_from, repriced.valid_to
        from repriced
        inner join
            {{ ref("wh_product_identities") }} as identities
            on repriced.source_system = identities.source_system
            and repriced.source_id = identities.source_id
        where identities.product_key not in (select product_key from redescribed)

    ),

    final as (

        select sales_date
        from {{ ref("affected_orders") }}
        where sales_date is not null

        union

        select movements.sales_date
        from movements
        inner join
            periods
            on movements.product_key = periods.product_key
            and {{ as_of("periods", "movements.sales_date") }}

    )

select *
from final
