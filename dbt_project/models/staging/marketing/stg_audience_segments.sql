with

source as (

    {{ current_rows(source('marketing', 'audience_segments'), config.get('unique_key')) }}

),

final as (

    select
        audience_segment_id,
        segment_name,
        description,
        criteria,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_audience_segments') }} is null

)

select * from final
