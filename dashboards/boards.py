"""The boards: which figures each shows, over which marts, under which titles."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboards import charts
from dashboards.marts import ALL, COMPANY_PERIODS, MEMBER_PERIODS, MOST_REPS, Row
from dashboards.painter import Figure, Page, Painter, Section
from dashboards.texts import Text
from orchestration.core.catalog import headlines
from orchestration.core.contract import PROJECT_ROOT

# As many names have room beside their dots, and as many bars above each other.
MOST_NAMES = 20
# Cohorts on the heat map, and how many months of each.
MOST_COHORTS = 18
TILES = headlines()[:6]
LEADERS = (
    "revenue", "quota_attainment", "win_rate", "average_deal_size", "calls_and_emails", "meetings_scheduled",
    "lead_response_time", "csat",
)  # fmt: skip


@dataclass(frozen=True)
class Board:
    """A board: its file's name, its title, what it answers, and how its page is made."""

    slug: str
    title: Text
    answers: Text
    page: Callable[[Painter], Page]


def scorecard(painter: Painter) -> Page:
    """Every metric of the catalogue in one table."""
    scores, entities = painter.scores(ALL, COMPANY_PERIODS, 1)
    return Page(filters=("grain", "period"), scores=scores, entities=entities, tiles=TILES)


def metric_board(*groups: tuple[Text, Sequence[str]]) -> Callable[[Painter], Page]:
    """A board with a figure for each metric, under headings."""

    def page(painter: Painter) -> Page:
        titled = {title.to(painter.marts.language): metrics for title, metrics in groups}
        sections, members = painter.metric_sections(titled)
        return Page(filters=("grain", "by"), sections=sections, members=members)

    return page


def pipeline(painter: Painter) -> Page:
    """Open deals: where they stand, what leaks, how old they are, what they promise."""
    say = painter.say
    now = Section(
        say("Where the open deals stand", "진행 중인 거래의 현황"),
        [_open_by_stage(painter), _value_by_stage(painter), _age_by_stage(painter), _pipeline_over_time(painter)],
    )
    flow = Section(
        say("What moves and what leaks", "진행과 이탈"),
        [
            _by_member(painter, "funnel_leakage", "stage", say(
                "Share of the exits from each stage that were lost", "단계별 이탈 중 실주 비율")),
            _by_member(painter, "stage_duration", "stage", say(
                "Mean days spent in each stage", "단계별 평균 체류 일수"),
                [("median", say("median", "중앙값")), ("p90", say("90th percentile", "90번째 백분위수"))]),
            _by_member(painter, "lost_reasons", "lost_reason", say("Deals lost, by reason", "사유별 실주 거래 수"),
                colour=charts.GONE),
            _over_time(painter, "sales_velocity"),
        ],
    )  # fmt: skip
    ahead = Section(
        say("What it promises", "전망"), [_forecast(painter), _over_time(painter, "pipeline_coverage")]
    )  # fmt: skip
    return Page(filters=("grain", "period"), sections=[now, flow, ahead])


def customers(painter: Painter) -> Page:
    """Customers won, kept and lost, and what they are worth against what they cost."""
    say = painter.say
    won = Section(
        say("Won", "확보"),
        [
            _over_time(painter, "new_customers"),
            _by_member(painter, "new_customers", "lead_source", say(
                "New customers, by lead source", "리드 소스별 신규 고객")),
            _over_time(painter, "customer_acquisition_cost"),
            _clv_and_cac(painter),
        ],
    )  # fmt: skip
    kept = Section(
        say("Kept and lost", "유지와 이탈"),
        [_cohorts(painter), _retention(painter), _over_time(painter, "repeat_purchase_rate"),
         _over_time(painter, "csat")],
    )  # fmt: skip
    recurring = Section(
        say("Recurring revenue", "반복 수익"),
        [_mrr_bridge(painter), _mrr_movements(painter), _over_time(painter, "average_revenue_per_account")],
    )
    return Page(filters=("grain", "period"), sections=[won, kept, recurring])


