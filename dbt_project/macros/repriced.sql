{# Products that the window gave another price or cost, and the days, [valid_from, valid_to), that it stands on. #}
{#
    In the ERP: from a row of history to the next one. The product's own price and cost stand in for the time before
    its first row.

    changed_products    relation with the product_id of those that changed themselves
#}
{% macro repriced_in_erp(changed_products) -%}
    {% for history in ["product_cost_history", "product_list_price_history"] -%}
        select changed.product_id, changed.valid_from, min(later.valid_from) as valid_to
        from {{ ref("stg_" ~ history ~ "_versions") }} as changed
        left join
            {{ ref("stg_" ~ history) }} as later
            on changed.product_id = later.product_id
            and later.valid_from > changed.valid_from
        where {{ changed_in_window("changed") }}
        group by changed.product_id, changed.valid_from

        union

        select
            products.product_id, {{ beginning_of_time() }} as valid_from, min(history.valid_from) as valid_to
        from {{ changed_products }} as products
        left join {{ ref("stg_" ~ history) }} as history on products.product_id = history.product_id
        group by products.product_id {{ 'union' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{# In the web shop: from the drop's day on. #}
{% macro repriced_in_webshop() -%}
    select changed.product_id, min(prices.valid_from) as valid_from, cast(null as date) as valid_to
    from
        (
            select distinct product_id, {{ local_date("_modified_at") }} as changed_on
            from {{ ref("stg_webshop_products_versions") }}
            where {{ changed_in_window() }}
        ) as changed
    inner join
        ({{ webshop_prices() }}) as prices
        on changed.product_id = prices.product_id
        and {{ as_of("prices", "changed.changed_on") }}
    group by changed.product_id
{%- endmacro %}
