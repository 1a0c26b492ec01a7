"""One function per metric: which records, which date, which numerator, which denominator, which cuts."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from tests.reference.landing import Books, Quarantined, Stage, money, read_landing
from tests.reference.model import Activity, Company, Deal, Movement, Settings
from tests.reference.rows import (
    ALL,
    GRAINS,
    PLAN_GRAINS,
    UNKNOWN,
    Key,
    Mart,
    Members,
    Number,
    Period,
    Spine,
    Value,
    add,
    balance_cells,
    build_mart,
    cells_of,
    divide,
    one_period_before,
    percentile,
    period_of,
    ratio,
    total,
)

ZERO = Decimal(0)
HALF_A_CENT = Decimal("0.005")
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass
class Result:
    marts: dict[str, Mart]
    books: dict[str, Books]
    quarantine: list[Quarantined]


@dataclass
class Context:
    company: Company
    spine: Spine

    def day_before(self, period: Period) -> date:
        return period.start - DAY

    def mart(
        self,
        keys: Iterable[Key],
        measure: Callable[[Key, Period], Value],
        *,
        grains: Iterable[str] = GRAINS,
        target: Callable[[Key, Period], Number | None] = lambda key, period: None,
    ) -> Mart:
        return build_mart(self.spine, keys, measure, self.company.label, grains=grains, target=target)


Metric = Callable[[Context], Mart]
METRICS: dict[str, Metric] = {}


def metric(function: Metric) -> Metric:
    METRICS[function.__name__] = function
    return function


def compute(
    landing: Path,
    *,
    as_of: date,
    business_timezone: str = "UTC",
    reporting_currency: str = "USD",
    fiscal_year_start_month: int = 1,
    revenue_basis: str = "billing",
    customer_active_days: int = 365,
    metrics: Iterable[str] | None = None,
) -> Result:
    landed = read_landing(
        landing, as_of=as_of, business_timezone=business_timezone, reporting_currency=reporting_currency
    )
    company = Company(Settings(as_of, revenue_basis, customer_active_days), landed)
    spine = Spine(company.first_event(), as_of, fiscal_year_start_month)
    context = Context(company, spine)
    marts = {name: METRICS[name](context) for name in (METRICS if metrics is None else metrics)}
    return Result(marts, landed.books, landed.quarantine)


def only(members: Members, *dimensions: str) -> dict[str, str]:
    return {dimension: members[dimension] for dimension in dimensions}


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


# --------------------------------------------------------------------------------------------------- revenue and sales


@dataclass(frozen=True)
class Money:
    """What a sale's line brought or its refund took back."""

    gross: Decimal = ZERO
    refunded: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.gross - self.refunded


def revenue_records(company: Company) -> Iterator[tuple[date, Members, Money]]:
    for sale in company.sales:
        members = company.sale_members(sale)
        for line in sale.lines:
            # a sale without items is one of nothing, and of no product
            category = {} if line.is_placeholder else {"product_category": line.category}
            yield sale.day, {**members, **category}, Money(gross=line.amount)
    for refund in company.refunds:
        members = company.sale_members(refund.sale)
        for line, share in refund.shares:
            yield refund.day, {**members, "product_category": line.category}, Money(refunded=share)


def net(records: Iterable[Money]) -> Decimal:
    return add(record.net for record in records)


def sales_cells(context: Context, *dimensions: str) -> dict[Key, list[Decimal]]:
    """The amount of every sale."""
    company = context.company
    return cells_of(
        context.spine,
        ((s.day, only(company.sale_members(s), *dimensions), s.amount) for s in company.sales),
    )


REP_CUTS = ("sales_rep", "team")
SALE_CUTS = ("sales_rep", "team", "region", "segment", "lead_source")


@metric
def revenue(context: Context) -> Mart:
    company = context.company
    cells = cells_of(context.spine, revenue_records(company))

    def measure(key: Key, _: Period) -> Value:
        records = cells.get(key, [])
        gross, refunds = add(r.gross for r in records), add(r.refunded for r in records)
        return total(gross - refunds, gross_revenue=gross, refunds=refunds)

    def target(key: Key, period: Period) -> Number | None:
        scope = {"all": "company", "team": "team", "region": "region"}.get(key[2])
        if scope is None or period.grain not in PLAN_GRAINS:
            return None
        return company.target(scope, UNKNOWN if scope == "company" else key[3], period.start, period.end)

    return context.mart(cells, measure, target=target)


@metric
def average_order_value(context: Context) -> Mart:
    cells = sales_cells(context, *SALE_CUTS)
    return context.mart(cells, lambda key, _: ratio(add(cells.get(key, [])), len(cells.get(key, []))))


