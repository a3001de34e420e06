{# The other incremental strategies; `replace_affected` is in affected.sql. #}
{#
    `replace_changed`, for models that are cheap to compute in full while the models downstream need to know what
    changed. It replaces only the rows that differ, so `_changed_at` of all others stays the window that changed them.
#}
{% macro get_incremental_replace_changed_sql(arg_dict) %}
    {%- set target = arg_dict["target_relation"] -%}
    {%- set new_rows = arg_dict["temp_relation"] -%}
    {%- set key = arg_dict["unique_key"] -%}
    {%- set key = ([key] if key is string else key) | join(", ") -%}
    {%- set compared = [] -%}
    {%- for column in arg_dict['dest_columns'] if column.name | lower != '_changed_at' -%}
        {%- do compared.append(adapter.quote(column.name)) -%}
    {%- endfor -%}
    {%- set compared = compared | join(", ") -%}
    {%- set unchanged = (
        "select "
        ~ compared
        ~ " from "
        ~ new_rows
        ~ " intersect select "
        ~ compared
        ~ " from "
        ~ target
    ) -%}
    {{
        replaced_rows(
            arg_dict,
            "(" ~ key ~ ") not in (select " ~ key ~ " from (" ~ unchanged ~ ") as unchanged)",
            "(" ~ key ~ ") not in (select " ~ key ~ " from " ~ target ~ ")",
        )
    }}
{% endmacro %}

{# `replace_weeks`: replaces all rows of the window's weeks. #}
{% macro get_incremental_replace_weeks_sql(arg_dict) %}
    {{ replaced_rows(arg_dict, in_weeks_of_window("week_start")) }}
{% endmacro %}

{#
    Deletes the rows of the target that meet `gone`, and inserts the new rows that meet `new`. What that makes of
    figures that were reported is recorded in the same transaction.
#}
{% macro replaced_rows(arg_dict, gone, new="true") -%}
    {%- set target = arg_dict["target_relation"] -%}
    {%- set columns = get_quoted_csv(arg_dict["dest_columns"] | map(attribute="name")) -%}
    {{
        in_one_transaction(
            "delete from " ~ target ~ " where " ~ gone,
            "insert into "
            ~ target
            ~ " ("
            ~ columns
            ~ ") select "
            ~ columns
            ~ " from "
            ~ arg_dict["temp_relation"]
            ~ " where "
            ~ new,
            recorded_restatements(target, gone, arg_dict["temp_relation"], new),
        )
    }}
{%- endmacro %}

{#
    On DuckDB a model already runs in a transaction. Snowflake commits each statement by itself unless asked not to.
    dbt's own macro appends a semicolon: a second one would be an empty statement, which Snowflake refuses.
#}
{% macro in_one_transaction(delete_sql, insert_sql, first_sql=none) -%}
    {{ return(adapter.dispatch("in_one_transaction")(delete_sql, insert_sql, first_sql)) }}
{%- endmacro %}

{% macro default__in_one_transaction(delete_sql, insert_sql, first_sql=none) -%}
    {% if first_sql -%}
        {{ first_sql }}
        ;
    {% endif -%}
    {{ delete_sql }}
    ;
    {{ insert_sql }}
    ;
{%- endmacro %}

{% macro snowflake__in_one_transaction(delete_sql, insert_sql, first_sql=none) -%}
    {%- set first = first_sql ~ "; " if first_sql else "" -%}
    {{ snowflake_dml_explicit_transaction(first ~ delete_sql ~ "; " ~ insert_sql) }}
{%- endmacro %}
