{# What the inventory models share. #}
{# How many days before a day its average sales look back on: [day - 28, day). #}
{% macro stock_history_days() -%} {{ return(28) }} {%- endmacro %}

{#
    `where`-clause part: rows of the distribution centers and products in `changes`, on their days shifted by `first` to
    `last` days. The filter by day lets the engine prune.
#}
{% macro near_stock_days(date_column, changes, first, last) -%}
    {{ date_column }} in ({{ shifted_days(changes, "snapshot_date", first, last) }})
    and (distribution_center_id, sku) in (select distribution_center_id, sku from {{ changes }})
{%- endmacro %}

{# `where`-clause part of an incremental run: rows of the affected keys, and of the days that they look back on. #}
{% macro with_stock_history(date_column) -%}
    {%- if is_incremental() -%} {{ near_stock_days(date_column, affected(), -stock_history_days(), 0) }}
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{# Pieces moved by one type of movement, always positive. #}
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