# ----------------------------------------------------------------------------------------------------------- customers


def new_customer_cells(context: Context) -> dict[Key, list[str]]:
    company = context.company

    def records() -> Iterator[tuple[date, Members, str]]:
        for customer in company.customers.values():
            rep_id = customer.first_sale.rep_id if customer.first_sale else None
            members = {**company.account_members(customer.account_id), **company.rep_members(rep_id)}
            yield customer.since, members, customer.account_id

    return cells_of(context.spine, records())


@metric
def new_customers(context: Context) -> Mart:
    cells = new_customer_cells(context)
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


# --------------------------------------------------------------------------------------------------------------- leads


@dataclass(frozen=True)
class CohortLead:
    account_id: str | None
    is_converted: bool
    is_qualified: bool


@metric
def lead_conversion_rate(context: Context) -> Mart:
    company = context.company
    cohort: list[tuple[date, Members, CohortLead]] = []
    conversions: list[tuple[date, Members, str]] = []
    for lead in company.leads:
        members = company.lead_members(lead)
        sale = company.first_sale_on_or_after(lead.account_id, lead.day)
        qualified = lead.qualified_on is not None
        cohort.append((lead.day, members, CohortLead(lead.account_id, sale is not None, qualified)))
        if sale is not None:
            conversions.append((sale.day, members, lead.lead_id))
    cells = cells_of(context.spine, cohort)
    converted_in = cells_of(context.spine, conversions)

    def measure(key: Key, _: Period) -> Value:
        leads = cells.get(key, [])
        return ratio(
            sum(lead.is_converted for lead in leads),
            len(leads),
            qualified_leads=sum(lead.is_qualified for lead in leads),
            conversions_in_period=len(converted_in.get(key, [])),
        )

    return context.mart(cells, measure)


# --------------------------------------------------------------------------------------------------------------- deals

DEAL_CUTS = ("sales_rep", "team", "region", "segment", "lead_source", "deal_type")


def closed_deal_cells(context: Context, keep: Callable[[Deal], bool]) -> dict[Key, list[Deal]]:
    """The deals won or lost, by the period of their closing."""
    company = context.company
    return cells_of(
        context.spine,
        (
            (deal.closed_on, only(company.deal_members(deal), *DEAL_CUTS), deal)
            for deal in company.deals
            if deal.closed_on is not None and keep(deal)
        ),
    )


@metric
def win_rate(context: Context) -> Mart:
    cells = closed_deal_cells(context, lambda deal: True)

    def measure(key: Key, _: Period) -> Value:
        closed = cells.get(key, [])
        won = [deal for deal in closed if deal.is_won]
        by_amount = divide(add(deal.amount for deal in won), add(deal.amount for deal in closed))
        return ratio(len(won), len(closed), win_rate_by_amount=by_amount)

    return context.mart(cells, measure)


@metric
def sales_cycle_length(context: Context) -> Mart:
    company = context.company
    first_touch_on_deal: dict[str, Activity] = {}
    first_touch_on_lead: dict[str, Activity] = {}
    for touch in company.touches:
        if touch.deal_id is not None:
            first_touch_on_deal.setdefault(touch.deal_id, touch)
        if touch.lead_id is not None:
            first_touch_on_lead.setdefault(touch.lead_id, touch)

    def cycle_days(deal: Deal) -> float:
        lead = company.leads_by_id.get(deal.lead_id or "")
        touches = (first_touch_on_deal.get(deal.deal_id), first_touch_on_lead.get(deal.lead_id or ""))
        contacts = [touch.occurred_at for touch in touches if touch is not None]
        if lead is not None and lead.day <= company.settings.as_of:
            contacts.append(lead.created_at)
        assert deal.closed_at is not None
        return (deal.closed_at - min(contacts, default=deal.created_at)) / DAY

    def age_days(deal: Deal) -> float:
        assert deal.closed_at is not None
        return (deal.closed_at - deal.created_at) / DAY

    cycles = {deal.deal_id: cycle_days(deal) for deal in company.deals if deal.is_won}
    # A deal closed before it was created stays out of the durations, as does a negative span.
    cells = closed_deal_cells(context, lambda d: d.is_won and age_days(d) >= 0 and cycles[d.deal_id] >= 0)

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        days = [cycles[deal.deal_id] for deal in deals]
        return ratio(
            sum(days, 0.0),
            len(days),
            median=percentile(days, 0.5),
            p90=percentile(days, 0.9),
            average_deal_age_days=mean([age_days(deal) for deal in deals]),
        )

    return context.mart(cells, measure)


