{#
    A staging model's current rows: the newest of the `versions` of each key, without rows that the source deleted and
    without those that a quarantine rule of the model holds back. An incremental run reads only the keys that changed in
    its window. A model without `affected_by` reads all rows and replaces those that differ (`replace_changed`).
#}
{% macro current_rows(versions) -%}
    select
        * exclude (_modified_at, _changed_at, _loaded_at, _row_hash, _deleted_at),
        _modified_at as modified_at,
        _changed_at
    from
        (
            {{
                newest_versions(
                    versions,
                    config.get("unique_key"),
                    is_affected() if execute and affected_of(config) else "true",
                )
            }}
        ) as newest
    where {{ quarantine_reason(config, model.name) }} is null
{%- endmacro %}

{# The newest version of each key, among those that meet `where` and are not deleted in the source. #}
{% macro newest_versions(versions, key, where) -%}
    select * from {{ versions }} where _deleted_at is null and {{ where }} qualify {{ newest_version(key) }}
{%- endmacro %}

{# Ordered by the row's own time of change, then by when raw saw it. `nulls last`, since engines differ by default. #}
{% macro newest_version(key) -%}
    row_number() over (
        partition by {{ key | join(", ") }}
        order by _modified_at desc nulls last, _loaded_at desc nulls last, _row_hash
    )
    = 1
{%- endmacro %}

{#
    A row's key as text, one form for all tables: `sales_order_id=1, sales_order_detail_id=2`. Parts of it that are
    personal data are hashed, as in ingestion (versions.py).
#}
{% macro row_key(key) -%}
    {%- set parts = [] -%}
    {%- for column in key -%}
        {%- set name = ("" if loop.first else ", ") ~ column -%}
        {%- set value = key_text(column) -%}
        {%- if column in personal_keys() %} {% set value = "substr(md5(" ~ value ~ "), 1, 12)" %} {% endif -%}
        {%- do parts.append("'" ~ name ~ "=' || " ~ value) -%}
    {%- endfor -%}
    {{ parts | join(" || ") }}
{%- endmacro %}

{# A key's value as text. DuckDB writes a time without its last zeros, Snowflake by the session's format with all. #}
{% macro key_text(column) -%}
    {%- set written = "cast(" ~ column ~ " as varchar)" -%}
    {%- if column in time_keys() -%}
        case when {{ written }} like '%.%' then rtrim(rtrim({{ written }}, '0'), '.') else {{ written }} end
    {%- else -%} {{ written }}
    {%- endif -%}
{%- endmacro %}

{# The key columns that are times, and those that are personal data. A test checks that the lists are complete. #}
{% macro time_keys() -%} {{ return(["start_date"]) }} {%- endmacro %}

{% macro personal_keys() -%} {{ return(["consumer_email"]) }} {%- endmacro %}

{#
    Why a row is quarantined; null if it is not. A model's rules are an ordered list of {reason, when, release} in its YAML,
    `meta.quarantine`; the first that holds is the reason. The staging model keeps the rows without a reason, the model
    `quarantine` those with one, so every row is in exactly one of them. A rule with `release: true` does not hold for
    rows that somebody released.
#}
{% macro quarantine_reason(configuration, model_name) -%}
    {%- set rules = (configuration.get("meta") or {}).get("quarantine") -%}
    {%- if rules -%}
        {%- set released = (
            released_rows(model_name) if rules | selectattr("release", "defined") | list else {}
        ) -%}
        case
            {%- for rule in rules %}
                {%- set hashes = released.get(rule.reason) if rule.release else none -%}
                {%- if hashes %} when ({{ rule.when }}) and _row_hash not in ({{ hashes | join(", ") }})
                {%- else %} when {{ rule.when }}
                {%- endif %}
                then '{{ rule.reason }}'
            {%- endfor %}
        end
    {%- else -%} cast(null as varchar)
    {%- endif -%}
{%- endmacro %}

{#
    The rows of a model that somebody released (retail_assets/quarantine/releases.py): {reason: hashes of their content}.
    They are written into the SQL: a subquery within a `case` is not for every engine, and they are few.
#}
{% macro released_rows(model_name) -%}
    {%- set found = {} -%}
    {%- set relation = adapter.get_relation(target.database, "quality", "released_rows") if execute -%}
    {%- if relation -%}
        {%- set query -%}
            select reason, cast(row_hash as varchar) as row_hash
            from {{ relation }}
            where model_name = '{{ model_name }}'
            order by reason, row_hash
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do found.setdefault(row[0], []).append(row[1]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{#
    The staging models with quarantine rules: what the model `quarantine` reads. dbt has to know them while it parses. A
    test checks that the list is complete.
#}
{% macro models_with_rules() -%}
    {{
        return(
            [
                "stg_sales_orders",
                "stg_sales_order_details",
                "stg_sales_returns",
                "stg_webshop_users",
                "stg_webshop_orders",
                "stg_webshop_order_items",
                "stg_webshop_payments",
                "stg_webshop_refunds",
                "stg_webshop_products",
                "stg_webshop_inventory_items",
                "stg_webshop_distribution_centers",
                "stg_webshop_events",
                "stg_consumers",
                "stg_interactions",
                "stg_loyalty_activities",
                "stg_distribution_centers",
                "stg_inventory",
                "stg_stock_movements",
                "stg_purchase_orders",
                "stg_campaigns",
                "stg_campaign_performance",
                "stg_campaign_touches",
                "stg_offers",
                "stg_offer_redemptions",
                "stg_audience_members",
                "stg_shops",
                "stg_places",
            ]
        )
    }}
{%- endmacro %}

{# The configuration of another model. #}
{% macro configuration_of(model_name) -%}
    {{ return(graph.nodes["model.retail_assets." ~ model_name].config if execute else {"unique_key": []}) }}
{%- endmacro %}
