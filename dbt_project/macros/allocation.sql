{#
    The part of an order's amount that falls on each of its lines, by weight, so that the lines sum to the
    order to the last digit: every line gets the difference between the cumulative shares, rounded half up
    to 0.0001, after and before it. Computed in whole ten-thousandths; nothing passes through a float.
    See "largest remainder" for the usual alternative: it needs a second pass over each order's lines.

    amount       the order's amount, decimal with 4 digits, the same on each of its lines
    cumulative   sum of the weights of the order's lines up to and including this one, a whole number
    total        sum of the weights of all of the order's lines, a whole number above 0
    previous     the window that finds the line before this one: `partition by ... order by ...`
#}
{% macro allocate(amount, cumulative, total, previous) -%}
    {%- set share = rounded_share(amount, cumulative, total) -%}
    cast(({{ share }} - coalesce(lag({{ share }}) over ({{ previous }}), 0)) * 0.0001 as decimal(19, 4))
{%- endmacro %}

{% macro rounded_share(amount, cumulative, total) -%}
    {%- set units = whole(amount ~ " * 10000") -%}
    {#- A quotient is cut off towards zero, so a negative amount is shared out as its opposite. -#}
    cast(
        sign({{ units }})
        * {{ whole_quotient("2 * abs(" ~ units ~ ") * " ~ cumulative ~ " + " ~ total, "2 * " ~ total) }}
        as decimal(24, 0)
    )
{%- endmacro %}

{% macro whole(expression) -%} {{ adapter.dispatch("whole")(expression) }} {%- endmacro %}

{% macro default__whole(expression) -%} cast({{ expression }} as hugeint) {%- endmacro %}

{% macro snowflake__whole(expression) -%} cast({{ expression }} as number(38, 0)) {%- endmacro %}

{# A whole number's quotient, its fraction cut off. #}
{% macro whole_quotient(dividend, divisor) -%}
    {{ adapter.dispatch("whole_quotient")(dividend, divisor) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%} divide({{ dividend }}, {{ divisor }}) {%- endmacro %}

{# The dividend less its remainder divides without a fraction, so that no digit depends on the scale of a quotient. #}
{% macro snowflake__whole_quotient(dividend, divisor) -%}
    ((({{ dividend }}) - mod({{ dividend }}, {{ divisor }})) / ({{ divisor }}))
{%- endmacro %}

{#
    An amount's equal share of so many parts, rounded half away from zero to six digits; whoever takes the last part
    takes what is left. For an amount that is split without weights.
#}
{% macro equal_share(amount, parts) -%}
    {%- set units = whole(amount ~ " * 1000000") -%}
    cast(
        sign({{ units }})
        * {{ whole_quotient("2 * abs(" ~ units ~ ") + " ~ parts, "2 * " ~ parts) }}
        * 0.000001 as decimal(38, 6)
    )
{%- endmacro %}