@dataclass(frozen=True)
class QuotaMonth:
    rep_id: str
    quota: Decimal
    won: Decimal


@metric
def quota_attainment(context: Context) -> Mart:
    company = context.company
    won: dict[tuple[str | None, date], Decimal] = defaultdict(Decimal)
    for deal in company.deals:
        if deal.is_won and deal.closed_on is not None:
            won[deal.rep_id, deal.closed_on.replace(day=1)] += deal.amount
    cells = cells_of(
        context.spine,
        (
            (
                quota.month,
                company.rep_members(quota.member),
                QuotaMonth(quota.member or "", quota.amount, won[quota.member, quota.month]),
            )
            for quota in company.quotas
        ),
    )

    def measure(key: Key, _: Period) -> Value:
        months = cells.get(key, [])
        quotas: dict[str, Decimal] = defaultdict(Decimal)
        counted: dict[str, Decimal] = defaultdict(Decimal)
        for month in months:
            quotas[month.rep_id] += month.quota
            counted[month.rep_id] += month.won
        return ratio(
            add(counted.values()),
            add(quotas.values()),
            reps_with_quota=len(quotas),
            reps_attained=sum(quota > 0 and counted[rep_id] >= quota for rep_id, quota in quotas.items()),
        )

    return context.mart(cells, measure, grains=PLAN_GRAINS, target=lambda key, period: 1)


@dataclass(frozen=True)
class OpenDeal:
    deal: Deal
    weighted: Decimal
    age_days: int
    days_in_stage: int


def open_deal_cells(context: Context, *dimensions: str) -> dict[Key, list[OpenDeal]]:
    company = context.company
    members_of = {deal.deal_id: company.deal_members(deal) for deal in company.deals}

    def at(period: Period) -> Iterator[tuple[Members, OpenDeal]]:
        day = context.spine.close(period)
        for deal in company.deals:
            if not deal.is_open(day):
                continue
            stage = deal.stage_at(day)
            probability = deal.probability
            if probability is None:
                probability = stage.default_probability if stage else ZERO
            members = {**members_of[deal.deal_id], "stage": stage.name if stage else UNKNOWN}
            yield (
                only(members, *dimensions),
                OpenDeal(
                    deal,
                    money(deal.amount, probability),
                    (day - deal.created_on).days,
                    (day - deal.in_stage_since(day)).days,
                ),
            )

    return balance_cells(context.spine, at)


@metric
def pipeline_value(context: Context) -> Mart:
    cells = open_deal_cells(context, *DEAL_CUTS, "stage")

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        return total(
            add(open_deal.deal.amount for open_deal in deals),
            weighted_value=add(open_deal.weighted for open_deal in deals),
        )

    return context.mart(cells, measure)


# ----------------------------------------------------------------------------------------------------------------- MRR


def movement_cells(context: Context) -> dict[Key, list[Movement]]:
    company = context.company
    cells: dict[Key, list[Movement]] = defaultdict(list)
    for period in context.spine.periods:
        ends = context.day_before(period), context.spine.close(period)
        for movement in company.mrr_movements(*ends, by_plan=False):
            cuts = (ALL, *company.account_members(movement.account_id).items())
            for dimension, value in cuts:
                cells[period.grain, period.start, dimension, value].append(movement)
        for movement in company.mrr_movements(*ends, by_plan=True):
            cells[period.grain, period.start, "plan", movement.plan].append(movement)
    return cells


@metric
def mrr(context: Context) -> Mart:
    cells = movement_cells(context)
    # A member has a row while a subscription with MRR stands at the period's end.
    standing = [key for key, movements in cells.items() if any(m.closing != 0 for m in movements)]

    def measure(key: Key, _: Period) -> Value:
        movements = cells.get(key, [])
        opening = add(m.opening for m in movements)
        expansion, contraction = add(m.expansion for m in movements), add(m.contraction for m in movements)
        churned = add(m.churned for m in movements)
        return total(
            add(m.closing for m in movements),
            new_mrr=add(m.new for m in movements),
            expansion_mrr=expansion,
            contraction_mrr=contraction,
            churned_mrr=churned,
            reactivation_mrr=add(m.reactivation for m in movements),
            fx_mrr=add(m.fx for m in movements),
            net_revenue_retention=divide(opening + expansion + contraction + churned, opening),
            gross_revenue_retention=divide(opening + contraction + churned, opening),
        )

    return context.mart(standing, measure)


# ---------------------------------------------------------------------------------------------- activity and support


