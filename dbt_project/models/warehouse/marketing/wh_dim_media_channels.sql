with

final as (

    select
        media_channel_id,
        media_channel_name,
        channel_type,
        description

    from {{ ref('stg_media_channels') }}

    where {{ only_touched() }}

)

select * from final