def team(painter: Painter) -> Page:
    """Who sells how much, against the quota and with how much activity; and one rep's metrics."""
    say = painter.say
    scores, entities = painter.scores("sales_rep", MEMBER_PERIODS, MOST_REPS)
    compared = Section(
        say("Results and activity", "성과와 활동"),
        [
            _by_member(painter, "quota_attainment", "sales_rep", say(
                "Share of the quota won, by rep (line: 100 %)", "담당자별 할당량 달성률 (선: 100 %)"), rule=1.0),
            _activity_and_revenue(painter),
        ],
    )  # fmt: skip
    return Page(
        filters=("grain", "period", "rep"), sections=[compared], scores=scores, entities=entities, leaders=LEADERS
    )  # fmt: skip


BOARDS: tuple[Board, ...] = (
    Board(
        "scorecard", Text("Scorecard", "스코어카드"),
        Text("Every metric: against the period before, the year before and the target.",
             "모든 지표: 직전 기간, 전년 동기, 목표와 비교."),
        scorecard,
    ),
    Board(
        "performance", Text("Performance", "성과"),
        Text("What the business sells, to whom, and how well.", "무엇을, 누구에게, 얼마나 잘 판매하는가."),
        metric_board(
            (Text("Sales", "판매"), (
                "revenue", "sales_growth", "sales_target_attainment", "average_order_value", "average_revenue")),
            (Text("Deals and leads", "거래와 리드"), (
                "win_rate", "sales_cycle_length", "sales_opportunities", "funnel_leakage", "lead_conversion_rate",
                "lead_source_conversion_rate", "quota_attainment")),
            (Text("Customers", "고객"), (
                "new_customers", "customer_acquisition_cost", "customer_lifetime_value", "customer_retention_rate",
                "customer_churn_rate", "csat", "mrr")),
        ),
    ),
    Board(
        "activity", Text("Activity", "활동"),
        Text("What the team does, and how fast.", "팀이 무엇을 얼마나 빨리 하는가."),
        metric_board(
            (Text("What is done", "수행한 활동"), (
                "calls_and_emails", "meetings_scheduled", "follow_ups", "sales_activity_hours", "proposals_sent",
                "product_demos", "networking_events", "social_media_engagement", "referrals")),
            (Text("How fast and to what effect", "속도와 효과"), (
                "lead_response_time", "inquiry_response_time", "activity_ratio", "upsell_cross_sell_rate")),
        ),
    ),
    Board(
        "productivity", Text("Productivity", "생산성"),
        Text("What comes out of each rep, deal and hour.", "담당자, 거래, 시간당 산출."),
        metric_board(
            (Text("Per rep and deal", "담당자와 거래당"), (
                "revenue_per_rep", "average_deal_size", "pipeline_value", "sales_pipeline")),
            (Text("What a manager asks next", "관리자가 다음으로 묻는 지표"), (
                "revenue_per_selling_hour", "sales_efficiency", "gross_margin", "refund_rate", "sales_velocity",
                "cac_payback_months")),
        ),
    ),
    Board(
        "pipeline", Text("Pipeline", "파이프라인"),
        Text("Open deals: stages, leakage, age and forecast.", "진행 중인 거래: 단계, 이탈, 경과, 예측."),
        pipeline,
    ),
    Board(
        "customers", Text("Customers", "고객"),
        Text("Won, kept and lost; worth against cost.", "확보, 유지, 이탈; 가치와 비용."),
        customers,
    ),
    Board(
        "team", Text("Team", "팀"),
        Text("The leaderboard, quota, activity against results, and one rep's page.",
             "순위표, 할당량, 활동 대비 성과, 담당자별 페이지."),
        team,
    ),
)  # fmt: skip


def _over_time(painter: Painter, metric_id: str) -> Figure:
    """The company's metric over time, as on the boards of its category."""
    return painter.metric(metric_id, (), {}, {ALL: charts.MAIN})


def _by_member(
    painter: Painter,
    metric_id: str,
    cut: str,
    title: str,
    extra: Sequence[tuple[str, str]] = (),
    *,
    colour: str = charts.MAIN,
    rule: float = -1,
) -> Figure:
    """A metric by the members of a cut, the stages in their order, other cuts by value. `extra`: columns, titles."""
    unit = painter.marts.metrics[metric_id].unit
    spec = charts.bars(
        unit, _words(painter, cut), colour=colour, rule=rule, extra=[(column, unit, told) for column, told in extra]
    )
    rows = _members(painter, f"kpi_{metric_id}", cut, "metric_value", [column for column, _ in extra])
    is_cut = any(row["o"] == MOST_NAMES for row in rows)
    note = painter.say(f"The {MOST_NAMES} largest at most.", f"최대 {MOST_NAMES}개까지 표시.") if is_cut else ""
    return painter.figure(f"{metric_id}_by_{cut}", [metric_id], title, spec, rows, note)


