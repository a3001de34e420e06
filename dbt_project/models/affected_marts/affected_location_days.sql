{#
    The affected days of mrt_location_analysis: days whose sales changed, or one of whose territories did; days on which
    the number of known consumers of a location changed; and, for a consumer whose record changed, the days with a sale
    or return since they have lived where they live now.
#}
{# Not a CTE: an engine that materializes a CTE that is read several times would materialize all of the facts. #}
{% set movements -%}
(
        select consumer_key, territory_id, order_date as sales_date from {{ ref('wh_fact_sales') }}
        union all
        select consumer_key, territory_id, return_date as sales_date from {{ ref('wh_fact_sales_returns') }}
    ) as movements
{%- endset %}

with

    sales_days as (

        select distinct order_date as sales_date
        from {{ ref("wh_fact_sales") }}
        union
        select distinct return_date as sales_date
        from {{ ref("wh_fact_sales_returns") }}

    ),

    final as (

        select sales_date
        from {{ ref("affected_orders") }}
        where sales_date is not null

        union

        select sales_date
        from {{ movements }}
        where territory_id in ({{ changed_territories() }})

        union

        select sales_days.sales_date
        from sales_days
        inner join
            (
                select distinct valid_from, valid_to
                from {{ ref("wh_location_consumers") }}
                where {{ in_window("_changed_at") }}
            ) as changed
            on {{ as_of("changed", "sales_days.sales_date") }}

        union

        select movements.sales_date
        from {{ ref("wh_consumer_identities") }} as identities
        inner join
            {{ ref("wh_dim_consumer_history") }} as history
            on identities.consumer_key = history.consumer_key
            and history.valid_to is null
        inner join
            {{ movements }}
            on identities.consumer_key = movements.consumer_key
            and movements.sales_date >= history.valid_from
        where {{ in_window("identities._changed_at") }} and history.valid_from > {{ beginning_of_time() }}

    )

select *
from final
