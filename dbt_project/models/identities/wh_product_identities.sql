with

    erp as (

        select
            'erp' as source_system,
            cast(product_id as varchar) as source_id,
            {{ product_key("product_number", "erp", "product_id") }} as product_key,
            upper(trim(product_number)) as product_number,
            product,
            category,
            subcategory,
            cast(null as varchar) as department,
            cast(null as varchar) as brand
        from {{ ref("stg_products") }}

    ),

    webshop as (

        select
            'webshop' as source_system,
            cast(product_id as varchar) as source_id,
            {{ product_key("sku", "webshop", "product_id") }} as product_key,
            nullif(upper(trim(sku)), '') as product_number,
            product,
            category,
            cast(null as varchar) as subcategory,
            department,
            brand
        from {{ ref("stg_webshop_products") }}

    ),

    stocked as (

        select sku
        from {{ ref("stg_inventory") }}
        union
        select sku
        from {{ ref("stg_purchase_orders") }}

    ),

    inventory as (

        select
            'inventory' as source_system,
            sku as source_id,
            {{ product_key("sku", "inventory", "sku") }} as product_key,
            upper(trim(sku)) as product_number,
            cast(null as varchar) as product,
            cast(null as varchar) as category,
            cast(null as varchar) as subcategory,
            cast(null as varchar) as department,
            cast(null as varchar) as brand
        from stocked

    ),

    -- The unknown product.
    unknown as (

        select
            'unknown' as source_system,
            'unknown' as source_id,
            cast({{ unknown_key() }} as varchar) as product_key,
            cast(null as varchar) as product_number,
            'Unknown' as product,
            cast(null as varchar) as category,
            cast(null as varchar) as subcategory,
            cast(null as varchar) as department,
            cast(null as varchar) as brand

    ),

    final as (

        select *, {{ window_start() }} as _changed_at
        from erp
        union all
        select *, {{ window_start() }} as _changed_at
        from webshop
        union all
        select *, {{ window_start() }} as _changed_at
        from inventory
        union all
        select *, {{ window_start() }} as _changed_at
        from unknown

    )

select *
from final
