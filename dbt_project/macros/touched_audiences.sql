{# What a window touches of the audiences. #}

{% macro touched_keys_of_wh_dim_audience_segments() -%}
    select audience_segment_id from {{ source('marketing', 'audience_segments') }} where {{ changed_in_window() }}
{%- endmacro %}

{# Memberships of one consumer may overlap, so all of them in the segment are computed anew. #}
{% macro touched_keys_of_wh_dim_audience_members() -%}
    select
        audience_segment_id,
        {{ consumer_key(normalised_email('consumer_email'), 'marketing', 'consumer_email') }} as consumer_key
    from {{ source('marketing', 'audience_members') }}
    where {{ changed_in_window() }}
{%- endmacro %}
