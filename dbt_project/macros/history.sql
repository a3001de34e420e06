{# The value that a column had last, at or before the row: engines write it differently. #}
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

{# The day from which a type-2 history knows everything: its first version holds for all time before the second. #}
{% macro beginning_of_time() -%} cast('1900-01-01' as date) {%- endmacro %}

{# `on`-clause part of a join with a type-2 history: the version that held on the day. #}
{% macro as_of(history, day) -%}
    {{ day }} >= {{ history }}.valid_from
    and ({{ history }}.valid_to is null or {{ day }} < {{ history }}.valid_to)
{%- endmacro %}

{#
    What the rows of a staging model's versions said from which day on, as a type-2 history: the last version of a day
    is the day's, the first one also holds for the time before it.

    key        their key, one column
    columns    what is kept
    valid      what a version has to meet to count
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
                    order by _modified_at desc, _loaded_at desc, _row_hash
                )
                = 1
        ) as versions
{%- endmacro %}

{#
    A type-2 history of versions, each of them a key, a `valid_from` and columns: one that says the same as the version
    before it begins no period.
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

{# What the web shop asked and paid for a product from which day on. #}
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
