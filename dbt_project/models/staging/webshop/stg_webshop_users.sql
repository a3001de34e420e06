with

source as (

    {{ current_rows(source('webshop', 'users'), ['id']) }}

),

final as (

    select
        id as user_id,
        {{ normalised_email('email') }} as email,
        age,
        gender,
        city,
        state,
        country,
        latitude,
        longitude,
        traffic_source,
        created_at,
        {{ local_date('created_at') }} as created_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_webshop_users') }} is null

)

select * from final