@metric
def calls_and_emails(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (activity.day, {**company.rep_members(activity.rep_id), "activity_type": activity.type}, activity)
            for activity in company.done
            if activity.is_call_or_email
        ),
    )
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


@metric
def csat(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (
                response.day,
                {
                    **company.rep_members(response.rep_id),
                    "channel": response.channel,
                    "segment": company.account_members(response.account_id)["segment"],
                },
                response.score,
            )
            for response in company.responses
        ),
    )

    def measure(key: Key, _: Period) -> Value:
        scores = cells.get(key, [])
        satisfied = sum(score >= 4 for score in scores)
        return ratio(satisfied, len(scores), average_score=divide(sum(scores), len(scores)))

    return context.mart(cells, measure)


# ------------------------------------------------------------------------------------------- the rest: performance


@metric
def sales_growth(context: Context) -> Mart:
    cells = cells_of(context.spine, revenue_records(context.company))

    def previous(period: Period) -> date:
        return one_period_before(period.grain, period.start)

    def following(key: Key) -> Key:
        """The period whose growth starts from this one."""
        grain, start, *cut = key
        end = next(p.end for p in context.spine.of(start) if p.grain == grain)
        return grain, end + DAY, cut[0], cut[1]

    def measure(key: Key, period: Period) -> Value:
        now = net(cells.get(key, []))
        if not context.spine.holds(period.grain, previous(period)):
            return Value(None, None, None, {"revenue": now})
        before = net(cells.get((key[0], previous(period), *key[2:]), []))
        growth = ratio(now - before, before, revenue=now)
        return growth if before > 0 else replace(growth, value=None)

    return context.mart([*cells, *map(following, cells)], measure)


@metric
def sales_target_attainment(context: Context) -> Mart:
    company = context.company
    dimensions = {"company": "all", "team": "team", "region": "region"}
    cells = cells_of(
        context.spine, ((day, only(members, "team", "region"), m) for day, members, m in revenue_records(company))
    )
    targets: dict[Key, Decimal] = defaultdict(Decimal)
    for target in company.targets:
        for period in context.spine.of(target.month):
            if period.grain in PLAN_GRAINS:
                member = "all" if target.scope == "company" else target.member or UNKNOWN
                targets[period.grain, period.start, dimensions[target.scope], member] += target.amount

    def measure(key: Key, _: Period) -> Value:
        actual, target = net(cells.get(key, [])), targets.get(key)
        return ratio(actual, target, target_amount=target, gap_amount=None if target is None else target - actual)

    return context.mart([*cells, *targets], measure, grains=PLAN_GRAINS, target=lambda key, period: 1)


@dataclass(frozen=True)
class SourcedLead:
    is_converted: bool
    brought: Decimal


@metric
def lead_source_conversion_rate(context: Context) -> Mart:
    company = context.company

    def cohort() -> Iterator[tuple[date, Members, SourcedLead]]:
        credited: set[str] = set()
        for lead in company.leads:
            # A sale that converts several leads of an account brings its money to the earliest of them.
            sale = company.first_sale_on_or_after(lead.account_id, lead.day)
            brought = sale.amount if sale is not None and sale.sale_id not in credited else ZERO
            if sale is not None:
                credited.add(sale.sale_id)
            yield lead.day, {"lead_source": lead.source}, SourcedLead(sale is not None, brought)

    cells, spend = cells_of(context.spine, cohort()), ad_spend_cells(context)

    def measure(key: Key, _: Period) -> Value:
        leads = cells.get(key, [])
        of_all = len(cells.get((key[0], key[1], *ALL), []))
        spent = add(spend.get(key, []))
        return ratio(
            sum(lead.is_converted for lead in leads),
            len(leads),
            lead_share=divide(len(leads), of_all),
            ad_spend=spent,
            cost_per_lead=divide(spent, len(leads)),
            converted_revenue=add(lead.brought for lead in leads),
        )

    return context.mart(cells, measure)


def ad_spend_cells(context: Context) -> dict[Key, list[Decimal]]:
    """By channel, which is what a lead source is called in marketing."""
    return cells_of(context.spine, ((s.day, {"lead_source": s.channel}, s.amount) for s in context.company.ad_spend))


@metric
def sales_opportunities(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (deal.created_on, only(company.deal_members(deal), *DEAL_CUTS), deal)
            for deal in company.deals
            if deal.created_on <= company.settings.as_of
        ),
    )

    def probability(deal: Deal) -> float:
        return float(deal.stage.default_probability if deal.probability is None else deal.probability)

    def is_qualified(deal: Deal) -> bool:
        lead = company.leads_by_id.get(deal.lead_id or "")
        return lead is not None and lead.qualified_on is not None

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        return total(
            len(deals),
            opportunity_amount=add(deal.amount for deal in deals),
            average_probability=mean([probability(deal) for deal in deals]),
            qualified_share=divide(sum(map(is_qualified, deals)), len(deals)),
        )

    return context.mart(cells, measure)


