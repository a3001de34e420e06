{# Kilometres between two points on a sphere of the earth's mean radius (haversine), three digits; decimal degrees. #}
{% macro kilometres(latitude, longitude, other_latitude, other_longitude) -%}
    {%- set half_chord -%}
        power(sin(radians({{ other_latitude }} - {{ latitude }}) / 2), 2)
        + cos(radians({{ latitude }})) * cos(radians({{ other_latitude }}))
        * power(sin(radians({{ other_longitude }} - {{ longitude }}) / 2), 2)
    {%- endset -%}
    cast(
        round(
            2 * 6371.0088 * asin(sqrt(case when {{ half_chord }} > 1 then 1 else {{ half_chord }} end)), 3
        ) as decimal(9, 3)
    )
{%- endmacro %}

{# `on`-clause part of a join with places: a state, or where none is known its country. #}
{% macro in_place(address, places) -%}
    {{ address }}.country = {{ places }}.country
    and coalesce({{ address }}.state_province, '') = coalesce({{ places }}.state, '')
{%- endmacro %}

{#
    For `order by`: which record's address counts for a consumer. CRM before web shop before ERP; a record without a
    country only if none has one.
#}
{% macro address_rank(system, country) -%}
    case {{ system }} when 'crm' then 1 when 'webshop' then 2 else 3 end
    + case when {{ country }} is null then 3 else 0 end
{%- endmacro %}
