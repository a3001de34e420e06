with

source as (

    {{ current_rows(source('marketing', 'audience_members'), config.get('unique_key')) }}

),

final as (

    select
        audience_segment_id,
        consumer_email,
        {{ normalised_email('consumer_email') }} as email,
        added_at,
        {{ local_date('added_at') }} as added_date,
        removed_at,
        {{ local_date('removed_at') }} as removed_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_audience_members') }} is null

)

select * from final
