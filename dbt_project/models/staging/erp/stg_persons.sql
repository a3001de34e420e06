with

source as (

    {{ current_rows(source('erp', 'person'), config.get('unique_key')) }}

),

final as (

    select
        business_entity_id,
        person_type,
        first_name,
        last_name,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_persons') }} is null

)

select * from final
