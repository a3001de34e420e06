{#
    The affected returns of the ERP: those that changed, and those of affected orders, since a return has its day,
    customer and product from its order.
#}
{% set return_versions = ref("stg_sales_returns_versions") %}

with

    final as (

        {{ changed_rows(return_versions, "sales_return_id") }}
        union
        select sales_return_id
        from {{ return_versions }}
        where
            sales_order_id
            in (select sales_order_id from {{ ref("affected_erp_sales") }} where scope = 'order')

    )

select *
from final
