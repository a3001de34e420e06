with

source as (

    {{ current_rows(source('marketing', 'media_channels'), config.get('unique_key')) }}

),

final as (

    select
        media_channel_id,
        media_channel_name,
        channel_type,
        description,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_media_channels') }} is null

)

select * from final
