{#
    Returns of the ERP that the window affects: those that changed, and those of affected orders, of which they take
    day, customer and product.
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
