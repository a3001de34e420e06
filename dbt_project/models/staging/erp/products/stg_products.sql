with

    current_rows as ({{ current_rows(ref("stg_products_versions")) }}),

    subcategories as (select * from {{ ref("stg_product_subcategories") }}),

    categories as (select * from {{ ref("stg_product_categories") }}),

    final as (

        select
            current_rows.product_id,
            current_rows.product_number,
            current_rows.product,
            subcategories.subcategory,
            categories.category,
            current_rows.color,
            current_rows.standard_cost,
            current_rows.list_price,
            current_rows.sell_start_date,
            current_rows.sell_end_date,
            current_rows.modified_at,
            {{ window_start() }} as _changed_at

        from current_rows
        left join subcategories on current_rows.product_subcategory_id = subcategories.product_subcategory_id
        left join categories on subcategories.product_category_id = categories.product_category_id

    )

select *
from final
