{# Values that sources write in several ways, in one spelling. #}
{# The e-mail address that people are matched on: trimmed and lower-cased; null if there is none, or a word for that. #}
{% macro normalised_email(column) -%}
    case
        when lower(trim({{ column }})) not in ('', 'null', 'none', 'nil', 'nan', 'na', 'n/a', '#n/a')
        then lower(trim({{ column }}))
    end
{%- endmacro %}

{# A word of ours, as sources write it: capitals, and spaces or hyphens in place of `_`, make no difference. #}
{% macro our_word(column) -%}
    nullif(replace(replace(lower(trim({{ column }})), ' ', '_'), '-', '_'), '')
{%- endmacro %}

{# The statuses of orders and order items: our words, and how sources write them. The numbers are the ERP's codes. #}
{% macro order_statuses() -%}
    {{
        return(
            {
                "in process": ["1", "in process"],
                "processing": ["processing"],
                "approved": ["2", "approved"],
                "backordered": ["3", "backordered"],
                "shipped": ["5", "shipped", "dispatched"],
                "complete": ["complete", "completed", "delivered", "fulfilled"],
                "returned": ["returned"],
                "refunded": ["refunded"],
                "rejected": ["4", "rejected", "declined"],
                "credit note": ["credit note", "credit", "credited"],
                "adjustment": ["adjustment", "adjusted"],
                "cancelled": ["6", "cancelled", "canceled", "voided"],
            }
        )
    }}
{%- endmacro %}

{#
    Whether an order counts as a sale, by its status. A credit note is a sale with a negative amount; an accounting
    adjustment is none. An order of an unmapped status is none until the status is mapped; a check reports it with its
    amount. An order without a status is a sale.
#}
{% macro is_sale(status) -%}
    {{ status }} not in ('cancelled', 'rejected', 'refunded', 'adjustment', 'unknown')
{%- endmacro %}

{#
    A source's status in our words: 'unknown' if it is not mapped, 'not stated' if there is none. A refunded order
    with a known day of return (`returned`) is a returned one.
#}
{% macro order_status(status, returned="null") -%}
    case
        when nullif(trim({{ status }}), '') is null
        then 'not stated'
        {%- for ours, theirs in order_statuses().items() %}
            when lower(trim({{ status }})) in ('{{ theirs | join("', '") }}')
            then
                {%- if ours == "refunded" %}
                    case when {{ returned }} is null then 'refunded' else 'returned' end
                {%- else %} '{{ ours }}'
                {%- endif -%}
        {%- endfor %}
        else 'unknown'
    end
{%- endmacro %}

{# Later than every time: stands in for a missing end when times are compared. #}
{% macro never() -%} cast('9999-12-31' as timestamp) {%- endmacro %}

{# Hours from one time to a later one: two digits, rounded half up. #}
{% macro hours_between(first, last) -%}
    cast({{ whole_quotient(dbt.datediff(first, last, "second") ~ " + 18", "36") }} * 0.01 as decimal(18, 2))
{%- endmacro %}

{# Splits the CRM's order reference, `erp:123`, into the columns source_system and order_id; nulls if it is not one. #}
{% macro split_reference(column) -%}
    case
        when {{ column }} like '_%:_%' then lower(trim(split_part({{ column }}, ':', 1)))
    end as source_system,
    case when {{ column }} like '_%:_%' then trim(split_part({{ column }}, ':', 2)) end as order_id
{%- endmacro %}

{# An amount with exponential decay: half of it after `value_half_life_days`, a quarter after twice as many. #}
{% macro decayed(amount, day, today) -%}
    cast(
        round(
            cast({{ amount }} as double) * power(
                0.5, {{ dbt.datediff(day, today, "day") }} / cast({{ var("value_half_life_days") }} as double)
            ),
            6
        ) as decimal(38, 6)
    )
{%- endmacro %}

{# Years completed from one day until another. #}
{% macro full_years(born, today) -%}
    extract(year from {{ today }})
    - extract(year from {{ born }})
    - case
        when
            extract(month from {{ today }}) * 100 + extract(day from {{ today }})
            < extract(month from {{ born }}) * 100 + extract(day from {{ born }})
        then 1
        else 0
    end
{%- endmacro %}

{# The number, but not below `lowest`. #}
{% macro at_least(number, lowest) -%}
    case when {{ number }} < {{ lowest }} then {{ lowest }} else {{ number }} end
{%- endmacro %}

{# The number, but not above `highest`. #}
{% macro at_most(number, highest) -%}
    case when {{ number }} > {{ highest }} then {{ highest }} else {{ number }} end
{%- endmacro %}

{#
    A quotient of numbers, rounded half away from zero; null where the divisor is 0 or null. DuckDB divides decimals as
    doubles and Snowflake rounds a quotient to a scale of its own first, so it is computed in whole hundred-millionths.
#}
{% macro ratio(dividend, divisor, digits=6, precision=18) -%}
    {%- set units = hundred_millionths(dividend) -%}
    {%- set parts = hundred_millionths(divisor) -%}
    cast(
        sign({{ units }})
        * sign({{ parts }})
        * {{
            whole_quotient(
                "2 * abs(" ~ units ~ ") * " ~ 10**digits ~ " + abs(" ~ parts ~ ")",
                "2 * nullif(abs(" ~ parts ~ "), 0)",
            )
        }}
        * {{ "%.*f" % (digits, 0.1**digits) }} as decimal({{ precision }}, {{ digits }})
    )
{%- endmacro %}

{# A quotient of numbers above 0, rounded up to a whole one. #}
{% macro quotient_rounded_up(dividend, divisor) -%}
    {%- set units = hundred_millionths(dividend) -%}
    {%- set parts = hundred_millionths(divisor) -%}
    {{ whole_quotient(units ~ " + " ~ parts ~ " - 1", parts) }}
{%- endmacro %}

{% macro hundred_millionths(number) -%}
    {{ whole("cast(" ~ number ~ " as decimal(38, 8)) * 100000000") }}
{%- endmacro %}

{# A quotient of numbers as doubles; null where the divisor is 0 or null. #}
{% macro double_quotient(dividend, divisor) -%}
    (cast({{ dividend }} as double) / nullif(cast({{ divisor }} as double), 0))
{%- endmacro %}
