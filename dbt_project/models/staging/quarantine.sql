{#
    Reads each staging model's rules from its YAML, so that what the model leaves out is here, with the
    reason. The list is for dbt's graph; the law of conservation's tests hold it to be complete.
#}
{%- set models = ['stg_sales_orders', 'stg_sales_order_details', 'stg_sales_returns', 'stg_products'] -%}

with

{% for model_name in models -%}
{%- set judged = ref(model_name) -%}
{%- set node = graph.nodes['model.retail_assets.' ~ model_name] if execute else {'sources': [['erp', 'product']], 'config': {'unique_key': ['x']}} -%}
{{ model_name }}_rows as (

    {{ current_rows(source(*node.sources[0]), node.config.unique_key) }}

),

{% endfor -%}

judged as (

    {% for model_name in models -%}
    {%- set node = graph.nodes['model.retail_assets.' ~ model_name] if execute else {'config': {'unique_key': ['x']}} -%}
    select
        '{{ model_name }}' as model_name,
        {{ row_key(node.config.unique_key) }} as row_key,
        {{ quarantine_reason(model_name) }} as reason,
        _modified_at as modified_at,
        _changed_at
    from {{ model_name }}_rows
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select * from judged where reason is not null

)

select * from final
