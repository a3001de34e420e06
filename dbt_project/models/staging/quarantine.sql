{#
    Reads each staging model's rules from its YAML, so that what the model leaves out is here, with the
    reason. The list is for dbt's graph; the law of conservation's tests hold it to be complete.
#}
{%- set models = [
    'stg_sales_orders',
    'stg_sales_order_details',
    'stg_sales_returns',
    'stg_products',
    'stg_webshop_users',
    'stg_webshop_orders',
    'stg_webshop_order_items',
    'stg_webshop_products',
    'stg_webshop_inventory_items',
    'stg_webshop_distribution_centers',
    'stg_webshop_events',
    'stg_consumers',
    'stg_touchpoints',
    'stg_interactions',
    'stg_loyalty_activities',
    'stg_distribution_centers',
    'stg_inventory',
    'stg_stock_movements',
    'stg_purchase_orders',
    'stg_media_channels',
    'stg_campaigns',
    'stg_campaign_performance',
    'stg_campaign_touches',
    'stg_offers',
    'stg_offer_redemptions',
    'stg_audience_segments',
    'stg_audience_members',
    'stg_shops',
    'stg_places',
] -%}

with

judged as (

    {% for model_name in models -%}
    {%- do ref(model_name) -%}
    {{ judged_rows(model_name) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select * from judged where reason is not null

)

select * from final