@metric
def average_revenue(context: Context) -> Mart:
    records = ((day, only(members, *SALE_CUTS), m) for day, members, m in revenue_records(context.company))
    cells, sales = cells_of(context.spine, records), sales_cells(context, *SALE_CUTS)
    return context.mart([*cells, *sales], lambda key, _: ratio(net(cells.get(key, [])), len(sales.get(key, []))))


@dataclass(frozen=True)
class StageExit:
    left: Stage
    entered: Stage
    amount: Decimal

    @property
    def is_advance(self) -> bool:
        return not self.entered.is_lost and self.entered.order > self.left.order


@metric
def funnel_leakage(context: Context) -> Mart:
    company = context.company

    def exits() -> Iterator[tuple[date, Members, StageExit]]:
        for deal_id, changes in company.stage_changes.items():
            deal = company.deals_by_id.get(deal_id)
            members = (
                only(company.deal_members(deal), "sales_rep", "lead_source")
                if deal
                else {"sales_rep": UNKNOWN, "lead_source": UNKNOWN}
            )
            for before, after in pairwise(changes):
                if not before.stage.is_closed and after.stage != before.stage:
                    amount = deal.amount if deal else ZERO
                    stage_exit = StageExit(before.stage, after.stage, amount)
                    yield after.day, {**members, "stage": before.stage.name}, stage_exit

    cells = cells_of(context.spine, exits())

    def measure(key: Key, _: Period) -> Value:
        of_cell = cells.get(key, [])
        lost = [stage_exit for stage_exit in of_cell if stage_exit.entered.is_lost]
        advanced = sum(stage_exit.is_advance for stage_exit in of_cell)
        return ratio(
            len(lost),
            len(of_cell),
            exits_advanced=advanced,
            exits_returned=len(of_cell) - len(lost) - advanced,
            amount_lost=add(stage_exit.amount for stage_exit in lost),
        )

    return context.mart(cells, measure)


def sales_costs_of(company: Company, first: date, last: date) -> Decimal:
    """A month's cost lies evenly on its days."""
    shares: list[Decimal] = []
    for cost in company.costs:
        month = period_of("month", cost.month)
        days = (min(last, month.end) - max(first, month.start)).days + 1
        if days > 0:
            shares.append(cost.amount * days / month.end.day)
    return add(shares)


@metric
def customer_acquisition_cost(context: Context) -> Mart:
    cells = {k: v for k, v in new_customer_cells(context).items() if k[2] in ("all", "lead_source")}
    spend = ad_spend_cells(context)

    def measure(key: Key, period: Period) -> Value:
        spent, costs = add(spend.get(key, [])), ZERO
        if key[2:] == ALL:
            costs = sales_costs_of(context.company, period.start, context.spine.close(period))
        return ratio(spent + costs, len(cells.get(key, [])), ad_spend=spent, sales_costs=costs)

    return context.mart([*cells, *spend], measure)


def kept_cells(context: Context) -> dict[Key, list[bool]]:
    """Of each customer active before a period: is it still at its end?"""
    company = context.company

    def at(period: Period) -> Iterator[tuple[Members, bool]]:
        still = company.active_at(context.spine.close(period))
        for account_id in company.active_at(context.day_before(period)):
            yield company.account_members(account_id), account_id in still

    return balance_cells(context.spine, at)


@metric
def customer_retention_rate(context: Context) -> Mart:
    cells = kept_cells(context)
    return context.mart(cells, lambda key, _: ratio(sum(cells.get(key, [])), len(cells.get(key, []))))


@metric
def customer_churn_rate(context: Context) -> Mart:
    cells, movements = kept_cells(context), movement_cells(context)

    def measure(key: Key, _: Period) -> Value:
        kept = cells.get(key, [])
        moved = movements.get(key, [])  # of unknown accounts too, as in mrr
        churned_mrr = -add(m.churned for m in moved)
        return ratio(
            len(kept) - sum(kept), len(kept), churned_mrr_rate=divide(churned_mrr, add(m.opening for m in moved))
        )

    return context.mart(cells, measure)


def a_year_before(day: date) -> date:
    """The last day before the twelve months that end with a day: these begin on the day after it, a year earlier."""
    after = day + DAY
    leaps = (after.month, after.day) == (2, 29)
    return after.replace(year=after.year - 1, day=28 if leaps else after.day) - DAY


