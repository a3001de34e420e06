with

source as (

    {{ current_rows(source('erp', 'country_region'), config.get('unique_key')) }}

),

final as (

    select
        country_region_code,
        name as country,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_country_regions') }} is null

)

select * from final
