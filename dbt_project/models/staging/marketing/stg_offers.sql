with

source as (

    {{ current_rows(source('marketing', 'offers'), config.get('unique_key')) }}

),

final as (

    select
        offer_id,
        offer_name,
        offer_code,
        discount_pct,
        valid_from,
        valid_to,
        terms,
        max_usage,
        country,
        special_offer_id,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_offers') }} is null

)

select * from final
