{{ affected_by("affected_offers") }}

{#
    Pieces sold of an offer's products, and of products that are on no offer (the controls), on each day around the
    offer. Which products are the offer's is found from its sales, and changes as sales go on: `known_from` is the day
    from which a row's choice of products was known.
#}
with

    offers as (

        select
            offer_id,
            country,
            case when special_offer_id is null then 'webshop' else 'online' end as sales_channel,
            valid_from,
            valid_to,
            cast(
                {{ dbt.dateadd("day", -var("uplift_baseline_days"), "valid_from") }} as date
            ) as observed_from,
            cast({{ dbt.dateadd("day", var("uplift_baseline_days"), "valid_to") }} as date) as observed_to
        from {{ ref("stg_offers") }}
        where {{ is_affected() }}

    ),

    -- No offer looks further back, and the engine prunes by the day.
    product_days as (

        select *
        from {{ ref("wh_fact_product_days") }}
        where sales_date >= (select min(observed_from) from offers)

    ),

    -- All days with any sale, so that which rows there are does not depend on which day was run first.
    days as (

        select distinct
            offers.offer_id,
            product_days.sales_date,
            case
                when product_days.sales_date < offers.valid_from
                then 'before'
                when offers.valid_to is null or product_days.sales_date <= offers.valid_to
                then 'during'
                else 'after'
            end as phase,
            {{ dbt.datediff("offers.valid_from", "product_days.sales_date", "day") }} as day_number
        from offers
        inner join
            product_days
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
            sum(product_days.net_amount) as net_amount,
            sum(
                case
                    when product_days.offer_id = offers.offer_id and product_days.is_under_offer
                    then product_days.discount_amount
                    else 0
                end
            ) as discount_amount,
            -- Unknown if the cost of any piece is.
            case when count(product_days.margin) = count(*) then sum(product_days.margin) end as margin,
            max(
                case
                    when product_days.offer_id = offers.offer_id and product_days.is_under_offer then 1 else 0
                end
            ) as is_on_offer,
            max(
                case
                    when product_days.offer_id = offers.offer_id and not product_days.is_under_offer
                    then 1
                    else 0
                end
            ) as is_beside,
            max(
                case
                    when product_days.offer_id <> offers.offer_id and product_days.is_under_offer
                    then 1
                    else 0
                end
            ) as is_on_another
        from offers
        inner join
            product_days
            on offers.sales_channel = product_days.sales_channel
            and product_days.sales_date >= offers.observed_from
            and (offers.observed_to is null or product_days.sales_date <= offers.observed_to)
            and (offers.country is null or offers.country = product_days.country)
        where product_days.product_key <> {{ unknown_key() }}
        group by
            offers.offer_id, product_days.sales_date, product_days.product_group, product_days.product_key

    ),

    -- A product group belongs to the offer from the first day on which one of its products was sold under
    -- it, so products that nobody bought are included. A product that was sold at full price in an order
    -- that redeemed the offer is excluded.
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

        select offer_id, product_key, min(case when is_beside = 1 then sales_date end) as excluded_from
        from sales
        group by offer_id, product_key

    ),

    described as (

        select sales.*, groups.covered_from, groups.spoilt_from, products.excluded_from
        from sales
        inner join groups on sales.offer_id = groups.offer_id and sales.product_group = groups.product_group
        inner join products on sales.offer_id = products.offer_id and sales.product_key = products.product_key

    ),

    -- The days on which the choice of products or controls changed.
    known as (

        select offer_id, covered_from as known_from
        from groups
        where covered_from is not null
        union
        select offer_id, spoilt_from as known_from
        from groups
        where spoilt_from is not null
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

    {% set is_of_offer -%}
        described.covered_from <= scopes.known_from
        and (described.excluded_from is null or described.excluded_from > scopes.known_from)
    {%- endset -%}

    pieces as (

        select
            scopes.offer_id,
            scopes.known_from,
            described.sales_date,
            sum(case when {{ is_of_offer }} then described.quantity else 0 end) as offer_pieces,
            sum(case when {{ is_of_offer }} then described.net_amount else 0 end) as offer_net_amount,
            sum(case when {{ is_of_offer }} then described.discount_amount else 0 end) as offer_discount,
            case
                when count(case when {{ is_of_offer }} and described.margin is null then 1 end) = 0
                then sum(case when {{ is_of_offer }} then described.margin else 0 end)
            end as offer_margin,
            sum(
                case
                    when
                        (described.covered_from is null or described.covered_from > scopes.known_from)
                        and (described.spoilt_from is null or described.spoilt_from > scopes.known_from)
                    then described.quantity
                    else 0
                end
            ) as control_pieces
        from scopes
        inner join
            described
            on scopes.offer_id = described.offer_id
            and (scopes.known_to is null or described.sales_date < scopes.known_to)
        group by scopes.offer_id, scopes.known_from, described.sales_date

    ),

    final as (

        select
            days.offer_id,
            scopes.known_from,
            days.sales_date,
            days.phase,
            cast(days.day_number as bigint) as day_number,
            cast(coalesce(pieces.offer_pieces, 0) as decimal(38, 4)) as offer_pieces,
            cast(coalesce(pieces.control_pieces, 0) as decimal(38, 4)) as control_pieces,
            cast(coalesce(pieces.offer_net_amount, 0) as decimal(38, 6)) as offer_net_amount,
            cast(coalesce(pieces.offer_discount, 0) as decimal(38, 6)) as offer_discount,
            cast(
                case when pieces.offer_id is null then 0 else pieces.offer_margin end as decimal(38, 6)
            ) as offer_margin
        from days
        -- Left join: days have a row even while nothing was sold under the offer.
        left join
            scopes
            on days.offer_id = scopes.offer_id
            and (scopes.known_to is null or days.sales_date < scopes.known_to)
        left join
            pieces
            on scopes.offer_id = pieces.offer_id
            and scopes.known_from = pieces.known_from
            and days.sales_date = pieces.sales_date

    )

select *
from final
