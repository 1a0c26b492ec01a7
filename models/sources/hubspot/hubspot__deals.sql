-- deals are deals
with

deals as (
    {{ source_rows('hubspot', 'deal') }}
),

exported as (
    {{ source_rows('hubspot', 'all_deals') }}
),

stages as (
    select stage_id, label, pipeline_label, stage, probability, is_won, is_lost from {{ ref('hubspot__stages') }}
),

merged as (
    select merged_id, into_id from {{ ref('hubspot__merged') }}
    where object = 'deal'
),

owners as (
    select named, rep_id from {{ ref('hubspot__owners') }}
),

deal_companies as (
    select deal_id, company_id from {{ ref('hubspot__deal_companies') }}
),

accounts as (
    select company_id, account_id from {{ ref('hubspot__company_accounts') }}
),

deal_contacts as (
    select deal_id, contact_id from {{ ref('hubspot__deal_contacts') }}
),

seeded as (
    select stage, default_probability, is_won, is_lost, {{ bare_name('stage') }} as bare_stage
    from {{ ref('deal_stages') }}
),

-- an export has labels: with the pipeline's they name a stage; alone where no other pipeline's stage has the same
labelled as (
    select
        {{ bare_name('label') }} as bare_label,
        {{ bare_name('pipeline_label') }} as bare_pipeline,
        min(stage_id) as stage_id
    from stages
    group by {{ bare_name('label') }}, {{ bare_name('pipeline_label') }}
    having min(stage) = max(stage)
    union all
    select {{ bare_name('label') }} as bare_label, '' as bare_pipeline, min(stage_id) as stage_id
    from stages
    group by {{ bare_name('label') }}
    having min(stage) = max(stage)
),

-- `Proposal (Sales Pipeline)` is the label `Proposal` of that pipeline
export_labels as (
    select
        _file_id,
        _line,
        bare_pipeline,
        case
            when bare_stage like concat_ws('', '%(', bare_pipeline, ')')
                then replace(bare_stage, concat_ws('', '(', bare_pipeline, ')'), '')
            else bare_stage
        end as bare_label
    from (
        select
            _file_id,
            _line,
            {{ bare_name('pipeline') }} as bare_pipeline,
            {{ bare_name('deal_stage') }} as bare_stage
        from exported
    ) as bare_names
),

records as (
    select
        _file_id,
        _line,
        _is_current,
        deal_id,
        property_dealname as deal_name,
        {{ whole_number('owner_id') }} as owner,
        lower(property_dealtype) as deal_type,
        {{ whole_number('deal_pipeline_stage_id') }} as stage_id,
        deal_pipeline_stage_id as stage_text,
        property_amount as amount,
        property_deal_currency_code as currency,
        property_hs_deal_stage_probability as probability,
        {{ instant('property_createdate') }} as created_at,
        {{ instant('property_closedate') }} as close_at,
        {{ instant('property_expected_close_date') }} as expected_close,
        property_closed_lost_reason as lost_reason,
        {{ instant('coalesce(property_hs_lastmodifieddate, _fivetran_start)') }} as updated_at,
        {{ is_gone() }} as is_gone
    from deals
    union all
    select
        exported._file_id,
        exported._line,
        exported._is_current,
        exported.record_id as deal_id,
        exported.deal_name,
        exported.deal_owner as owner,
        lower(exported.deal_type) as deal_type,
        coalesce(of_pipeline.stage_id, of_any.stage_id) as stage_id,
        exported.deal_stage as stage_text,
        exported.amount,
        exported.currency,
        case
            when {{ matches('exported.deal_probability', '[0-9.]+ ?%') }}
                then {{ from_percent("trim(replace(exported.deal_probability, '%', ''))") }}
            else exported.deal_probability
        end as probability,
        {{ instant('exported.create_date', naive_timezone('hubspot')) }} as created_at,
        {{ instant('exported.close_date', naive_timezone('hubspot')) }} as close_at,
        cast(null as {{ text_type() }}) as expected_close,
        exported.closed_lost_reason as lost_reason,
        {{ instant('exported.last_modified_date', naive_timezone('hubspot')) }} as updated_at,
        false as is_gone
    from exported
    inner join export_labels
        on exported._file_id = export_labels._file_id and exported._line = export_labels._line
    left join labelled as of_pipeline
        on export_labels.bare_label = of_pipeline.bare_label
        and export_labels.bare_pipeline = of_pipeline.bare_pipeline
    left join labelled as of_any
        on export_labels.bare_label = of_any.bare_label and of_any.bare_pipeline = ''
),

