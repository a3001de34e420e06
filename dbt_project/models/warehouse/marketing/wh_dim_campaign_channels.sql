with

versions as (

    {{ versions_by_day(source('marketing', 'campaigns'), 'campaign_id', ['media_channel_id'], 'media_channel_id is not null') }}

),

final as (

    select
        campaign_id,
        valid_from,
        valid_to,
        media_channel_id
    from versions
    where campaign_id in (select campaign_id from {{ ref('stg_campaigns') }})

)

select * from final
