with

source as (

    {{ current_rows(source('erp', 'sales_territory'), config.get('unique_key')) }}

),

final as (

    select
        territory_id,
        name as territory,
        country_region_code,
        territory_group,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_sales_territories') }} is null

)

select * from final