def _members(painter: Painter, mart: str, cut: str, value: str, extra: Sequence[str] = ()) -> list[Row]:
    """The members of a mart's cut, of every period shown, with a column as v; ordered for bars (column o)."""
    rows: list[Row] = []
    for grain, count in MEMBER_PERIODS.items():
        rows += painter.snapshot(
            f"select period_grain as g, period_start as t, dimension_value as member, dimension_label as label, "
            f"{value} as v{''.join(f', {column}' for column in extra)}, "
            f"row_number() over (partition by period_start order by {value} desc, dimension_value) as o "
            f"from kpi.{mart} where period_grain = ? and dimension = ? and {value} is not null and period_start <= ? "
            "qualify dense_rank() over (order by period_start desc) <= ?",
            [grain, cut, painter.marts.build.as_of_date, count],
        )
    if cut == "stage":
        places = _stage_places()
        rows = [{**row, "o": places.get(row["m"], len(places))} for row in rows]
    return [row for row in rows if row["o"] <= MOST_NAMES]


def _stage_places() -> dict[str, int]:
    """The stages of the business in their order, from its seed."""
    with (PROJECT_ROOT / "seeds" / "deal_stages.csv").open(encoding="utf-8", newline="") as stream:
        return {row["stage"]: int(row["stage_order"]) for row in csv.DictReader(stream)}


def _words(painter: Painter, member: str = ALL) -> dict[str, str]:
    told = painter.marts.cut_name(member)
    return {**painter.words, "member": told, "part": painter.words["metric"]}


def _open_by_stage(painter: Painter) -> Figure:
    rows = _members(painter, "kpi_sales_pipeline", "stage", "metric_value")
    title = painter.say("Open deals at the period's end, by stage", "기말 진행 중인 거래 수, 단계별")
    spec = charts.bars("count", _words(painter, "stage"))
    return painter.figure("open_deals_by_stage", ["sales_pipeline"], title, spec, rows)


def _value_by_stage(painter: Painter) -> Figure:
    rows = _members(painter, "kpi_pipeline_value", "stage", "metric_value", ["weighted_value"])
    title = painter.say("Value of the open deals, by stage", "진행 중인 거래 금액, 단계별")
    weighted = painter.say("weighted by probability", "확률 가중")
    spec = charts.bars("money", _words(painter, "stage"), extra=[("weighted_value", "money", weighted)])
    return painter.figure("open_value_by_stage", ["pipeline_value"], title, spec, rows)


def _age_by_stage(painter: Painter) -> Figure:
    rows = _members(painter, "kpi_sales_pipeline", "stage", "average_age_days", ["average_days_in_stage"])
    title = painter.say("Mean age of the open deals, by stage", "진행 중인 거래의 평균 경과 일수, 단계별")
    in_stage = painter.say("of it in this stage", "현재 단계에서")
    spec = charts.bars("days", _words(painter, "stage"), extra=[("average_days_in_stage", "days", in_stage)])
    return painter.figure("age_by_stage", ["sales_pipeline"], title, spec, rows)


def _pipeline_over_time(painter: Painter) -> Figure:
    whole = painter.say("all open deals", "진행 중인 거래 전체")
    weighted = painter.say("weighted by probability", "확률 가중")
    rows = _company_series(painter, "kpi_pipeline_value", {"metric_value": whole, "weighted_value": weighted})
    title = painter.say("Value of the open deals over time", "진행 중인 거래 금액 추이")
    spec = charts.series("money", {whole: charts.MAIN, weighted: charts.LESS}, _words(painter))
    return painter.figure("pipeline_value", ["pipeline_value"], title, spec, rows)


def _company_series(painter: Painter, mart: str, columns: dict[str, str]) -> list[Row]:
    """Columns of a mart for the company over time, as rows of k (the column's name on the chart) and v."""
    rows: list[Row] = []
    for place, (column, told) in enumerate(columns.items()):
        for grain, count in COMPANY_PERIODS.items():
            found = painter.marts.rows(
                f"select period_grain as g, period_start as t, is_complete as c, {column} as v from kpi.{mart} "
                "where period_grain = ? and dimension = 'all' and period_start <= ? "
                "order by period_start desc limit ?",
                [grain, painter.marts.build.as_of_date, count],
            )
            rows += [{**row, "k": told, "o": place} for row in reversed(found)]
    return painter.labelled(rows)