@dataclass
class Lifetime:
    """Of one account, at a period's end."""

    revenue: Decimal
    is_customer: bool
    year_revenue: Decimal
    year_costed_revenue: Decimal
    year_cost: Decimal
    is_active: bool
    was_active: bool


@metric
def customer_lifetime_value(context: Context) -> Mart:
    company = context.company
    revenue_by_account: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    costed_by_account: dict[str, list[tuple[date, Decimal, Decimal]]] = defaultdict(list)
    for sales in company.sales_by_account.values():
        for sale in sales:
            account_id = sale.account_id or ""
            revenue_by_account[account_id].append((sale.day, sale.amount))
            for line in sale.lines:
                if line.cost is not None:
                    costed_by_account[account_id].append((sale.day, line.amount, line.cost))
    for refund in company.refunds:
        if refund.sale.account_id in company.accounts:
            account_id = refund.sale.account_id or ""
            for line, share in refund.shares:
                revenue_by_account[account_id].append((refund.day, -share))
                if line.cost is not None:  # the money goes back, the goods do not
                    costed_by_account[account_id].append((refund.day, -share, ZERO))

    def at(period: Period) -> Iterator[tuple[Members, Lifetime]]:
        day = context.spine.close(period)
        year_ago = a_year_before(day)
        active, was_active = company.active_at(day), company.active_at(year_ago)
        for account_id in revenue_by_account.keys() | company.customers.keys():
            customer = company.customers.get(account_id)
            earned = [(on, amount) for on, amount in revenue_by_account[account_id] if on <= day]
            is_customer = customer is not None and customer.since <= day
            if not earned and not is_customer:
                continue
            costed = [entry for entry in costed_by_account[account_id] if year_ago < entry[0] <= day]
            yield (
                company.account_members(account_id),
                Lifetime(
                    revenue=add(amount for _, amount in earned),
                    is_customer=is_customer,
                    year_revenue=add(amount for on, amount in earned if on > year_ago),
                    year_costed_revenue=add(amount for _, amount, _ in costed),
                    year_cost=add(cost for *_, cost in costed),
                    is_active=account_id in active,
                    was_active=account_id in was_active,
                ),
            )

    cells = balance_cells(context.spine, at)

    def predicted(lifetimes: list[Lifetime]) -> Decimal | None:
        """12-month revenue per active customer x gross margin / 12-month churn."""
        costed = add(lifetime.year_costed_revenue for lifetime in lifetimes)
        margin = divide(costed - add(lifetime.year_cost for lifetime in lifetimes), costed)
        before = [lifetime for lifetime in lifetimes if lifetime.was_active]
        churn = divide(sum(not lifetime.is_active for lifetime in before), len(before))
        per_customer = divide(
            add(lifetime.year_revenue for lifetime in lifetimes), sum(lifetime.is_active for lifetime in lifetimes)
        )
        if margin is None or per_customer is None or not churn:
            return None
        return Decimal(float(per_customer) * float(margin) / float(churn))

    def measure(key: Key, _: Period) -> Value:
        lifetimes = cells.get(key, [])
        return ratio(
            add(lifetime.revenue for lifetime in lifetimes),
            sum(lifetime.is_customer for lifetime in lifetimes),
            predicted_lifetime_value=predicted(lifetimes),
        )

    return context.mart(cells, measure)


# ---------------------------------------------------------------------------------------------- the rest: activity


def activity_cells(
    context: Context, activities: Iterable[Activity], *, by_type: bool = False, booked: bool = False
) -> dict[Key, list[Activity]]:
    company = context.company

    def records() -> Iterator[tuple[date, Members, Activity]]:
        for activity in activities:
            further = {"activity_type": activity.type} if by_type else {}
            day = activity.booked_on if booked else activity.day
            yield day, {**company.rep_members(activity.rep_id), **further}, activity

    return cells_of(context.spine, records())


def activity_count(context: Context, types: set[str], *, by_type: bool = False) -> Mart:
    cells = activity_cells(context, (a for a in context.company.done if a.type in types), by_type=by_type)
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


@metric
def meetings_scheduled(context: Context) -> Mart:
    as_of = context.company.settings.as_of
    booked = (a for a in context.company.activities if a.type == "meeting" and a.booked_on <= as_of)
    cells = activity_cells(context, booked, booked=True)

    def measure(key: Key, _: Period) -> Value:
        meetings = cells.get(key, [])
        took_place = [meeting.status for meeting in meetings if meeting.day <= as_of]
        return total(
            len(meetings),
            held=took_place.count("completed"),
            canceled=[meeting.status for meeting in meetings].count("canceled"),
            no_show=took_place.count("no_show"),
        )

    return context.mart(cells, measure)


