{# Rows of all systems that could not be loaded into raw. Rows that were corrected, or are gone, are marked as in raw. #}
with

    final as (

        {% for system, relation in refused_rows_relations() -%}
            {%- set tables = staged_tables(system) -%}
            select
                case
                    table_name
                    {%- for each in tables %} when '{{ each.table }}' then '{{ each.model }}' {%- endfor %}
                    else 'raw_{{ system }}.' || table_name
                end as model_name,
                case
                    when row_key is null
                    then 'no key, row ' || cast(_row_hash as varchar)
                    {%- for each in tables if each.raw_key != each.key %}
                        when table_name = '{{ each.table }}'
                        then {{ renamed_row_key(each.raw_key, each.key) }}
                    {%- endfor %}
                    else row_key
                end as row_key,
                _row_hash as row_hash,
                reason,
                value,
                cast(amount as decimal(38, 6)) as amount,
                _modified_at as modified_at,
                _changed_at,
                _deleted_at
            from {{ relation }}

            union all

        {% endfor -%}
        -- No rows: defines the columns while no system has a table of refused rows.
        select
            cast(null as varchar) as model_name,
            cast(null as varchar) as row_key,
            cast(null as bigint) as row_hash,
            cast(null as varchar) as reason,
            cast(null as varchar) as value,
            cast(null as decimal(38, 6)) as amount,
            cast(null as timestamp) as modified_at,
            cast(null as timestamp) as _changed_at,
            cast(null as timestamp) as _deleted_at
        where false

    )

select *
from final
