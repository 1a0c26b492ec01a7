"""What the sample company has once, however many units it runs: price list, plans, costs, exchange rates."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.books import WON_A_CENT, Books, money

TARGET_CENTS = 9_800_000  # the company's revenue target a month and unit at the start
TARGET_GROWTH = 0.24  # a year
TEAM_SHARE = {"Falcon": 0.24, "Harbor": 0.27, "Summit": 0.18}  # the rest belongs to no rep
REGION_SHARE = {"Americas": 0.40, "EMEA": 0.34, "APAC": 0.22}
COST_GROWTH = 0.12  # a year
RATE_DAYS_BEFORE = 60  # days of exchange rates before the first day of business
RATE_LEVEL = 1.09  # USD for a EUR, in the long run


class Company:
    """Writes the shared tables, into the books given, for a company of ``scale`` units."""

    def __init__(self, scale: int, books: Books) -> None:
        self.scale = scale
        self.books = books
        self.clock = books.clock
        self.u = books.u

    def run(self) -> None:
        """Write every shared table."""
        self._products()
        self._rates()
        self._targets()
        self._costs()
        self._own_pages()

    def _products(self) -> None:
        for product in catalog.PRODUCTS:
            self.books.products.put_on(
                self.clock.last,
                {
                    "product_id": product.product_id,
                    "product_name": product.name,
                    "category": product.category,
                    "unit_cost": money(product.cost),
                    "currency": "USD",
                },
            )

    def _rates(self) -> None:
        """A slow walk of EUR to USD around its long-run level, every day, in both directions."""
        rate = RATE_LEVEL
        for day in range(self.clock.first - RATE_DAYS_BEFORE, self.clock.last + 1):
            rate += (self.u() - 0.5) * 0.009 + (RATE_LEVEL - rate) * 0.01
            level = rate * WON_A_CENT * 100 if self.books.currency == "KRW" else rate
            self._rate(day, "EUR", self.books.currency, level)
            self._rate(day, self.books.currency, "EUR", 1 / level)

    def _rate(self, day: int, from_currency: str, to_currency: str, rate: float) -> None:
        self.books.fx_rates.put_on(
            day,
            {
                "rate_on": self.clock.days[day],
                "from_currency": from_currency,
                "to_currency": to_currency,
                "rate": f"{rate:.6f}",
            },
        )

    def _targets(self) -> None:
        """Targets of the company, its teams and its regions, which the units fill together."""
        for first in self.clock.months():
            season = (1 + self.clock.season(first)) / 2  # plans smooth the season
            cents = TARGET_CENTS * self.scale * self.clock.planned(first, TARGET_GROWTH) * season
            scopes = [("company", "", 1.0)]
            scopes += [("team", team, share) for team, share in TEAM_SHARE.items()]
            scopes += [("region", region, share) for region, share in REGION_SHARE.items()]
            for scope, value, share in scopes:
                self.books.sales_targets.put_on(
                    self.clock.last,
                    {
                        "target_month": self.clock.days[first],
                        "scope": scope,
                        "scope_value": value,
                        "amount": money(int(cents * share / 50000) * 50000),
                        "currency": "USD",
                    },
                )

    def _costs(self) -> None:
        for first in self.clock.months():
            for cost_type, cents in catalog.COSTS.items():
                spent = int(cents * self.scale * self.clock.planned(first, COST_GROWTH) * (0.95 + 0.1 * self.u()))
                self.books.sales_costs.put_on(
                    self.clock.last,
                    {
                        "cost_month": self.clock.days[first],
                        "cost_type": cost_type,
                        "amount": money(spent),
                        "currency": "USD",
                    },
                )

    def _own_pages(self) -> None:
        """The company's own pages: no rep, so once a day and platform for all units together."""
        u = self.u
        for day in range(self.clock.first, self.clock.last + 1):
            if self.clock.weekday[day] > 4:
                continue
            for platform in catalog.PLATFORMS[:2]:
                shown = int((400 + u() * 1600) * self.scale * self.clock.trend[day])
                likes = shown * (1 + int(u() * 4)) // 100
                self.books.social_engagements.put_on(
                    day,
                    {
                        "engaged_on": self.clock.days[day],
                        "platform": platform,
                        "rep_id": "",
                        "likes": str(likes),
                        "comments": str(likes // 7),
                        "shares": str(likes // 11),
                        "direct_messages": str(likes // 15),
                        "impressions": str(shown),
                    },
                )
