with

source as (

    {{ current_rows(source('marketing', 'campaign_performance'), config.get('unique_key')) }}

),

final as (

    select
        performance_date,
        campaign_id,
        spend,
        coalesce(impressions, 0) as impressions,
        coalesce(reach, 0) as reach,
        coalesce(clicks, 0) as clicks,
        coalesce(conversions, 0) as conversions,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_campaign_performance') }} is null

)

select * from final
