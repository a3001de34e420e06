with

source as (

    {{ current_rows(source('erp', 'product_cost_history'), config.get('unique_key')) }}

),

final as (

    select
        product_id,
        cast(start_date as date) as valid_from,
        standard_cost,
        start_date,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_product_cost_history') }} is null

)

select * from final
