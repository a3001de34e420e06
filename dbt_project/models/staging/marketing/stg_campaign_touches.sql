with

source as (

    {{ current_rows(source('marketing', 'campaign_touches'), config.get('unique_key')) }}

),

final as (

    select
        touch_id,
        {{ normalised_email('consumer_email') }} as email,
        campaign_id,
        touch_type,
        touched_at,
        {{ local_date('touched_at') }} as touched_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_campaign_touches') }} is null

)

select * from final
