with

landed as (
    {{ typed_rows('planning', 'sales_targets') }}
),

-- the company's target has no member: one that names one all the same is the company's, whatever it names
typed as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        target_month,
        scope,
        case when scope = 'company' then null else scope_value end as scope_value,
        amount,
        currency,
        _reasons,
        case
            when scope = 'company' and scope_value is not null
                then concat_ws(',', nullif(_nulled, ''), 'invalid_scope_value')
            else _nulled
        end as _nulled
    from landed
),

rates as (
    {{ first_rates() }}
),

{{ versioned_rows('planning', 'sales_targets',
    joins='left join rates on typed.currency = rates.from_currency',
    more_reasons=[missing_rate('typed.currency', 'typed.target_month')],
) }}
