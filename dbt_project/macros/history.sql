{# A column's last value that is not null, up to and including the row. Engines write it differently. #}
{% macro last_known(column, partition, order) -%}
    {{ adapter.dispatch("last_known")(column, partition, order) }}
{%- endmacro %}

{% macro default__last_known(column, partition, order) -%}
    last_value({{ column }} ignore nulls) over (
        partition by {{ partition }} order by {{ order }} rows between unbounded preceding and current row
    )
{%- endmacro %}

{% macro snowflake__last_known(column, partition, order) -%}
    last_value({{ column }}) ignore nulls over (
        partition by {{ partition }} order by {{ order }} rows between unbounded preceding and current row
    )
{%- endmacro %}

{# `valid_from` of the first version in a type-2 history: it also holds for all time before it was seen. #}
{% macro beginning_of_time() -%} cast('1900-01-01' as date) {%- endmacro %}

{# `on`-clause part of a join with a type-2 history: the version whose validity interval contains the day. #}
{% macro as_of(history, day) -%}
    {{ day }} >= {{ history }}.valid_from
    and ({{ history }}.valid_to is null or {{ day }} < {{ history }}.valid_to)
{%- endmacro %}

{#
    A `*_versions` model as a type-2 history by day: one validity interval per version. The last version of a day holds
    for that day, the first one also for the time before it.

    key        the key, one column
    columns    the columns to keep
    valid      a condition; versions that do not meet it are left out
#}
{% macro versions_by_day(versions, key, columns, valid="true") -%}
    select
        {{ key }},
        case
            when row_number() over (partition by {{ key }} order by _modified_at) = 1
            then {{ beginning_of_time() }}
            else {{ local_date("_modified_at") }}
        end as valid_from,
        lead({{ local_date("_modified_at") }}) over (
            partition by {{ key }} order by _modified_at
        ) as valid_to,
        {{ columns | join(", ") }}
    from
        (
            select *
            from {{ versions }}
            where {{ valid }}
            qualify
                row_number() over (
                    partition by {{ key }}, {{ local_date("_modified_at") }}
                    order by _modified_at desc nulls last, _loaded_at desc nulls last, _row_hash
                )
                = 1
        ) as versions
{%- endmacro %}

{#
    A type-2 history from versions with a key, a `valid_from` and columns. A version equal to the one before it begins
    no validity interval of its own.
#}
{% macro periods(versions, key, columns) -%}
    {%- set over = "over (partition by " ~ key ~ " order by valid_from)" -%}
    select {{ key }}, valid_from, lead(valid_from) {{ over }} as valid_to, {{ columns | join(", ") }}
    from
        (
            select *
            from {{ versions }}
            qualify
                row_number() {{ over }} = 1
                {% for column in columns -%}
                    or {{ column }} is distinct from lag({{ column }}) {{ over }}
                {% endfor %}
        ) as beginnings
{%- endmacro %}

{# The web shop's retail price and cost of each product, with validity intervals. #}
{% macro webshop_prices() -%}
    {{
        versions_by_day(
            ref("stg_webshop_products_versions"),
            "product_id",
            ["retail_price", "cost"],
            "coalesce(retail_price, 0) >= 0 and coalesce(cost, 0) >= 0",
        )
    }}
{%- endmacro %}
