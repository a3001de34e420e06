with

source as (

    {{ current_rows(source('erp', 'business_entity_address'), config.get('unique_key')) }}

),

final as (

    select
        business_entity_id,
        address_id,
        address_type_id,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_business_entity_addresses') }} is null

)

select * from final
