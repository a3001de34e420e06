with

source as (

    {{ current_rows(source('erp', 'address'), config.get('unique_key')) }}

),

final as (

    select
        address_id,
        city,
        state_province_id,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_addresses') }} is null

)

select * from final
