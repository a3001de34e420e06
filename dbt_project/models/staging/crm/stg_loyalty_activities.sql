with

source as (

    {{ current_rows(source('crm', 'loyalty_activities'), config.get('unique_key')) }}

),

final as (

    select
        loyalty_activity_id,
        consumer_id,
        activity_type,
        coalesce(points_earned, 0) as points_earned,
        coalesce(points_redeemed, 0) as points_redeemed,
        order_reference,
        activity_at,
        {{ local_date('activity_at') }} as activity_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_loyalty_activities') }} is null

)

select * from final