def _forecast(painter: Painter) -> Figure:
    say = painter.say
    parts = {
        "won_amount": say("won so far", "성사된 거래"),
        "weighted_amount": say("open, by probability", "진행 중 (확률 가중)"),
        "open_amount - weighted_amount": say("open, the rest", "진행 중 (나머지)"),
    }
    rows: list[Row] = []
    for place, (column, told) in enumerate(parts.items()):
        found = painter.marts.rows(
            f"select period_grain as g, period_start as t, true as c, {column} as v, target_value as x "
            "from kpi.kpi_sales_forecast where dimension = 'all' and period_grain in ('month', 'quarter') "
            "and period_end >= ? order by period_start",
            [painter.marts.build.as_of_date],
        )
        rows += [{**row, "k": told, "o": place} for row in found]
    colours = dict(zip(parts.values(), (charts.MAIN, charts.PALE, charts.OTHER_MEMBERS), strict=True))
    spec = charts.stacked("money", colours, _words(painter), has_target=True, running_pale=False)
    title = say("Forecast for the periods ahead (tick: target)", "향후 기간의 예측 (눈금: 목표)")
    return painter.figure("sales_forecast", ["sales_forecast"], title, spec, painter.labelled(rows))


def _clv_and_cac(painter: Painter) -> Figure:
    value, cost = painter.name("customer_lifetime_value"), painter.name("customer_acquisition_cost")
    rows = _company_series(painter, "kpi_customer_lifetime_value", {"metric_value": value})
    rows += _company_series(painter, "kpi_customer_acquisition_cost", {"metric_value": cost})
    title = painter.say("What a customer has brought against what one costs", "고객 가치와 확보 비용")
    spec = charts.series("money", {value: charts.MAIN, cost: charts.GONE}, _words(painter))
    return painter.figure(
        "clv_and_cac", ["customer_lifetime_value", "customer_acquisition_cost"], title, spec, rows
    )  # fmt: skip


def _retention(painter: Painter) -> Figure:
    kept, lost = painter.name("customer_retention_rate"), painter.name("customer_churn_rate")
    rows = _company_series(painter, "kpi_customer_retention_rate", {"metric_value": kept})
    rows += _company_series(painter, "kpi_customer_churn_rate", {"metric_value": lost})
    title = painter.say("Share of the customers kept and lost in each period", "기간별 고객 유지율과 이탈률")
    spec = charts.series("rate", {kept: charts.MAIN, lost: charts.GONE}, _words(painter))
    return painter.figure("retention_and_churn", ["customer_retention_rate"], title, spec, rows)


def _cohorts(painter: Painter) -> Figure:
    """The newest cohorts; a month of a cohort that is not over yet is left out by the mart."""
    rows = painter.marts.rows(
        "select period_start as t, cast(dimension_value as integer) as n, metric_value as v, denominator as z "
        "from kpi.kpi_cohort_retention where dimension = 'months_since' and metric_value is not null "
        "and cast(dimension_value as integer) < ? "
        "qualify dense_rank() over (order by period_start desc) <= ? order by period_start, n",
        [MOST_COHORTS, MOST_COHORTS],
    )
    words = {
        **painter.words,
        "months_since": painter.say("months since the first purchase", "첫 구매 후 개월 수"),
        "cohort": painter.say("Customers of", "고객 확보 월"),
        "customers": painter.say("of so many customers", "고객 수"),
    }
    title = painter.say(
        "Share of each month's new customers still active so many months later", "월별 신규 고객의 이후 유지율"
    )
    return painter.figure(
        "cohorts", ["cohort_retention"], title, charts.heat_map(words), painter.labelled(rows, "month"), is_wide=True
    )  # fmt: skip


def _movements(painter: Painter) -> dict[str, tuple[str, str]]:
    """The movements of MRR: the mart's column to its name and colour."""
    say = painter.say
    return {
        "new_mrr": (say("new", "신규"), charts.UP),
        "expansion_mrr": (say("expansion", "확장"), charts.MORE),
        "reactivation_mrr": (say("reactivated", "재활성"), charts.BACK),
        "contraction_mrr": (say("contraction", "축소"), charts.LESS),
        "churned_mrr": (say("churned", "이탈"), charts.GONE),
        "fx_mrr": (say("exchange rates", "환율"), charts.OTHER),
    }


