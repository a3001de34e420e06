with

source as (

    {{ current_rows(source('marketing', 'campaigns'), config.get('unique_key')) }}

),

final as (

    select
        campaign_id,
        campaign_name,
        media_channel_id,
        audience_segment_id,
        offer_id,
        start_date,
        end_date,
        budget,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_campaigns') }} is null

)

select * from final
