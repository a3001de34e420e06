{# Products whose price or cost changed in the window, with its validity interval, [valid_from, valid_to). #}
{#
    In the ERP: from one row of the price or cost history to the next. Before the first one, the product's own price and
    cost hold.

    changed_products    relation with the product_id of products that changed themselves
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

{# In the web shop: from the day of the file that brought it. #}
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
