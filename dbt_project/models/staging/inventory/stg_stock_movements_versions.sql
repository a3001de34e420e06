{%- set movement_type = our_word("movement_type") -%}
select
    movement_id,
    distribution_center_id,
    sku,
    {{ movement_type }} as movement_type,
    case
        when {{ movement_type }} in ('receipt', 'return', 'transfer_in')
        then abs(quantity)
        when {{ movement_type }} in ('sale', 'transfer_out', 'write_off')
        then - abs(quantity)
        else quantity
    end as quantity_change,
    moved_at,
    {{ local_date("moved_at") }} as moved_date,
    _modified_at,
    _changed_at,
    _loaded_at,
    _row_hash,
    _deleted_at

from {{ source("inventory", "stock_movements") }}
