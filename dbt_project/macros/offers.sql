{#
    The margin that an offer brought at an uplift, of `rows` with what was measured: its pieces' margin less that of the
    pieces which would have been sold without it, at full price. That is the margin of the pieces that came more, less
    the discount on those that would have come anyway.
#}
{% macro margin_uplift(rows, uplift) -%}
    cast(
        {{ rows }}.measured_margin
        - {{ ratio(full_price_margin(rows), rows ~ "." ~ uplift, precision=38) }} as decimal(38, 6)
    )
{%- endmacro %}

{# What the measured pieces would have brought without the discount. #}
{% macro full_price_margin(rows) -%}
    ({{ rows }}.measured_margin + {{ rows }}.measured_discount)
{%- endmacro %}
