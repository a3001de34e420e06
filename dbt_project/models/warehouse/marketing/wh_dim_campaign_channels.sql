with

versions as (

    {{ versions_by_day(source('marketing', 'campaigns'), 'campaign_id', ['media_channel_id'], 'media_channel_id is not null') }}

),

changes as (

    select
        *,
        media_channel_id is not distinct from lag(media_channel_id) over (
            partition by campaign_id order by valid_from
        ) as is_repeated
    from versions
    where campaign_id in (select campaign_id from {{ ref('stg_campaigns') }})

),

final as (

    select
        campaign_id,
        valid_from,
        lead(valid_from) over (partition by campaign_id order by valid_from) as valid_to,
        media_channel_id
    from changes
    where not is_repeated

)

select * from final
