{# What the inventory models share. #}
{# The days before a day whose sales say how fast a product goes: [day - 28, day). #}
{% macro stock_history_days() -%} {{ return(28) }} {%- endmacro %}

{#
    Narrows what is read to what may bear on the keys in `changes`: their distribution centers and products, on
    their days and those that are `first` to `last` days away. Whole days, so that storage that lies in order
    of time is not read from end to end.
#}
{% macro near_stock_days(date_column, changes, first, last) -%}
    {{ date_column }} in ({{ shifted_days(changes, "snapshot_date", first, last) }})
    and (distribution_center_id, sku) in (select distribution_center_id, sku from {{ changes }})
{%- endmacro %}

{# What an incremental run reads of a model: what bears on the affected keys, which look back. #}
{% macro with_stock_history(date_column) -%}
    {%- if is_incremental() -%} {{ near_stock_days(date_column, affected(), -stock_history_days(), 0) }}
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{# Pieces of one type of movement, as a number above 0 whether they came or left. #}
{% macro pieces_moved(movement_type) -%}
    cast(
        sum(case when movement_type = '{{ movement_type }}' then abs(quantity_change) else 0 end) as decimal(
            38, 4
        )
    )
{%- endmacro %}

{# A window over the rows of a product in a distribution center from `first` to `last` days before a row's day. #}
{% macro days_before(first, last) -%}
    over (
        partition by distribution_center_id, sku
        order by
            snapshot_date
            range
            between interval '{{ first }} days' preceding
            and {{ "interval '" ~ last ~ " days' preceding" if last else "current row" }}
    )
{%- endmacro %}
