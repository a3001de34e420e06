{{ affected_by("affected_quarantine", key=["model_name", "row_key"]) }}

{# The rules are read from each staging model's YAML, so every row that the model leaves out is here. #}
with

    held_back as (

        {% for model_name in models_with_rules() -%}
            {%- set configuration = configuration_of(model_name) -%}
            {%- set key = configuration.unique_key -%}
            {%- set versions = ref(model_name ~ "_versions") -%}
            select
                '{{ model_name }}' as model_name,
                {{ row_key(key) }} as row_key,
                _row_hash as row_hash,
                {{ quarantine_reason(configuration, model_name) }} as reason,
                cast(
                    {{ (configuration.get("meta") or {}).get("amount") or "null" }} as decimal(38, 6)
                ) as amount,
                _modified_at as modified_at,
                _changed_at
            from
                (
                    {{
                        newest_versions(
                            versions, key, of_changed_row(versions, key) if is_incremental() else "true"
                        )
                    }}
                ) as {{ model_name }}_rows
                {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    refused as (select * from {{ ref("refused_rows") }} where _deleted_at is null and {{ is_affected() }}),

    final as (

        select
            model_name,
            row_key,
            row_hash,
            reason,
            cast(null as varchar) as value,
            amount,
            false as is_refused,
            modified_at,
            _changed_at
        from held_back
        where reason is not null

        union all

        select
            model_name, row_key, row_hash, reason, value, amount, true as is_refused, modified_at, _changed_at
        from refused

    )

select *
from final
