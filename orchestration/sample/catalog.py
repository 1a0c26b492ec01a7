"""What the sample company sells, to whom and how: the constants of its business. Money is in cents."""

from __future__ import annotations

from dataclasses import dataclass


def weighted(shares: dict[str, int]) -> tuple[str, ...]:
    """Every key as often as its share says, so that one uniform draw picks by weight."""
    return tuple(key for key, share in shares.items() for _ in range(share))


@dataclass(frozen=True)
class Product:
    """A thing on the price list: price and unit cost in cents of USD."""

    product_id: str
    name: str
    category: str
    price: int
    cost: int


PRODUCTS = (
    Product("P-01", "Counter Terminal", "Hardware", 64900, 38000),
    Product("P-02", "Label Printer", "Hardware", 27900, 16500),
    Product("P-03", "Barcode Scanner", "Hardware", 14900, 8200),
    Product("P-04", "Cash Drawer", "Hardware", 9900, 5600),
    Product("P-05", '"Receipt Rolls, box of 50"', "Supplies", 4900, 2400),
    Product("P-06", "Labels 62mm", "Supplies", 3900, 1700),
    Product("P-07", "Cleaning Kit 🧽", "Supplies", 2900, 1100),
    Product("P-08", "Onboarding Day", "Services", 98000, 52000),
    Product("P-09", "Data Migration", "Services", 145000, 80000),
    Product("P-10", "매장 교육 Training", "Services", 59000, 31000),
    Product("P-11", "Plan Basic", "Subscriptions", 4900, 900),
    Product("P-12", "Plan Team", "Subscriptions", 9900, 1900),
    Product("P-13", "Plan Business", "Subscriptions", 19900, 3900),
    Product("P-14", "Plan Support", "Subscriptions", 2900, 1200),
)
BIG_TICKETS = (PRODUCTS[0], PRODUCTS[0], PRODUCTS[1], PRODUCTS[7], PRODUCTS[8], PRODUCTS[9])
SHELF = (PRODUCTS[1], PRODUCTS[2], PRODUCTS[3], PRODUCTS[4], PRODUCTS[4], PRODUCTS[5], PRODUCTS[6])
PLANS = ("basic", "team", "business", "support")
PLAN_PRODUCTS = dict(zip(PLANS, PRODUCTS[10:], strict=True))
PLAN_MIX = weighted({"basic": 10, "team": 7, "business": 3})
UPGRADES = {"basic": "team", "team": "business"}
# billing interval -> (days between bills, price as a share of the monthly price in percent)
INTERVALS = {"week": (7, 24), "month": (30, 100), "quarter": (91, 290), "year": (365, 1000)}
INTERVAL_MIX = weighted({"month": 13, "year": 4, "quarter": 2, "week": 1})

# teams and regions are the company's: the same ones in every unit
TEAMS = ("Falcon", "Harbor", "Summit")
REGIONS = ("Americas", "EMEA", "APAC")
# one account in so many is of a region where in most months nothing happens
RARE_REGION, RARE_REGION_EVERY = "Oceania", 41


@dataclass(frozen=True)
class Slot:
    """A seat in a unit: hired and left as shares of the three years, hired < 0 before they begin."""

    team: str
    region: str
    hired: float
    left: float | None


SLOTS = (
    Slot("Falcon", "Americas", -0.30, None),
    Slot("Harbor", "EMEA", -0.25, None),
    Slot("Summit", "APAC", -0.20, None),
    Slot("Falcon", "EMEA", -0.15, None),
    Slot("Harbor", "Americas", -0.12, None),
    Slot("Summit", "Americas", -0.10, 0.31),
    Slot("Falcon", "Americas", -0.06, 0.62),
    Slot("Harbor", "EMEA", -0.02, None),
    Slot("Summit", "APAC", 0.12, None),
    Slot("Summit", "Americas", 0.33, None),
    Slot("Harbor", "APAC", 0.45, 0.80),
    Slot("Falcon", "EMEA", 0.64, None),
    Slot("Harbor", "Americas", 0.83, None),
)
STEADY = 5  # the first five stay for good, and take over from those who leave

