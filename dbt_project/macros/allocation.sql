{#
    Allocates an order's amount to its lines by weight, so that the lines sum to the order to the last digit. Each line
    gets the cumulative share up to and including it, less the one before it; shares are rounded half up to 0.0001.
    Computed in whole ten-thousandths, never in floats. The usual alternative, "largest remainder", needs a second pass
    over each order's lines.

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
    {#- Division truncates towards zero, so a negative amount is allocated by its absolute value. -#}
    cast(
        sign({{ units }})
        * {{ whole_quotient("2 * abs(" ~ units ~ ") * " ~ cumulative ~ " + " ~ total, "2 * " ~ total) }}
        as decimal(24, 0)
    )
{%- endmacro %}

{% macro whole(expression) -%} {{ adapter.dispatch("whole")(expression) }} {%- endmacro %}

{% macro default__whole(expression) -%} cast({{ expression }} as hugeint) {%- endmacro %}

{% macro snowflake__whole(expression) -%} cast({{ expression }} as number(38, 0)) {%- endmacro %}

{# Integer division, truncated. #}
{% macro whole_quotient(dividend, divisor) -%}
    {{ adapter.dispatch("whole_quotient")(dividend, divisor) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%} divide({{ dividend }}, {{ divisor }}) {%- endmacro %}

{# The dividend less its remainder divides without a fraction, so the result does not depend on the quotient's scale. #}
{% macro snowflake__whole_quotient(dividend, divisor) -%}
    ((({{ dividend }}) - mod({{ dividend }}, {{ divisor }})) / ({{ divisor }}))
{%- endmacro %}

{#
    One of `parts` equal shares of an amount, rounded half away from zero to six digits. The caller gives the last part
    what is left.
#}
{% macro equal_share(amount, parts) -%}
    {%- set units = whole(amount ~ " * 1000000") -%}
    cast(
        sign({{ units }})
        * {{ whole_quotient("2 * abs(" ~ units ~ ") + " ~ parts, "2 * " ~ parts) }}
        * 0.000001 as decimal(38, 6)
    )
{%- endmacro %}
