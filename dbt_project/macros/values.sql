{# One way to write what sources write in several. #}

{# An e-mail address as people are matched on it: trimmed and lower-cased; null if there is none. #}
{% macro normalised_email(column) -%}
    nullif(lower(trim({{ column }})), '')
{%- endmacro %}

{# A word out of a list, trimmed and lower-cased; 'unknown' if it is none of them or not there. #}
{% macro known_value(column, values) -%}
    case
            when lower(trim({{ column }})) in ('{{ values | join("', '") }}') then lower(trim({{ column }}))
            else 'unknown'
        end
{%- endmacro %}

{# What becomes of a web shop order, and of each of its items. #}
{% macro webshop_statuses() -%}
    {{ return(['processing', 'shipped', 'complete', 'cancelled', 'returned']) }}
{%- endmacro %}
