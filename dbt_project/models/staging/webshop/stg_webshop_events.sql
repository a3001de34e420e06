with

source as (

    {{ current_rows(source('webshop', 'events'), ['id']) }}

),

final as (

    select
        id as event_id,
        user_id,
        session_id,
        sequence_number,
        event_type,
        traffic_source,
        browser,
        uri,
        city,
        state,
        created_at,
        {{ local_date('created_at') }} as created_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_webshop_events') }} is null

)

select * from final
