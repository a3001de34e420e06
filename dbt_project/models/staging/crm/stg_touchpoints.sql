with

source as (

    {{ current_rows(source('crm', 'touchpoints'), config.get('unique_key')) }}

),

final as (

    select
        touchpoint_id,
        touchpoint_name,
        touchpoint_type,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_touchpoints') }} is null

)

select * from final
