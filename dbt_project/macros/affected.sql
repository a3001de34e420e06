{#
    One way to affected keys. A model that replaces keys says at its top which model lists them:

        {{ affected_by('affected_orders', day='order_date') }}

    From that follow its incremental strategy (`replace_affected`), its own filter (`is_affected`) and what its checks
    look at (`where: __affected__`). It stands in the SQL file, because dbt knows no YAML configuration while it
    parses, when it has to learn of the dependency.
#}
{#
    by                the model that lists the keys; of a `*_versions` model the keys whose versions the window
                      brought, or found deleted
    key               the columns of both that are compared; the model's `unique_key`, if not said
    day               the model's column of the day that `by` lists as `sales_date`: lets an engine prune by day
                      before it compares keys. It takes no row away, since `by` lists every day of each of its keys.
    where             which of its rows count
    following_days    the days after a key's day that look back on it; the day is the key's first column
    since             the model's column of the day from which on a key is replaced: `affected_from` in `by`
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

{# The same of one system's orders, by the system's own number; the model is affected by (source_system, order_id). #}
{% macro is_affected_order_of(system, order_id) -%}
    {%- if is_incremental() -%}
        {{ order_id }} in (
            select {{ dbt.safe_cast("order_id", key_type(system)) }}
            from {{ affected() }}
            where source_system = '{{ system }}' and order_id not like 'return:%'
        )
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{# The same of one system's returns, which may name no order. #}
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

{# The relation that lists this model's affected keys. #}
{% macro affected() -%} {%- if execute -%} {{ ref(affected_of(config).by) }}{%- endif -%} {%- endmacro %}

{# What `affected_by` said in a model with this configuration; none if it said nothing. #}
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
    dbt's own strategies only ever replace keys that are in the new rows. Here keys also have to disappear: a deleted
    order line, the day that an order was moved away from, a row that went to quarantine.
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