-- the stage of ours; of an id or label that no pipeline has, the listed one of that name, else what stands there
staged as (
    select
        records._file_id,
        records._line,
        records._is_current,
        records.deal_id,
        records.deal_name,
        records.owner,
        records.deal_type,
        coalesce(stages.stage, seeded.stage, records.stage_text) as stage,
        coalesce(stages.is_won, seeded.is_won, false) as is_won,
        coalesce(stages.is_won, seeded.is_won, false) or coalesce(stages.is_lost, seeded.is_lost, false) as is_closed,
        coalesce(stages.is_lost, seeded.is_lost, false) as is_lost,
        records.amount,
        records.currency,
        -- blank is its stage's; that is said where the listed stage says otherwise
        coalesce(
            records.probability,
            case
                when stages.probability <> listed.default_probability
                    then cast(stages.probability as {{ text_type() }})
            end
        ) as probability,
        records.created_at,
        {{ day_behind_midnight('records.close_at') }} as close_at,
        {{ day_behind_midnight('records.expected_close') }} as expected_close,
        records.lost_reason,
        records.updated_at,
        records.is_gone,
        merged.merged_id is not null as is_merged
    from records
    left join stages on records.stage_id = stages.stage_id
    left join seeded on {{ bare_name('records.stage_text') }} = seeded.bare_stage
    left join seeded as listed on stages.stage = listed.stage
    left join merged on records.deal_id = merged.merged_id
),

linked as (
    select
        deal_companies.deal_id,
        coalesce(accounts.account_id, {{ system_key('hubspot', 'deal_companies.company_id') }}) as account_id
    from deal_companies
    left join accounts on deal_companies.company_id = accounts.company_id
),

-- when each account's first deal was won: from then on, what is sold to it without a type is an upsell
first_wins as (
    select linked.account_id, min({{ instant_or_null('staged.close_at') }}) as won_at
    from staged
    inner join linked on staged.deal_id = linked.deal_id
    where staged._is_current and staged.is_won and not staged.is_gone and not staged.is_merged
    group by linked.account_id
)

select
    staged._file_id,
    staged._line,
    1 as _part,
    case
        when staged.deal_id is null then null
        when staged.is_gone then 'deleted'
        when staged.is_merged then 'merged'
    end as _left_out,
    {{ system_key('hubspot', 'staged.deal_id') }} as deal_id,
    staged.deal_name,
    linked.account_id,
    {{ system_key('hubspot', 'deal_contacts.contact_id') }} as lead_id,
    coalesce(owners.rep_id, {{ system_key('hubspot', 'staged.owner') }}) as owner_rep_id,
    case
        when staged.deal_type is null and {{ instant_or_null('staged.created_at') }} > first_wins.won_at then 'upsell'
        when staged.deal_type is null then 'new_business'
        else {{ value_of(bare_name('staged.deal_type'), {
            'newbusiness': 'new_business', 'existingbusiness': 'upsell', 'upsell': 'upsell', 'expansion': 'upsell',
            'crosssell': 'cross_sell', 'renewal': 'renewal', 'renewals': 'renewal',
        }) }}
    end as deal_type,
    staged.stage,
    staged.amount,
    staged.currency,
    staged.probability,
    staged.created_at,
    -- the close date is overwritten when a deal is closed; some keep the expected one in a property of their own
    coalesce({{ day_of('staged.expected_close') }}, {{ day_of('staged.close_at') }}) as expected_close_on,
    case when staged.is_closed then staged.close_at end as closed_at,
    case when staged.is_lost then staged.lost_reason end as lost_reason,
    staged.updated_at
from staged
left join linked on staged.deal_id = linked.deal_id
left join deal_contacts on staged.deal_id = deal_contacts.deal_id
left join owners on lower(staged.owner) = owners.named
left join first_wins on linked.account_id = first_wins.account_id
