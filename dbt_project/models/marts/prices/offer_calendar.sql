{% set terms = ["offer_name", "offer_code", "discount_pct", "terms", "country", "special_offer_id"] -%}
{% set measured = [
    "days_after",
    "measured_quantity",
    "expected_quantity",
    "measured_net_amount",
    "measured_discount",
    "measured_margin",
    "uplift",
    "uplift_low",
    "uplift_high",
    "margin_uplift",
    "margin_uplift_low",
    "margin_uplift_high",
] -%}

with

    weeks as ({{ weeks_of_window() }}),

    versions as (select * from {{ ref("stg_offers_versions") }}),

    -- The terms as they stood; `valid_from` and `valid_to` are those of the version here.
    history as (

        {{
            versions_by_day(
                ref("stg_offers_versions"),
                "offer_id",
                terms
                + [
                    "versions.valid_from as first_date",
                    "versions.valid_to as last_date",
                    local_date("_deleted_at") ~ " as gone_from",
                ],
                "valid_from is not null and coalesce(valid_to, valid_from) >= valid_from and"
                ~ " coalesce(discount_pct, 0) between 0 and 1",
            )
        }}

    ),

    announced as (

        select offer_id, min({{ local_date("_modified_at") }}) as announced_date
        from versions
        group by offer_id

    ),

    -- What a system lists for the first time when it is over was known when it began.
    known as (

        select
            weeks.week_start,
            weeks.week_end,
            history.*,
            cast(
                {{ dbt.dateadd("day", var("uplift_baseline_days"), "history.last_date") }} as date
            ) as settled_date
        from weeks
        inner join
            history
            on history.valid_from < weeks.week_end
            and (history.valid_to is null or history.valid_to >= weeks.week_end)
            and (history.gone_from is null or history.gone_from >= weeks.week_end)
        inner join announced on history.offer_id = announced.offer_id
        where announced.announced_date < weeks.week_end or history.first_date < weeks.week_end

    ),

    -- The newest estimate, as it was known at the end of its day.
    estimates as (

        select weeks.week_start, offers.*
        from weeks
        inner join {{ ref("mrt_offers") }} as offers on offers.activity_date < weeks.week_end
        where offers.uplift is not null
        qualify
            row_number() over (
                partition by weeks.week_start, offers.offer_id order by offers.activity_date desc nulls last
            )
            = 1

    ),

    final as (

        select
            known.week_start,
            known.offer_id,
            known.offer_name,
            known.offer_code,
            known.discount_pct,
            known.first_date as valid_from,
            known.last_date as valid_to,
            known.terms,
            known.country,
            case when known.special_offer_id is null then 'webshop' else 'online' end as sales_channel,
            case
                when known.first_date >= known.week_end
                then 'ahead'
                when known.last_date is null or known.last_date >= known.week_end
                then 'running'
                else 'over'
            end as state,
            known.settled_date,
            coalesce(known.settled_date < known.week_end, false) as is_settled,
            estimates.activity_date as measured_until,
            {% for column in measured -%} estimates.{{ column }}{{ ',' if not loop.last }} {% endfor %}
        from known
        left join
            estimates
            on known.week_start = estimates.week_start
            and known.offer_id = estimates.offer_id
            and known.first_date < known.week_end

    )

select *
from final
