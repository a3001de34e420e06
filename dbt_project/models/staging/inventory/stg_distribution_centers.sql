with

source as (

    {{ current_rows(source('inventory', 'distribution_centers'), config.get('unique_key')) }}

),

final as (

    select
        distribution_center_id,
        name as distribution_center_name,
        city,
        state,
        country,
        latitude,
        longitude,
        _modified_at as modified_at,
        _changed_at

    from source

    where {{ quarantine_reason('stg_distribution_centers') }} is null

)

select * from final
