{# Quarantine holds several models' rows: those that the window changed in any of them. #}

with

final as (

    {% for model_name in models_with_rules() -%}
    {%- set key = configuration_of(model_name).unique_key -%}
    select distinct '{{ model_name }}' as model_name, {{ row_key(key) }} as row_key
    from ({{ changed_rows(ref(model_name ~ '_versions'), key | join(', ')) }}) as {{ model_name }}_rows
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
