with

source as (

    {{ current_rows(source('geo', 'places'), config.get('unique_key')) }}

),

final as (

    select
        country,
        state,
        latitude,
        longitude,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_places') }} is null

)

select * from final
