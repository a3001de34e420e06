{{ affected_by("affected_offers") }}

{#
    The uplift of each offer as of each day: how many times as many pieces of its products sell as without it. It is an
    odds ratio: the odds that a piece sold is of the offer's products, during the offer against the days around it.
    Products on no offer (the controls) cancel what moves all sales; the days before and after cancel a steady drift of
    the offer's own products. Pieces are counted in wh_fact_offer_pieces. docs/marts/mrt_offers.md has the formulas, their
    sources and how well they did.
#}
{% set phases = ["before", "during", "after"] -%}
{% set amounts = ["offer_net_amount", "offer_discount", "offer_margin"] -%}

with

    offer_pieces as (select * from {{ ref("wh_fact_offer_pieces") }} where {{ is_affected() }}),

    days as (select distinct offer_id, sales_date, phase from offer_pieces),

    daily as (

        select
            offer_id,
            known_from,
            sales_date,
            phase,
            day_number,
            cast(offer_pieces as double) as offer_pieces,
            cast(control_pieces as double) as control_pieces,
            cast(offer_pieces + control_pieces as double) as all_pieces,
            offer_net_amount,
            offer_discount,
            offer_margin
        from offer_pieces
        where known_from is not null

    ),

    {% set so_far = (
        "over (partition by offer_id, known_from order by sales_date rows unbounded preceding)"
    ) -%}

    -- For each phase up to each day: pieces, days with pieces, their mean day, and the sums of squares for
    -- the dispersion.
    sums as (

        select
            offer_id,
            known_from,
            sales_date,
            {% set measures = {
                "offer": "offer_pieces",
                "control": "control_pieces",
                "days": "case when all_pieces > 0 then 1 else 0 end",
                "day_sum": "day_number * all_pieces",
                "squares": double_quotient("offer_pieces * offer_pieces", "all_pieces"),
            } -%}
            {% for phase in phases -%}
                {% set outer = loop -%}
                {% for measure, expression in measures.items() -%}
                    coalesce(
                        sum(case when phase = '{{ phase }}' then {{ expression }} end) {{ so_far }}, 0
                    ) as {{ phase }}_{{ measure }},
                {% endfor -%}
            {% endfor -%}
            {% for amount in amounts -%}
                -- Unknown from the first day on of which it is.
                case
                    when
                        count(case when phase = 'during' and {{ amount }} is null then 1 end) {{ so_far }} = 0
                    then sum(case when phase = 'during' then {{ amount }} else 0 end) {{ so_far }}
                end as {{ amount }}{{ ',' if not loop.last }}
            {% endfor %}
        from daily

    ),

    usable as (

        select *, after_offer > 0 and after_control > 0 as has_after
        from sums
        where before_offer > 0 and before_control > 0 and during_offer > 0 and during_control > 0

    ),

    -- Pearson's chi-square of the days of a phase against one share of all of them.
    scattered as (

        select
            *,
            {% for phase in phases -%}
                coalesce(
                    {% set both = "(" ~ phase ~ "_offer + " ~ phase ~ "_control)" -%}
                    {% set of_offer = double_quotient(phase ~ "_offer * " ~ phase ~ "_offer", both) -%}
                    {{
                        double_quotient(
                            "(" ~ phase ~ "_squares - " ~ of_offer ~ ") * " ~ both ~ " * " ~ both,
                            phase ~ "_offer * " ~ phase ~ "_control",
                        )
                    }},
                    0
                ) as {{ phase }}_chi_square,
                case when {{ phase }}_days > 0 then {{ phase }}_days - 1 else 0 end as {{ phase }}_freedom,
                {{ double_quotient(phase ~ "_day_sum", phase ~ "_offer + " ~ phase ~ "_control") }}
                as {{ phase }}_middle{{ ',' if not loop.last }}
            {% endfor %}
        from usable

    ),

    dispersed as (

        select
            *,
            case
                when
                    before_chi_square + during_chi_square + after_chi_square
                    > before_freedom + during_freedom + after_freedom
                    and before_freedom + during_freedom + after_freedom > 0
                then
                    {{
                        double_quotient(
                            "before_chi_square + during_chi_square + after_chi_square",
                            "before_freedom + during_freedom + after_freedom",
                        )
                    }}
                else 1
            end as dispersion,
            during_middle - before_middle as days_since,
            case when has_after then after_middle - during_middle else 0 end as days_until
        from scattered

    ),

    compared as (

        select
            *,
            {% for phase in phases -%}
                ln({{ double_quotient(phase ~ "_offer", phase ~ "_control") }}) as {{ phase }}_log_odds,
                dispersion * (
                    {{ double_quotient(1, phase ~ "_offer") }} + {{ double_quotient(1, phase ~ "_control") }}
                ) as {{ phase }}_variance{{ ',' if not loop.last }}
            {% endfor %}
        from
            (
                select
                    offer_id,
                    known_from,
                    sales_date,
                    has_after,
                    dispersion,
                    days_since,
                    days_until,
                    before_offer,
                    before_control,
                    during_offer,
                    during_control,
                    case when has_after then after_offer end as after_offer,
                    case when has_after then after_control end as after_control,
                    {{ amounts | join(", ") }}
                from dispersed
            ) as counted

    ),

    {% set drift = var("uplift_drift") ~ " * " ~ var("uplift_drift") -%}

    weighted as (

        select
            *,
            case
                when has_after
                then
                    {{
                        double_quotient(
                            "before_variance + " ~ drift ~ " * days_since * (days_since + days_until)",
                            "before_variance + after_variance + "
                            ~ drift
                            ~ " * (days_since + days_until) * (days_since + days_until)",
                        )
                    }}
                else 0
            end as after_weight
        from compared

    ),

    estimated as (

        select
            *,
            during_log_odds
            - (1 - after_weight) * before_log_odds
            - after_weight * coalesce(after_log_odds, 0) as log_uplift,
            sqrt(
                during_variance
                + (1 - after_weight) * (1 - after_weight) * before_variance
                + after_weight * after_weight * coalesce(after_variance, 0)
                + {{ drift }} * power((1 - after_weight) * days_since - after_weight * days_until, 2)
                + power({{ var("uplift_bend") }} * days_since * days_until * 0.5, 2)
            ) as log_error
        from weighted

    ),

    as_of_days as (select * from estimated where sales_date >= known_from),

    final as (

        select
            days.sales_date as activity_date,
            days.offer_id,
            days.phase = 'during' as is_running,
            cast(estimates.during_offer as decimal(38, 4)) as measured_quantity,
            cast(
                {{ double_quotient("estimates.during_offer", "exp(estimates.log_uplift)") }} as decimal(18, 6)
            ) as expected_quantity,
            {% for amount in amounts -%}
                cast(
                    estimates.{{ amount }} as decimal(38, 6)
                ) as {{ amount | replace("offer_", "measured_") }},
            {% endfor -%}
            {{ bounded_exp("estimates.log_uplift") }} as uplift,
            {{ bounded_exp("estimates.log_uplift - 1.96 * estimates.log_error") }} as uplift_low,
            {{ bounded_exp("estimates.log_uplift + 1.96 * estimates.log_error") }} as uplift_high,
            count(case when days.phase = 'after' then 1 end) over (
                partition by days.offer_id order by days.sales_date rows unbounded preceding
            ) as days_after

        from days
        left join
            as_of_days as estimates
            on days.offer_id = estimates.offer_id
            and days.sales_date = estimates.sales_date
        where days.phase <> 'before'

    )

select *
from final
