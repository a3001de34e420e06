with

source as (

    {{ current_rows(source('erp', 'email_address'), config.get('unique_key')) }}

),

final as (

    select
        business_entity_id,
        email_address_id,
        {{ normalised_email('email_address') }} as email,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_email_addresses') }} is null

)

select * from final
