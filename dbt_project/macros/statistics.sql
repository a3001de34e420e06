{# e to the power of a number, within what a decimal with 6 digits can hold. #}
{% macro bounded_exp(power) -%}
    cast(exp(case when {{ power }} > 25 then 25 else {{ power }} end) as decimal(18, 6))
{%- endmacro %}
