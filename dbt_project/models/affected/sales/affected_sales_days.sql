{#
    The affected days of sales: days of affected orders, days with ERP sales in a territory whose country may have
    changed, and days with web shop orders of users who may have lived elsewhere.
#}
with

    final as (

        select sales_date
        from {{ ref("affected_orders") }}
        where sales_date is not null

        union

        select order_date as sales_date
        from {{ ref("stg_sales_orders") }}
        where territory_id in ({{ changed_territories() }})

        union

        select created_date as sales_date
        from {{ ref("stg_webshop_orders") }}
        where user_id in ({{ changed_rows(ref("stg_webshop_users_versions"), "user_id") }})

    )

select *
from final