def _mrr_movements(painter: Painter) -> Figure:
    movements = _movements(painter)
    rows = _company_series(painter, "kpi_mrr", {column: told for column, (told, _) in movements.items()})
    title = painter.say("What made MRR grow and shrink, over time", "MRR 증감 요인 추이")
    spec = charts.stacked("money", dict(movements.values()), _words(painter))
    return painter.figure("mrr_movements", ["mrr"], title, spec, [row for row in rows if row["v"] is not None])


def _mrr_bridge(painter: Painter) -> Figure:
    """Opening MRR, its movements, closing MRR: every step stands where the one before ended."""
    movements = _movements(painter)
    opening, closing = painter.say("opening", "기초"), painter.say("closing", "기말")
    rows: list[Row] = []
    for grain, count in MEMBER_PERIODS.items():
        found = painter.marts.rows(
            f"select period_grain as g, period_start as t, metric_value, {', '.join(movements)} from kpi.kpi_mrr "
            "where period_grain = ? and dimension = 'all' and period_start <= ? and metric_value is not null "
            "and new_mrr is not null order by period_start desc limit ?",
            [grain, painter.marts.build.as_of_date, count],
        )
        for row in found:
            rows += _bridge_steps(row, {column: told for column, (told, _) in movements.items()}, opening, closing)
    colours = {opening: charts.INK, closing: charts.INK} | dict(movements.values())
    title = painter.say("MRR from the opening to the closing of the period", "기초에서 기말까지의 MRR")
    spec = charts.bridge("money", colours, _words(painter))
    note = painter.say("The axis is cut: read the numbers.", "축이 생략되어 있으므로 숫자를 참고하십시오.")
    return painter.figure("mrr_bridge", ["mrr"], title, spec, rows, note, is_wide=True)


def _bridge_steps(row: Row, movements: dict[str, str], opening: str, closing: str) -> list[Row]:
    """The steps of one period: from a to b, worth v; the first and the last stand on a foot below the others."""
    moved = [(told, row[column] or 0.0) for column, told in movements.items()]
    height = row["metric_value"] - sum(value for _, value in moved)
    heights = [height, *(height + sum(value for _, value in moved[: place + 1]) for place in range(len(moved)))]
    lowest, highest = min(heights), max(heights)
    foot = lowest - 0.6 * (highest - lowest)
    common = {"g": row["g"], "t": row["t"]}
    steps = [{**common, "k": opening, "o": 0, "a": foot, "b": height, "v": height}]
    for place, (told, value) in enumerate(moved, start=1):
        steps.append({**common, "k": told, "o": place, "a": height, "b": height + value, "v": value})
        height += value
    return [*steps, {**common, "k": closing, "o": len(steps), "a": foot, "b": height, "v": row["metric_value"]}]


def _activity_and_revenue(painter: Painter) -> Figure:
    rows: list[Row] = []
    for grain, count in MEMBER_PERIODS.items():
        rows += painter.snapshot(
            "select r.period_grain as g, r.period_start as t, r.dimension_value as member, "
            "r.dimension_label as label, a.metric_value as v, r.metric_value as y "
            "from kpi.kpi_revenue as r inner join kpi.kpi_calls_and_emails as a "
            "using (period_grain, period_start, dimension, dimension_value) "
            "where r.period_grain = ? and r.dimension = 'sales_rep' and r.dimension_value <> 'unknown' "
            "and r.period_start <= ? qualify dense_rank() over (order by r.period_start desc) <= ?",
            [grain, painter.marts.build.as_of_date, count],
        )
    across, up = painter.name("calls_and_emails"), painter.name("revenue")
    words = {**_words(painter, "sales_rep"), "x": across, "y": up}
    title = painter.say("Calls and emails against revenue, a dot a rep", "담당자별 전화·이메일 수와 수익")
    most = max(Counter((row["g"], row["t"]) for row in rows).values(), default=0)
    spec = charts.scatter("count", "money", words, has_names=most <= MOST_NAMES)
    return painter.figure("activity_and_revenue", ["revenue"], title, spec, rows)
