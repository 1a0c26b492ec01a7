"""What the boards say, in English and Korean; metrics are named by the catalogue, cuts by finance's labels."""

from __future__ import annotations

from typing import NamedTuple

from orchestration.finance.labels import LANGUAGES, Language, text

__all__ = ["LANGUAGES", "TEXTS", "Language", "Text", "cut_name", "texts"]


class Text(NamedTuple):
    """The same words in both languages."""

    en: str
    ko: str

    def to(self, language: Language) -> str:
        """The words in one language."""
        return self.en if language == "en" else self.ko


TEXTS: dict[str, Text] = {
    "site": Text("Sales KPIs", "영업 KPI"),
    "boards": Text("Boards", "보드"),
    "other_language": Text("한국어", "English"),
    "as_of": Text("Books as of", "기준일"),
    "published": Text("Published (UTC)", "게시 시각 (UTC)"),
    "run": Text("Build", "빌드"),
    "money_in": Text("Money in", "통화"),
    "grain": Text("Period", "기간 단위"),
    "week": Text("Week", "주"),
    "month": Text("Month", "월"),
    "quarter": Text("Quarter", "분기"),
    "year": Text("Year", "연도"),
    "period": Text("Which", "시점"),
    "by": Text("Show by", "구분"),
    "all": Text("Company", "회사 전체"),
    "rep": Text("Sales rep", "영업 담당자"),
    "so_far": Text("so far", "진행 중"),
    "metric": Text("Metric", "지표"),
    "value": Text("Value", "값"),
    "trend": Text("Trend", "추이"),
    "before": Text("Period before", "직전 기간"),
    "year_before": Text("Year before", "전년 동기"),
    "target": Text("Target", "목표"),
    "status": Text("Status", "상태"),
    "good": Text("reached", "달성"),
    "near": Text("within 10 %", "10 % 이내"),
    "off": Text("off", "미달"),
    "no_status": Text("nothing to compare with", "비교 대상 없음"),
    "running": Text("period still running", "진행 중인 기간"),
    "against": Text("against", "기준:"),
    "last_year": Text("Year before", "전년 동기"),
    "lower_is_better": Text("lower is better", "낮을수록 좋음"),
    "higher_is_better": Text("higher is better", "높을수록 좋음"),
    "performance": Text("Performance", "성과"),
    "activity": Text("Activity", "활동"),
    "productivity": Text("Productivity", "생산성"),
    "beyond": Text("What a manager asks next", "관리자가 다음으로 묻는 지표"),
    "others": Text("others", "기타"),
    "unknown": Text("unknown", "알 수 없음"),
    "no_data": Text("No data landed for", "다음 데이터가 없습니다:"),
    "no_rows": Text("Nothing happened in the periods shown.", "표시된 기간에 해당 사항이 없습니다."),
    "not_by": Text("not kept by this cut: the company is shown", "이 구분으로 집계되지 않아 회사 전체를 표시"),
    "not_grain": Text("not kept for this period: months are shown", "이 기간 단위로 집계되지 않아 월을 표시"),
    "top_members": Text("the {count} largest are shown", "상위 {count}개만 표시"),
    "needs_script": Text("The charts need JavaScript.", "차트를 보려면 JavaScript가 필요합니다."),
    "days": Text("{n} days", "{n}일"),
    "hours": Text("{n} h", "{n}시간"),
    "minutes": Text("{n} min", "{n}분"),
    "months": Text("{n} months", "{n}개월"),
    "legend_year": Text("grey line: the year before", "회색 선: 전년 동기"),
    "legend_target": Text("black tick: target", "검은 눈금: 목표"),
    "legend_running": Text("pale: period still running", "연한 색: 진행 중인 기간"),
    "how_status": Text(
        "Status compares with the target, else with the year before, else with the period before, in the direction "
        "that is better for the metric: reached, within 10 % of it, or off.",
        "상태는 목표, 없으면 전년 동기, 없으면 직전 기간과 비교하며 "
        "지표별로 유리한 방향을 기준으로 합니다: 달성, 10 % 이내, 미달.",
    ),
}


def texts(language: Language) -> dict[str, str]:
    """All texts in one language, by key."""
    return {key: told.to(language) for key, told in TEXTS.items()}


def cut_name(dimension: str, language: Language) -> str:
    """A cut's name as people read it: `sales_rep` is "Sales rep"."""
    return text(dimension, language)
