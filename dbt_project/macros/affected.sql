{#
    One way to affected keys. A model that replaces keys says at its top which model lists them:

        {{ affected_by('affected_orders', day='order_date') }}

    That sets the model's incremental strategy (`replace_affected`), its own filter (`is_affected`) and the scope of its
    checks (`where: __affected__`). The call is in the SQL file, not in YAML: dbt has to see the `ref` while it parses,
    and YAML configuration is not available then.
#}
{#
    by                the model that lists the keys. If it is a `*_versions` model: the keys that got a new version, or
                      were found deleted, in the window
    key               the key columns, with the same names in both models. Default: the model's `unique_key`
    day               the model's date column that matches `sales_date` in `by`. It lets the engine prune by day before
                      it compares keys. It filters out no row, since `by` lists every day of each key.
    where             a filter on the rows of `by`
    following_days    how many days after a key's day look back on it; they are affected too. The day has to be the
                      key's first column
    since             the model's date column from which on a key is replaced; `by` has that day as `affected_from`
#}
{% macro affected_by(by, key=none, day=none, where=none, following_days=none, since=none) -%}
    {%- if not execute -%}
        {%- set affected = {} -%}
        {%- set given = {
            "by": by,
            "key": key,
            "day": day,
            "where": where,
            "following_days": following_days,
            "since": since,
        } -%}
        {%- for name, value in given.items() if value is not none -%}
            {%- do affected.update({name: value}) -%}
        {%- endfor -%}
        {%- do ref(by) -%}
        {{ config(incremental_strategy="replace_affected", meta={"affected": affected}) }}
    {%- endif -%}
{%- endmacro %}

{# `where`-clause part of an incremental model's own query: rows of the keys that the run replaces. #}
{% macro is_affected(columns=none) -%}
    {%- if is_incremental() -%} {{ in_affected_keys(affected_of(config), affected(), columns) }}
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{#
    `is_affected` for the orders of one system, by that system's own order number. For models whose affected keys are
    (source_system, order_id).
#}
{% macro is_affected_order_of(system, order_id) -%}
    {%- if is_incremental() -%}
        {{ order_id }} in (
            select {{ as_key("order_id", system) }}
            from {{ affected() }}
            where source_system = '{{ system }}' and order_id not like 'return:%'
        )
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{# `is_affected` for the returns of one system, which may name no order. #}
{% macro is_affected_return_of(system, order_id, return_id) -%}
    {%- if is_incremental() -%}
        (
            {{ is_affected_order_of(system, order_id) }}
            or (
                {{ order_id }} is null
                and {{ return_without_order(return_id) }}
                in (select order_id from {{ affected() }} where source_system = '{{ system }}')
            )
        )
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{# `where`-clause part of an incremental run: days from the first affected `begin` on. It lets the engine prune. #}
{% macro since_first_affected(day, begin) -%}
    {%- if is_incremental() -%} {{ day }} >= (select min({{ begin }}) from {{ affected() }})
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{# The relation that lists this model's affected keys. #}
{% macro affected() -%} {%- if execute -%} {{ ref(affected_of(config).by) }}{%- endif -%} {%- endmacro %}

{# The arguments of a model's `affected_by`, from its configuration; none if it does not call it. #}
{% macro affected_of(configuration) -%}
    {%- set affected = (configuration.get("meta") or {}).get("affected") -%}
    {%- if not affected -%} {{ return(none) }}{%- endif -%}
    {%- set key = affected.get("key") or configuration.get("unique_key") -%}
    {{ return(dict(affected, key=[key] if key is string else key)) }}
{%- endmacro %}

{# `where`-clause part: rows whose `columns` are an affected key. #}
{% macro in_affected_keys(affected, relation, columns=none) -%}
    {%- set columns = columns or affected.key -%}
    {%- if affected.by.endswith("_versions") -%}
        ({{ among(columns, affected_keys(affected, relation), affected.key) }})
    {%- elif affected.day -%}
        (
            ({{ columns | join(", ") }}) in ({{ affected_keys(affected, relation) }})
            and {{ affected.day }} in (select sales_date from {{ relation }})
        )
    {%- else -%} (({{ columns | join(", ") }}) in ({{ affected_keys(affected, relation) }}))
    {%- endif -%}
{%- endmacro %}

{# The affected keys, as a query; a key may come more than once. #}
{% macro affected_keys(affected, relation) -%}
    {%- set key = affected.key -%}
    {%- if affected.by.endswith("_versions") -%} {{ changed_rows(relation, key | join(", ")) }}
    {%- else -%}
        {%- if affected.following_days -%}
            select
                cast({{ dbt.dateadd("day", "shifts.days", "affected." ~ key[0]) }} as date) as {{ key[0] }},
                {{ key[1:] | join(", ") }}
            from {{ relation }} as affected
            cross join {{ numbers_of_days(0, affected.following_days) }} as shifts
        {%- else -%} select {{ key | join(", ") }} from {{ relation }}
        {%- endif %}
        where {{ affected.where or "true" }} {% for column in key %} and {{ column }} is not null {% endfor %}
    {%- endif -%}
{%- endmacro %}

{#
    The strategy `replace_affected`: delete the affected keys, insert the new rows. dbt's own strategies only replace
    keys that are among the new rows. Here keys also have to disappear: a deleted order line, the old day of an order
    that moved, a row that went to quarantine.
#}
{% macro get_incremental_replace_affected_sql(arg_dict) %}
    {%- set target = arg_dict["target_relation"] -%}
    {%- set named = affected_of(config) -%}
    {%- if named.since -%}
        {%- set key = named.key | join(", ") -%}
        {%- set replaced -%}
            ({{ key }}, {{ named.since }}) in (
                select {{ key }}, {{ named.since }}
                from {{ target }} as known
                inner join {{ affected() }} as affected using ({{ key }})
                where known.{{ named.since }} >= affected.affected_from
            )
        {%- endset -%}
    {%- else -%} {%- set replaced = in_affected_keys(named, affected()) -%}
    {%- endif -%}
    {{ replaced_rows(arg_dict, replaced) }}
{% endmacro %}
