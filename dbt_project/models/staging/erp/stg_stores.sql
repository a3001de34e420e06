with

source as (

    {{ current_rows(source('erp', 'store'), config.get('unique_key')) }}

),

final as (

    select
        business_entity_id,
        name as store_name,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_stores') }} is null

)

select * from final