@metric
def follow_ups(context: Context) -> Mart:
    def later_touches() -> Iterator[Activity]:
        seen: set[tuple[str, str]] = set()
        for touch in context.company.touches:
            subjects = {
                (kind, subject) for kind, subject in (("lead", touch.lead_id), ("deal", touch.deal_id)) if subject
            }
            if subjects & seen:
                yield touch
            seen |= subjects

    cells = activity_cells(context, later_touches(), by_type=True)
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


@metric
def sales_activity_hours(context: Context) -> Mart:
    cells = activity_cells(context, context.company.done, by_type=True)

    def measure(key: Key, _: Period) -> Value:
        activities = cells.get(key, [])
        minutes = add(activity.minutes for activity in activities)
        selling = add(activity.minutes for activity in activities if activity.type != "admin")
        return total(float(minutes) / 60, selling_hours=float(selling) / 60, selling_share=divide(selling, minutes))

    return context.mart(cells, measure)


@metric
def proposals_sent(context: Context) -> Mart:
    return activity_count(context, {"proposal"})


@metric
def product_demos(context: Context) -> Mart:
    return activity_count(context, {"demo", "presentation"}, by_type=True)


@metric
def networking_events(context: Context) -> Mart:
    return activity_count(context, {"networking_event"})


@metric
def lead_response_time(context: Context) -> Mart:
    company = context.company
    touched_at: dict[str, list[datetime]] = defaultdict(list)
    for touch in company.touches:
        if touch.lead_id is not None:
            touched_at[touch.lead_id].append(touch.occurred_at)
    answered: list[tuple[date, Members, float]] = []
    unanswered: list[tuple[date, Members, None]] = []
    for lead in company.leads:
        members = company.lead_members(lead)
        touches = touched_at[lead.lead_id]
        position = bisect_left(touches, lead.created_at)
        if position < len(touches):
            answered.append((lead.day, members, (touches[position] - lead.created_at) / MINUTE))
        else:
            unanswered.append((lead.day, members, None))
    cells, without = cells_of(context.spine, answered), cells_of(context.spine, unanswered)

    def measure(key: Key, _: Period) -> Value:
        minutes, waiting = cells.get(key, []), len(without.get(key, []))
        return ratio(
            sum(minutes, 0.0),
            len(minutes),
            median=percentile(minutes, 0.5),
            p90=percentile(minutes, 0.9),
            unanswered_leads=waiting,
            answered_within_5_minutes_share=divide(sum(m <= 5 for m in minutes), len(minutes) + waiting),
        )

    return context.mart(cells, measure)


@metric
def inquiry_response_time(context: Context) -> Mart:
    company = context.company
    answered: list[tuple[date, Members, float]] = []
    unanswered: list[tuple[date, Members, None]] = []
    for inquiry in company.inquiries:
        members = {**company.rep_members(inquiry.rep_id), "channel": inquiry.channel}
        if inquiry.responded_at is None:
            unanswered.append((inquiry.day, members, None))
        elif inquiry.responded_at >= inquiry.received_at:
            answered.append((inquiry.day, members, (inquiry.responded_at - inquiry.received_at) / MINUTE))
    cells, without = cells_of(context.spine, answered), cells_of(context.spine, unanswered)

    def measure(key: Key, _: Period) -> Value:
        minutes = cells.get(key, [])
        return ratio(
            sum(minutes, 0.0),
            len(minutes),
            median=percentile(minutes, 0.5),
            p90=percentile(minutes, 0.9),
            unanswered_inquiries=len(without.get(key, [])),
        )

    return context.mart(cells, measure)


@metric
def social_media_engagement(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        ((e.day, {**company.rep_members(e.rep_id), "platform": e.platform}, e) for e in company.engagements),
    )

    def measure(key: Key, _: Period) -> Value:
        records = cells.get(key, [])
        seen = [(record.engagements, record.impressions) for record in records if record.impressions is not None]
        rate = divide(add(engagements for engagements, _ in seen), add(impressions for _, impressions in seen))
        return total(float(add(record.engagements for record in records)), engagement_rate=rate)

    return context.mart(cells, measure)