PAID_CHANNELS = {
    "google_ads": 9000,
    "linkedin_ads": 7000,
    "meta_ads": 4500,
}  # cents a day and unit at the start
SOURCE_MIX = weighted(
    {
        "google_ads": 20,
        "linkedin_ads": 10,
        "meta_ads": 11,
        "organic_search": 19,
        "website": 11,
        "referral": 11,
        "event": 8,
        "outbound": 10,
    }
)
QUALIFIED_SHARE = {
    "google_ads": 0.34,
    "linkedin_ads": 0.38,
    "meta_ads": 0.24,
    "organic_search": 0.40,
    "website": 0.36,
    "referral": 0.60,
    "event": 0.42,
    "outbound": 0.26,
}
SEGMENT_MIX = weighted({"SMB": 13, "Mid-market": 5, "Enterprise": 2})
INDUSTRIES = (
    "Retail",
    "Hospitality",
    "Healthcare",
    "Logistics",
    "Education",
    "Manufacturing",
    "Food & Beverage",
)
BASKET_SIZE = {"SMB": 8, "Mid-market": 16, "Enterprise": 30}  # the most units of one product in a deal

STAGES = ("prospecting", "qualification", "proposal", "negotiation", "closed_won", "closed_lost")
WON, LOST = 4, 5
STAGE_DAYS = (14, 16, 18, 14)  # the most days in each open stage, above a minimum of one
STAGE_PROBABILITY = ("0.10", "0.25", "0.50", "0.75", "1", "0")
# the share lost at each exit of an open stage, by deal type
LOSSES = {
    "new_business": (0.31, 0.30, 0.29, 0.25),
    "upsell": (0.22, 0.22, 0.22, 0.18),
    "cross_sell": (0.25, 0.24, 0.22, 0.20),
    "renewal": (0.10, 0.12, 0.12, 0.10),
}
FOLLOW_UP_MIX = ("upsell", "upsell", "cross_sell", "cross_sell", "renewal")
LOST_REASONS = ("price", "competitor", "no_budget", "no_decision", "timing", "missing_feature")
# what a rep does while a deal is in a stage
STAGE_ACTIVITIES = (
    ("call", "email", "email", "call"),
    ("meeting", "call", "email"),
    ("proposal", "demo", "presentation", "proposal", "email"),
    ("call", "email", "meeting"),
)
LEAD_ACTIVITIES = ("call", "call", "email", "email", "email")
DURATIONS = {  # minutes: the least, and how many more at most
    "call": (3, 25),
    "email": (2, 12),
    "meeting": (30, 60),
    "demo": (30, 45),
    "presentation": (40, 50),
    "proposal": (45, 120),
    "networking_event": (90, 180),
    "admin": (30, 150),
    "other": (10, 80),
}
BOOKED = frozenset(("meeting", "demo", "presentation", "networking_event"))

PLATFORMS = ("linkedin", "instagram", "x")
INQUIRY_CHANNELS = weighted({"email": 9, "phone": 5, "chat": 5, "other": 1})
RESPONSE_MINUTES = {"phone": (1, 6), "chat": (1, 18), "email": (12, 540), "other": (30, 1500)}
SCORES = (5,) * 11 + (4,) * 6 + (3,) + (2,) + (1,)

COSTS = {
    "salaries": 2350000,
    "commissions": 420000,
    "software": 190000,
    "travel": 160000,
}  # cents a month and unit

FIRST_NAMES = (
    ("Ana", "ana"),
    ("Ben", "ben"),
    ("서연", "seoyeon"),
    ("Chloé", "chloe"),
    ("Dmitri", "dmitri"),
    ("민준", "minjun"),
    ("Emre", "emre"),
    ("Zoë", "zoe"),
    ("Grace", "grace"),
    ("Hugo", "hugo"),
    ("지우", "jiwoo"),
    ("Ines", "ines"),
)
LAST_NAMES = (
    ("Alvarez", "alvarez"),
    ("Becker", "becker"),
    ("김", "kim"),
    ("O'Neill", "oneill"),
    ("Müller", "mueller"),
    ("박", "park"),
    ("Novák", "novak"),
    ("Okafor", "okafor"),
    ("Rossi", "rossi"),
    ("이", "lee"),
    ("Tanaka", "tanaka"),
)
NAME_FRONT = (
    "Blue",
    "North",
    "Golden",
    "Quiet",
    "Corner",
    "River",
    "Old Town",
    "Harbor",
    "Sunny",
    "Iron",
    "Maple",
)
NAME_MIDDLE = (
    "Lantern",
    "Bakery",
    "Clinic",
    "Books",
    "Cycles",
    "Garden",
    "Freight",
    "Studio",
    "Market",
    "Workshop",
)
NAME_BACK = ("", "", " Ltd", " GmbH", " & Sons", " Co", " LLC", " SA")
ODD_NAMES = (
    "한빛 커피",
    "서울 베이커리 🥐",
    "🚀 Launchpad",
    "Café Søndag ☕",
    '"Baker, Stone & Partners"',
    '"The ""Little"" Shop"',
    "東京ベーカリー",
)
