{#
    What a window touches of marketing, from every version that raw has seen: a click that was of another person,
    a campaign that ran on another media channel, a redemption of another offer touch both.
#}

{% macro touched_keys_of_wh_dim_media_channels() -%}
    select media_channel_id from {{ source('marketing', 'media_channels') }} where {{ changed_in_window() }}
{%- endmacro %}

{# Campaigns with a change of their own, and those that run, or ever ran, on a media channel with one. #}
{% macro changed_campaigns() -%}
    select campaign_id from {{ source('marketing', 'campaigns') }} where {{ changed_in_window() }}
    union
    select campaign_id
    from {{ source('marketing', 'campaigns') }}
    where media_channel_id in (
        select media_channel_id from {{ source('marketing', 'media_channels') }} where {{ changed_in_window() }}
    )
{%- endmacro %}

{#
    Days of the touched orders, of the ERP's sales in a territory that may be in another country now, and of the web
    shop's users who may have lived elsewhere.
#}
{% macro touched_keys_of_wh_fact_product_days() -%}
    select sales_date from {{ ref('touched_orders') }} where sales_date is not null
    union
    select order_date as sales_date
    from {{ ref('stg_sales_orders') }}
    where territory_id in ({{ changed_territories() }})
    union
    select created_date as sales_date
    from {{ ref('stg_webshop_orders') }}
    where user_id in ({{ changed_rows(source('webshop', 'users'), 'id') }})
{%- endmacro %}
