with

source as (

    {{ current_rows(source('marketing', 'offer_redemptions'), config.get('unique_key')) }}

),

final as (

    select
        redemption_id,
        offer_id,
        order_system,
        order_id,
        {{ normalised_email('consumer_email') }} as email,
        discount_amount,
        redeemed_at,
        {{ local_date('redeemed_at') }} as redeemed_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_offer_redemptions') }} is null

)

select * from final
