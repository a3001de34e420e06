{{ affected_by("affected_offers") }}

with

    offers as (select * from {{ ref("wh_dim_offers") }} where {{ is_affected() }}),

    uplifts as (select * from {{ ref("wh_fact_offer_uplift") }} where {{ is_affected() }}),

    redeemed as (

        select
            redeemed_date as activity_date,
            offer_id,
            count(*) as redemptions,
            sum(discount_amount) as discount_given
        from {{ ref("stg_offer_redemptions") }}
        where {{ is_affected() }}
        group by redeemed_date, offer_id

    ),

    sold as (

        select
            order_date as activity_date,
            offer_id,
            count(distinct source_system || ':' || order_id) as orders,
            sum(quantity) as quantity,
            sum(net_amount) as revenue
        from {{ ref("wh_fact_sales") }}
        where is_sale and offer_id is not null and {{ is_affected() }}
        group by order_date, offer_id

    ),

    days as (

        select activity_date, offer_id
        from uplifts
        union
        select activity_date, offer_id
        from redeemed
        union
        select activity_date, offer_id
        from sold

    ),

    {% set measures = {
        "redemptions": ("redeemed", "bigint"),
        "discount_given": ("redeemed", "decimal(38, 4)"),
        "orders": ("sold", "bigint"),
        "quantity": ("sold", "bigint"),
        "revenue": ("sold", "decimal(38, 6)"),
    } -%}

    daily as (

        select
            days.activity_date,
            days.offer_id,
            {% for measure, (relation, type) in measures.items() -%}
                cast(coalesce({{ relation }}.{{ measure }}, 0) as {{ type }}) as {{ measure }},
                cast(
                    sum(coalesce({{ relation }}.{{ measure }}, 0)) over (
                        partition by days.offer_id order by days.activity_date rows unbounded preceding
                    ) as {{ type }}
                ) as {{ measure }}_so_far{{ ',' if not loop.last }}
            {% endfor %}
        from days
        left join
            redeemed on days.offer_id = redeemed.offer_id and days.activity_date = redeemed.activity_date
        left join sold on days.offer_id = sold.offer_id and days.activity_date = sold.activity_date

    ),

    final as (

        select
            daily.activity_date,
            daily.offer_id,
            offers.offer_name,
            offers.discount_pct,
            offers.valid_from,
            offers.valid_to,
            daily.activity_date >= offers.valid_from
            and (offers.valid_to is null or daily.activity_date <= offers.valid_to) as is_running,
            {% for measure in measures -%} daily.{{ measure }}, daily.{{ measure }}_so_far, {% endfor -%}
            offers.max_usage,
            {{ ratio("daily.redemptions_so_far", "offers.max_usage") }} as usage_share,
            uplifts.measured_quantity,
            uplifts.expected_quantity,
            uplifts.measured_net_amount,
            uplifts.measured_discount,
            uplifts.measured_margin,
            uplifts.uplift,
            uplifts.uplift_low,
            uplifts.uplift_high,
            {{ margin_uplift("uplifts", "uplift") }} as margin_uplift,
            -- What loses money with every piece loses more with more of them.
            case
                when {{ full_price_margin("uplifts") }} >= 0
                then {{ margin_uplift("uplifts", "uplift_low") }}
                else {{ margin_uplift("uplifts", "uplift_high") }}
            end as margin_uplift_low,
            case
                when {{ full_price_margin("uplifts") }} >= 0
                then {{ margin_uplift("uplifts", "uplift_high") }}
                else {{ margin_uplift("uplifts", "uplift_low") }}
            end as margin_uplift_high,
            coalesce(uplifts.days_after, 0) as days_after

        from daily
        -- Redemptions of an offer that is not there (yet) are left out.
        inner join offers on daily.offer_id = offers.offer_id
        left join uplifts on daily.offer_id = uplifts.offer_id and daily.activity_date = uplifts.activity_date

    )

select *
from final
