{#
    Days on which the window affects what was sold to whom and where: of affected orders, of the ERP's sales in a
    territory that may be in another country now, and of the web shop's users who may have lived elsewhere.
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
