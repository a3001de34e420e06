{{ affected_by('affected_offers') }}

{#
    How many times as many pieces of an offer's products sell as would without it, as of each day: the ratio of the
    odds that a piece sold is of the offer's products, during the offer and on days around it. Products that are on
    no offer (the controls) cancel what moves all sales; days before and after cancel what moves the offer's products
    alone, if it does so steadily. docs/marts/mrt_offers.md tells the formulas, their sources and how they did.
#}

{% set phases = ['before', 'during', 'after'] -%}

with

offers as (

    select
        offer_id,
        country,
        case when special_offer_id is null then 'webshop' else 'online' end as sales_channel,
        valid_from,
        valid_to,
        cast({{ dbt.dateadd('day', -var('uplift_baseline_days'), 'valid_from') }} as date) as observed_from,
        cast({{ dbt.dateadd('day', var('uplift_baseline_days'), 'valid_to') }} as date) as observed_to
    from {{ ref('stg_offers') }}
    where {{ is_affected() }}

),

product_days as (

    select * from {{ ref('wh_fact_product_days') }}

),

-- Days on which anything was sold, so that a day's row is there whichever day was run first.
days as (

    select distinct
        offers.offer_id,
        product_days.sales_date,
        case
            when product_days.sales_date < offers.valid_from then 'before'
            when offers.valid_to is null or product_days.sales_date <= offers.valid_to then 'during'
            else 'after'
        end as phase,
        {{ dbt.datediff('offers.valid_from', 'product_days.sales_date', 'day') }} as day_number
    from offers
    inner join product_days
        on product_days.sales_date >= offers.observed_from
        and (offers.observed_to is null or product_days.sales_date <= offers.observed_to)

),

sales as (

    select
        offers.offer_id,
        product_days.sales_date,
        product_days.product_group,
        product_days.product_key,
        sum(product_days.quantity) as quantity,
        max(case when product_days.offer_id = offers.offer_id and product_days.is_under_offer then 1 else 0 end) as is_on_offer,
        max(case when product_days.offer_id = offers.offer_id and not product_days.is_under_offer then 1 else 0 end) as is_beside,
        max(case when product_days.offer_id <> offers.offer_id and product_days.is_under_offer then 1 else 0 end) as is_on_another
    from offers
    inner join product_days
        on offers.sales_channel = product_days.sales_channel
        and product_days.sales_date >= offers.observed_from
        and (offers.observed_to is null or product_days.sales_date <= offers.observed_to)
        and (offers.country is null or offers.country = product_days.country)
    where product_days.product_key is not null
    group by offers.offer_id, product_days.sales_date, product_days.product_group, product_days.product_key

),

-- A group of products is the offer's from the first day on which one of them was sold under it: a product that
-- nobody bought is the offer's too. A product that was sold beside it, in an order that made use of it, is not.
groups as (

    select
        offer_id,
        product_group,
        min(case when is_on_offer = 1 then sales_date end) as covered_from,
        min(case when is_on_another = 1 then sales_date end) as spoilt_from
    from sales
    group by offer_id, product_group

),

products as (

    select
        offer_id,
        product_key,
        min(case when is_beside = 1 then sales_date end) as excluded_from
    from sales
    group by offer_id, product_key

),

described as (

    select
        sales.*,
        groups.covered_from,
        groups.spoilt_from,
        products.excluded_from
    from sales
    inner join groups
        on sales.offer_id = groups.offer_id
        and sales.product_group = groups.product_group
    inner join products
        on sales.offer_id = products.offer_id
        and sales.product_key = products.product_key

),

-- The days from which on it was known which products are the offer's and which are controls.
known as (

    select offer_id, covered_from as known_from from groups where covered_from is not null
    union
    select offer_id, spoilt_from as known_from from groups where spoilt_from is not null
    union
    select offer_id, excluded_from as known_from
    from described
    where covered_from is not null and excluded_from is not null

),

scopes as (

    select
        offer_id,
        known_from,
        lead(known_from) over (partition by offer_id order by known_from) as known_to
    from known

),

pieces as (

    select
        scopes.offer_id,
        scopes.known_from,
        described.sales_date,
        sum(
            case
                when described.covered_from <= scopes.known_from
                    and (described.excluded_from is null or described.excluded_from > scopes.known_from)
                    then described.quantity
                else 0
            end
        ) as offer_pieces,
        sum(
            case
                when (described.covered_from is null or described.covered_from > scopes.known_from)
                    and (described.spoilt_from is null or described.spoilt_from > scopes.known_from)
                    then described.quantity
                else 0
            end
        ) as control_pieces
    from scopes
    inner join described
        on scopes.offer_id = described.offer_id
        and (scopes.known_to is null or described.sales_date < scopes.known_to)
    group by scopes.offer_id, scopes.known_from, described.sales_date

),

daily as (

    select
        scopes.offer_id,
        scopes.known_from,
        days.sales_date,
        days.phase,
        days.day_number,
        cast(coalesce(pieces.offer_pieces, 0) as double) as offer_pieces,
        cast(coalesce(pieces.control_pieces, 0) as double) as control_pieces,
        cast(coalesce(pieces.offer_pieces + pieces.control_pieces, 0) as double) as all_pieces
    from scopes
    inner join days
        on scopes.offer_id = days.offer_id
        and (scopes.known_to is null or days.sales_date < scopes.known_to)
    left join pieces
        on scopes.offer_id = pieces.offer_id
        and scopes.known_from = pieces.known_from
        and days.sales_date = pieces.sales_date

),

-- For each phase up to each day: pieces, days with pieces, their middle, and the squares that the scatter of days needs.
sums as (

    select
        offer_id,
        known_from,
        sales_date,
        {% set measures = {
            'offer': 'offer_pieces',
            'control': 'control_pieces',
            'days': 'case when all_pieces > 0 then 1 else 0 end',
            'moment': 'day_number * all_pieces',
            'squares': 'offer_pieces * offer_pieces / nullif(all_pieces, 0)',
        } -%}
        {% for phase in phases -%}
        {% set outer = loop -%}
        {% for measure, expression in measures.items() -%}
        coalesce(sum(case when phase = '{{ phase }}' then {{ expression }} end) over (
            partition by offer_id, known_from order by sales_date rows unbounded preceding
        ), 0) as {{ phase }}_{{ measure }}{{ ',' if not (loop.last and outer.last) }}
        {% endfor -%}
        {% endfor %}
    from daily

),

usable as (

    select
        *,
        after_offer > 0 and after_control > 0 as has_after
    from sums
    where before_offer > 0
        and before_control > 0
        and during_offer > 0
        and during_control > 0

),

-- Pearson's chi-square of the days of a phase against one share of all of them.
scattered as (

    select
        *,
        {% for phase in phases -%}
        coalesce(
            ({{ phase }}_squares - {{ phase }}_offer * {{ phase }}_offer / nullif({{ phase }}_offer + {{ phase }}_control, 0))
            * ({{ phase }}_offer + {{ phase }}_control) * ({{ phase }}_offer + {{ phase }}_control)
            / nullif({{ phase }}_offer * {{ phase }}_control, 0),
            0
        ) as {{ phase }}_chi_square,
        case when {{ phase }}_days > 0 then {{ phase }}_days - 1 else 0 end as {{ phase }}_freedom,
        {{ phase }}_moment / nullif({{ phase }}_offer + {{ phase }}_control, 0) as {{ phase }}_middle{{ ',' if not loop.last }}
        {% endfor %}
    from usable

),

dispersed as (

    select
        *,
        case
            when before_chi_square + during_chi_square + after_chi_square > before_freedom + during_freedom + after_freedom
                and before_freedom + during_freedom + after_freedom > 0
                then (before_chi_square + during_chi_square + after_chi_square)
                    / (before_freedom + during_freedom + after_freedom)
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
        ln({{ phase }}_offer / nullif({{ phase }}_control, 0)) as {{ phase }}_log_odds,
        dispersion * (1 / nullif({{ phase }}_offer, 0) + 1 / nullif({{ phase }}_control, 0)) as {{ phase }}_variance{{ ',' if not loop.last }}
        {% endfor %}
    from (
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
            case when has_after then after_control end as after_control
        from dispersed
    ) as counted

),

{% set drift = var('uplift_drift') ~ ' * ' ~ var('uplift_drift') -%}

weighted as (

    select
        *,
        case
            when has_after
                then (before_variance + {{ drift }} * days_since * (days_since + days_until))
                    / (before_variance + after_variance + {{ drift }} * (days_since + days_until) * (days_since + days_until))
            else 0
        end as after_weight
    from compared

),

estimated as (

    select
        *,
        during_log_odds - (1 - after_weight) * before_log_odds - after_weight * coalesce(after_log_odds, 0) as log_uplift,
        sqrt(
            during_variance
            + (1 - after_weight) * (1 - after_weight) * before_variance
            + after_weight * after_weight * coalesce(after_variance, 0)
            + {{ drift }} * power((1 - after_weight) * days_since - after_weight * days_until, 2)
            + power({{ var('uplift_bend') }} * days_since * days_until / 2, 2)
        ) as log_error
    from weighted

),

as_of_days as (

    select * from estimated where sales_date >= known_from

),

final as (

    select
        days.sales_date as activity_date,
        days.offer_id,
        days.phase = 'during' as is_running,
        cast(estimates.during_offer as bigint) as measured_quantity,
        cast(estimates.during_offer / exp(estimates.log_uplift) as decimal(18, 6)) as expected_quantity,
        {{ bounded_exp('estimates.log_uplift') }} as uplift,
        {{ bounded_exp('estimates.log_uplift - 1.96 * estimates.log_error') }} as uplift_low,
        {{ bounded_exp('estimates.log_uplift + 1.96 * estimates.log_error') }} as uplift_high,
        count(case when days.phase = 'after' then 1 end) over (
            partition by days.offer_id order by days.sales_date rows unbounded preceding
        ) as days_after

    from days
    left join as_of_days as estimates
        on days.offer_id = estimates.offer_id
        and days.sales_date = estimates.sales_date
    where days.phase <> 'before'

)

select * from final