@metric
def referrals(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (
                lead.day,
                {**company.rep_members(lead.rep_id), "referrer_type": lead.referrer_type or UNKNOWN},
                company.first_sale_on_or_after(lead.account_id, lead.day) is not None,
            )
            for lead in company.leads
            if lead.referrer_type is not None or lead.source == "referral"
        ),
    )
    return context.mart(
        cells, lambda key, _: total(len(cells.get(key, [])), converted_referrals=sum(cells.get(key, [])))
    )


@metric
def activity_ratio(context: Context) -> Mart:
    cells = activity_cells(context, (a for a in context.company.done if a.is_call_or_email or a.type == "meeting"))
    won = {k: v for k, v in closed_deal_cells(context, lambda d: d.is_won).items() if k[2] in ("all", *REP_CUTS)}
    return context.mart([*cells, *won], lambda key, _: ratio(len(cells.get(key, [])), len(won.get(key, []))))


@dataclass(frozen=True)
class Sold:
    up: bool
    cross: bool


@metric
def upsell_cross_sell_rate(context: Context) -> Mart:
    company = context.company
    upsold_on: dict[str, list[date]] = defaultdict(list)
    cross_sold_on: dict[str, list[date]] = defaultdict(list)
    for deal in company.deals:
        if deal.is_won and deal.closed_on is not None and deal.account_id is not None:
            if deal.deal_type == "upsell":
                upsold_on[deal.account_id].append(deal.closed_on)
            elif deal.deal_type == "cross_sell":
                cross_sold_on[deal.account_id].append(deal.closed_on)
    for account_id, sales in company.sales_by_account.items():
        bought: set[str] = set()
        for number, sale in enumerate(sales):
            if number and sale.products - bought:
                cross_sold_on[account_id].append(sale.day)
            bought |= sale.products

    def at(period: Period) -> Iterator[tuple[Members, Sold]]:
        before, last = context.day_before(period), context.spine.close(period)
        movements = company.mrr_movements(before, last, by_plan=False)
        # Less than half a cent is what the rounding of fx_mrr leaves of an amount that never changed.
        expanded = {movement.account_id for movement in movements if movement.expansion > HALF_A_CENT}
        for account_id in company.active_at(before):
            up = any(period.start <= day <= last for day in upsold_on[account_id])
            cross = any(period.start <= day <= last for day in cross_sold_on[account_id])
            members = only(company.account_members(account_id), "segment", "region")
            yield members, Sold(up or account_id in expanded, cross)

    cells = balance_cells(context.spine, at)

    def measure(key: Key, _: Period) -> Value:
        customers = cells.get(key, [])
        return ratio(
            sum(sold.up or sold.cross for sold in customers),
            len(customers),
            upsold_customers=sum(sold.up for sold in customers),
            cross_sold_customers=sum(sold.cross for sold in customers),
        )

    return context.mart(cells, measure)


# ------------------------------------------------------------------------------------------ the rest: productivity


@metric
def revenue_per_rep(context: Context) -> Mart:
    company = context.company
    known = [
        (day, only(members, *REP_CUTS), record)
        for day, members, record in revenue_records(company)
        # a sale without items credits nobody with anything
        if members["sales_rep"] != UNKNOWN and "product_category" in members
    ]
    cells = cells_of(context.spine, known)

    def employed(period: Period) -> Iterator[tuple[Members, str]]:
        for rep in company.reps.values():
            hired = rep.hired_on is None or rep.hired_on <= period.end
            if hired and (rep.left_on is None or rep.left_on >= period.start):
                yield company.rep_members(rep.rep_id), rep.rep_id

    reps = balance_cells(context.spine, employed)

    def measure(key: Key, _: Period) -> Value:
        heads = 1 if key[2] == "sales_rep" else len(reps.get(key, []))
        return ratio(net(cells.get(key, [])), heads)

    return context.mart([*cells, *reps], measure)


@metric
def average_deal_size(context: Context) -> Mart:
    cells = closed_deal_cells(context, lambda deal: deal.is_won)

    def measure(key: Key, _: Period) -> Value:
        amounts = [deal.amount for deal in cells.get(key, [])]
        median = percentile([float(amount) for amount in amounts], 0.5)
        return ratio(add(amounts), len(amounts), median=None if median is None else Decimal(median))

    return context.mart(cells, measure)


@metric
def sales_pipeline(context: Context) -> Mart:
    cells = open_deal_cells(context, "stage", *REP_CUTS)

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        return total(
            len(deals),
            open_amount=add(open_deal.deal.amount for open_deal in deals),
            average_age_days=mean([float(open_deal.age_days) for open_deal in deals]),
            average_days_in_stage=mean([float(open_deal.days_in_stage) for open_deal in deals]),
        )

    return context.mart(cells, measure)
