{{ affected_by("affected_offers") }}

with

    offers as (select * from {{ ref("stg_offers") }} where {{ is_affected() }}),

    redemptions as (

        select offer_id, count(*) as redemptions, sum(discount_amount) as discount_given
        from {{ ref("stg_offer_redemptions") }}
        where {{ is_affected() }}
        group by offer_id

    ),

    final as (

        select
            offers.offer_id,
            offers.offer_name,
            offers.offer_code,
            offers.discount_pct,
            offers.valid_from,
            offers.valid_to,
            offers.terms,
            offers.max_usage,
            offers.country,
            offers.special_offer_id,
            coalesce(redemptions.redemptions, 0) as redemptions,
            cast(coalesce(redemptions.discount_given, 0) as decimal(38, 4)) as discount_given

        from offers
        left join redemptions on offers.offer_id = redemptions.offer_id

    )

select *
from final
