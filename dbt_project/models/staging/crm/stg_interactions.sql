with

source as (

    {{ current_rows(source('crm', 'interactions'), config.get('unique_key')) }}

),

final as (

    select
        interaction_id,
        consumer_id,
        touchpoint_id,
        interaction_type,
        resolution_status,
        satisfaction_score,
        interaction_at,
        {{ local_date('interaction_at') }} as interaction_date,
        resolved_at,
        {{ local_date('resolved_at') }} as resolved_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_interactions') }} is null

)

select * from final
