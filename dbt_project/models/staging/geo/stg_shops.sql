with

source as (

    {{ current_rows(source('geo', 'shops'), config.get('unique_key')) }}

),

final as (

    select
        shop_id,
        shop_name,
        territory_id,
        city,
        state,
        country,
        latitude,
        longitude,
        opened_on,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_shops') }} is null

)

select * from final
