{#
    The current rows of a raw table: of each row the newest version, without those that were deleted in
    the source. An incremental run reads only the rows that its window touched, unless it wants the
    `whole` table, as models do that compare all their rows (`replace_changed`).
#}
{% macro current_rows(raw, key, whole=false) -%}
    select *
    from {{ raw }}
    where _deleted_at is null
    {%- if is_incremental() and not whole %}
        and {{ of_changed_row(raw, key) }}
    {%- endif %}
    qualify {{ newest_version(key) }}
{%- endmacro %}

{# By the row's own time of change, then by when it was seen. Engines sort nulls differently unless told. #}
{% macro newest_version(key) -%}
    row_number() over (
        partition by {{ key | join(', ') }}
        order by _modified_at desc nulls last, _loaded_at desc, _row_hash
    ) = 1
{%- endmacro %}

{# A staging model's key by its names in raw: the contract's. `unique_key` has the model's names, in that order. #}
{% macro raw_key_of(node) -%}
    {{ return(graph.sources['source.retail_assets.' ~ node.sources[0] | join('.')].config.meta.primary_key) }}
{%- endmacro %}

{#
    A row's key as text, one form for all tables: `sales_order_id=1, sales_order_detail_id=2`. The names are
    raw's; `columns` says what the same columns are called where the row is read.
#}
{% macro row_key(key, columns=none) -%}
    {% for column in key -%}
    '{{ ', ' if not loop.first }}{{ column }}=' || cast({{ (columns or key)[loop.index0] }} as varchar){{ ' || ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#
    Why a row may not enter its staging model, or null. A model's rules are an ordered list in its YAML,
    `meta.quarantine`, of {reason, when}, over the raw table's columns. The model keeps the rows without a
    reason, `quarantine` those with one, so that every row is in exactly one of them.
#}
{% macro quarantine_reason(model_name) -%}
    {%- set rules = quarantine_rules(model_name) -%}
    {%- if rules -%}
    case
        {%- for rule in rules %}
        when {{ rule.when }} then '{{ rule.reason }}'
        {%- endfor %}
    end
    {%- else -%}
    cast(null as varchar)
    {%- endif -%}
{%- endmacro %}

{% macro quarantine_rules(model_name) -%}
    {%- set node = graph.nodes.get('model.retail_assets.' ~ model_name, {}) if execute else {} -%}
    {{ return(node.get('config', {}).get('meta', {}).get('quarantine', [])) }}
{%- endmacro %}

{# The current rows of a staging model's raw table, each with the reason why it may not enter, or null. #}
{% macro judged_rows(model_name) -%}
    {%- if execute -%}
    {%- set node = graph.nodes['model.retail_assets.' ~ model_name] -%}
    {%- set key = raw_key_of(node) -%}
    select
        '{{ model_name }}' as model_name,
        {{ row_key(key) }} as row_key,
        {{ quarantine_reason(model_name) }} as reason,
        _modified_at as modified_at,
        _changed_at
    from (
        {{ current_rows(source(*node.sources[0]), key) }}
    ) as {{ model_name }}_rows
    {%- endif -%}
{%- endmacro %}

{# Quarantine judges several models' rows: it replaces what the window touched in any of them. #}
{% macro touched_keys_of_quarantine() -%}
    {%- for unique_id in model.depends_on.nodes if unique_id.startswith('model.') -%}
    {%- set node = graph.nodes[unique_id] -%}
    select '{{ node.name }}' as model_name, {{ row_key(raw_key_of(node)) }} as row_key
    from ({{ changed_rows(source(*node.sources[0]), raw_key_of(node) | join(', ')) }}) as {{ node.name }}_rows
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}
