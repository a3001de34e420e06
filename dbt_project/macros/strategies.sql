{#
    How incremental models change their tables. dbt's own strategies only ever touch keys that are in
    the new rows; here keys also have to disappear (a deleted order line, the day that an order was
    moved away from, a row that went to quarantine).
#}

{#
    The keys that this run replaces, as a query. `touched_by` names the model that lists them; a staging
    model without it takes them from its raw table; a macro touched_keys_of_<model> overrides both.
    `touched_where` narrows its rows, `touched_following_days` adds the same keys on the days after, for
    figures that look back over that many days; the day is the key's first column. `touched_day` is a fact's
    column for `on_touched_days`.
#}
{% macro touched_keys(changes) -%}
    {%- set key = config.get('unique_key') -%}
    {%- set key = [key] if key is string else key -%}
    {%- set days = config.get('touched_following_days', 0) -%}
    {%- if own_touched_keys() in context -%}
    {{ context[own_touched_keys()]() }}
    {%- elif not changes -%}
    {{ changed_rows(source(*model.sources[0]), raw_key_of(model) | join(', ')) }}
    {%- elif not days -%}
    select {{ key | join(', ') }} from {{ changes }}
    where {{ config.get('touched_where', 'true') }}
        {% for column in key %}and {{ column }} is not null {% endfor %}
    {%- else -%}
    select cast({{ dbt.dateadd('day', 'shifts.days', 'touched.' ~ key[0]) }} as date) as {{ key[0] }}, {{ key[1:] | join(', ') }}
    from {{ changes }} as touched
    cross join {{ numbers_of_days(0, days) }} as shifts
    where {{ config.get('touched_where', 'true') }}
        {% for column in key %}and {{ column }} is not null {% endfor %}
    {%- endif -%}
{%- endmacro %}

{# The name of a model's own macro of touched keys. In a unit test `model` is the test. #}
{% macro own_touched_keys() -%}
    {{ return('touched_keys_of_' ~ (model.tested_node_unique_id or model.unique_id).split('.')[-1]) }}
{%- endmacro %}

{#
    `where`-clause part of an incremental model's own query: only what the run replaces, of the keys in `changes`, the
    model that `touched_by` names; a model with a macro of its own names none. `day` is the column for `on_touched_days`.
#}
{% macro only_touched(changes=none, day=none) -%}
    {%- set key = config.get('unique_key') -%}
    {%- set key = [key] if key is string else key -%}
    {%- if is_incremental() -%}
    ({{ key | join(', ') }}) in ({{ touched_keys(changes) }})
    {%- if day %}
        and {{ on_touched_days(day, changes) }}
    {%- endif %}
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#
    An order's lines lie on its days, of which touched_orders and what follows from it list every one that any version
    has had, as sales_date. So this takes no row away; it lets an engine pass over most of a fact before it
    compares keys: days are small numbers, and a window touches few of them.
#}
{% macro on_touched_days(day, changes) -%}
    {{ day }} in (select sales_date from {{ changes }})
{%- endmacro %}

{# `only_touched` for facts over all channels, by a system's own number of an order; `changes` is touched_orders. #}
{% macro only_touched_orders_of(changes, system, order_id) -%}
    {%- if is_incremental() -%}
    {{ order_id }} in (
            select cast(order_id as bigint) from {{ changes }} where source_system = '{{ system }}'
        )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{# Rows of the orders in `changes`, by key and day. #}
{% macro of_touched_orders(changes, day='order_date') -%}
    (source_system, order_id) in (select source_system, order_id from {{ changes }})
    and {{ on_touched_days(day, changes) }}
{%- endmacro %}

{# Replaces the touched keys whole: what is no longer there goes, what is there now comes. #}
{% macro get_incremental_replace_touched_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set key = arg_dict['unique_key'] -%}
    {%- set key = [key] if key is string else key -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set changes = ref(config.get('touched_by')) if config.get('touched_by') else none -%}
    {%- set day = config.get('touched_day') -%}
    {%- set keys_of_raw = raw_key_of(model) if not changes and own_touched_keys() not in context -%}
    {%- if keys_of_raw -%}
        {%- set touched = among(key, touched_keys(changes), keys_of_raw) -%}
    {%- else -%}
        {%- set touched = "(" ~ key | join(', ') ~ ") in (" ~ touched_keys(changes) ~ ")" -%}
    {%- endif -%}
    {{ in_one_transaction(
        "delete from " ~ target ~ " where " ~ touched ~ (" and " ~ on_touched_days(day, changes) if day else ""),
        "insert into " ~ target ~ " (" ~ columns ~ ") select " ~ columns ~ " from " ~ arg_dict['temp_relation']
    ) }}
{% endmacro %}

{#
    For models that are cheap to compute whole but whose readers must know what changed: replaces only the
    rows that differ, so that `_changed_at` (the window that brought the change) stays true for the others.
#}
{% macro get_incremental_replace_changed_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set new_rows = arg_dict['temp_relation'] -%}
    {%- set key = arg_dict['unique_key'] -%}
    {%- set key = ([key] if key is string else key) | join(', ') -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set compared = [] -%}
    {%- for column in arg_dict['dest_columns'] if column.name | lower != '_changed_at' -%}
        {%- do compared.append(adapter.quote(column.name)) -%}
    {%- endfor -%}
    {%- set compared = compared | join(', ') -%}
    {%- set unchanged = "select " ~ compared ~ " from " ~ new_rows ~ " intersect select " ~ compared ~ " from " ~ target -%}
    {{ in_one_transaction(
        "delete from " ~ target ~ " where (" ~ key ~ ") not in (select " ~ key ~ " from (" ~ unchanged ~ ") as unchanged)",
        "insert into " ~ target ~ " (" ~ columns ~ ") select " ~ columns ~ " from " ~ new_rows
            ~ " where (" ~ key ~ ") not in (select " ~ key ~ " from " ~ target ~ ")"
    ) }}
{% endmacro %}

{# DuckDB runs a model inside a transaction already; Snowflake commits each statement unless told otherwise. #}
{% macro in_one_transaction(delete_sql, insert_sql) -%}
    {{ return(adapter.dispatch('in_one_transaction')(delete_sql, insert_sql)) }}
{%- endmacro %}

{% macro default__in_one_transaction(delete_sql, insert_sql) -%}
    {{ delete_sql }};
    {{ insert_sql }};
{%- endmacro %}

{% macro snowflake__in_one_transaction(delete_sql, insert_sql) -%}
    {{ snowflake_dml_explicit_transaction(delete_sql ~ "; " ~ insert_sql ~ ";") }}
{%- endmacro %}
