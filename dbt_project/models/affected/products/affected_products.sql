{# The affected products, under every key that a version of their records has had. #}
with

    identities as (select * from {{ ref("wh_product_identities") }}),

    changed as (

        {{
            changed_records(
                ref("wh_product_identities"),
                [("erp", "stg_products", "product_id"), ("webshop", "stg_webshop_products", "product_id")],
            )
        }}

    ),

    active_records as (

        select source_system, product_source_id as source_id
        from {{ ref("affected_orders") }}
        where product_source_id is not null

        union

        -- The current price and cost are columns of the product itself, beside the history tables.
        select 'erp' as source_system, cast(product_id as varchar) as source_id
        from {{ ref("stg_products") }}
        where {{ in_window("_changed_at") }}

        union

        select 'webshop' as source_system, cast(product_id as varchar) as source_id
        from {{ ref("stg_webshop_products_versions") }}
        where {{ changed_in_window() }}

        {% for versions in [
                ref("stg_product_cost_history_versions"),
                ref("stg_product_list_price_history_versions"),
            ] -%}
            union

            select 'erp' as source_system, cast(product_id as varchar) as source_id
            from {{ versions }}
            where {{ changed_in_window() }}

        {% endfor %}
    ),

    affected as (

        select identities.product_key, 0 as is_redescribed
        from active_records
        inner join
            identities
            on active_records.source_system = identities.source_system
            and active_records.source_id = identities.source_id

        union all

        -- Any affected order may contain, or have contained, the unknown product.
        select {{ unknown_key() }} as product_key, 0 as is_redescribed
        from {{ ref("affected_orders") }}
        having count(*) > 0

        union all

        select identities.product_key, 1 as is_redescribed
        from identities
        inner join
            changed
            on identities.source_system = changed.source_system
            and identities.source_id = changed.source_id

        union all

        select product_key, 1 as is_redescribed
        from ({{ product_keys_of("changed") }}) as changed_keys

        union all

        -- The supplier may have changed. The inventory does not describe products, so nothing else has.
        select product_key, 0 as is_redescribed
        from ({{ changed_stock_keys() }}) as stocked_keys

    ),

    final as (

        select product_key, max(is_redescribed) = 1 as is_redescribed from affected group by product_key

    )

select *
from final
