{{ affected_by('affected_quarantine') }}

{# Reads each staging model's rules from its YAML, so that what the model leaves out is here, with the reason. #}

with

judged as (

    {% for model_name in models_with_rules() -%}
    {%- set configuration = configuration_of(model_name) -%}
    {%- set key = configuration.unique_key -%}
    {%- set versions = ref(model_name ~ '_versions') -%}
    select
        '{{ model_name }}' as model_name,
        {{ row_key(key) }} as row_key,
        {{ quarantine_reason(configuration) }} as reason,
        _modified_at as modified_at,
        _changed_at
    from (
        {{ newest_versions(versions, key, of_changed_row(versions, key) if is_incremental() else 'true') }}
    ) as {{ model_name }}_rows
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select * from judged where reason is not null

)

select * from final
