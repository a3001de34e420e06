with

source as (

    {{ current_rows(source('erp', 'state_province'), config.get('unique_key')) }}

),

final as (

    select
        state_province_id,
        state_province_code,
        country_region_code,
        name as state_province,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_state_provinces') }} is null

)

select * from final
