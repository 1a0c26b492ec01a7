"""What the codes in the data are called: cuts, units, and the lines of the bridges, in a language.

Metrics and their formulas are named by the catalogue of metrics (`seeds/metrics.csv`, `seeds/metric_other_names.csv`).
"""

from __future__ import annotations

from functools import cache

from orchestration.text.catalogue import Language, translations


def cut_name(dimension: str, language: Language) -> str:
    """A cut as people read it: `sales_rep` is "Sales rep". One that is not known here stands for itself."""
    return _cuts(language).get(dimension) or _as_words(dimension)


def unit_name(unit: str, language: Language) -> str:
    """A unit as people read it; one that is not known here stands for itself."""
    return _units(language).get(unit) or _as_words(unit)


def line_name(column: str, language: Language) -> str:
    """A line of a bridge, a trend or a control, by the column or control that holds its amount."""
    return _lines(language).get(column) or _as_words(column)


def cause_name(cause: str, language: Language) -> str:
    """Why a closed figure differs from today's data, as `kpi_restatements` says it."""
    return _causes(language).get(cause) or _as_words(cause)


def _as_words(code: str) -> str:
    return code.replace("_", " ").capitalize()


@cache
def _cuts(language: Language) -> dict[str, str]:
    _ = translations(language).gettext
    pgettext = translations(language).pgettext
    return {
        "all": pgettext("cut", "Company"),
        "sales_rep": _("Sales rep"),
        "team": _("Team"),
        "region": _("Region"),
        "segment": _("Segment"),
        "lead_source": _("Lead source"),
        "deal_type": _("Deal type"),
        "stage": _("Stage"),
        "activity_type": _("Activity type"),
        "product_category": _("Product category"),
        "plan": _("Plan"),
        "channel": _("Channel"),
        "platform": _("Platform"),
        "referrer_type": _("Referrer"),
        "lost_reason": _("Lost reason"),
        "months_since": _("Months since"),
    }


@cache
def _units(language: Language) -> dict[str, str]:
    _ = translations(language).gettext
    return {
        "money": _("money"),
        "count": _("count"),
        "rate": _("rate"),
        "ratio": _("ratio"),
        "days": _("days"),
        "hours": _("hours"),
        "minutes": _("minutes"),
        "months": _("months"),
    }


@cache
def _lines(language: Language) -> dict[str, str]:
    _ = translations(language).gettext
    return {
        "revenue": _("Revenue"),
        "target": _("Target"),
        # MRR from the opening to the closing of a month
        "opening_mrr": _("Opening MRR"),
        "restated_mrr": _("Restated by later data"),
        "new_mrr": _("New"),
        "expansion_mrr": _("Expansion"),
        "contraction_mrr": _("Contraction"),
        "churned_mrr": _("Churned"),
        "reactivation_mrr": _("Reactivated"),
        "fx_mrr": _("Exchange rates"),
        "closing_mrr": _("Closing MRR"),
        # from bookings to revenue
        "bookings": _("Bookings (deals won)"),
        "bookings_not_billed": _("Less: not billed in the month"),
        "billed_of_earlier_bookings": _("Billed for earlier bookings"),
        "billed_before_won": _("Billed before the deal was won"),
        "subscription_sales": _("Subscriptions"),
        "direct_sales": _("Sales without a deal"),
        "refunds": _("Less: refunds"),
        # the controls of a close
        "revenue, from bookings": _("Revenue, from bookings"),
        "mrr": _("MRR"),
        "mrr, from its movements": _("MRR, from its movements"),
        "ad_spend": _("Ad spend"),
        "sales_costs": _("Sales costs"),
    }


@cache
def _causes(language: Language) -> dict[str, str]:
    _ = translations(language).gettext
    return {
        "late_data": _("late data"),
        "attributes": _("changed attributes"),
        "later_events": _("later events"),
        "settings": _("settings"),
        "models": _("models"),
    }
