{{ affected_by("affected_orders") }}

with

    payments as (

        select *, 'webshop' as source_system
        from {{ ref("stg_webshop_payments") }}
        where {{ is_affected_order_of("webshop", "order_id") }}

    ),

    -- Left join: a payment counts even if its order is not there.
    final as (

        select
            payments.source_system,
            cast(payments.order_id as varchar) as order_id,
            cast(payments.payment_id as varchar) as payment_id,
            payments.paid_at,
            payments.paid_date,
            orders.created_date as order_date,
            coalesce(
                consumers.consumer_key, {{ guest_key("orders.email") }}, {{ unknown_key() }}
            ) as consumer_key,
            payments.payment_kind,
            payments.amount

        from payments
        left join {{ ref("stg_webshop_orders") }} as orders on payments.order_id = orders.order_id
        left join
            {{ ref("wh_consumer_identities") }} as consumers
            on payments.source_system = consumers.source_system
            and cast(orders.user_id as varchar) = consumers.source_id

    )

select *
from final
