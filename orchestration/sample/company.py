"""What the sample company has once, however many units it runs: price list, plans, costs, exchange rates."""

from __future__ import annotations

import random

from orchestration.sample import catalog
from orchestration.sample.clock import Clock
from orchestration.sample.tables import Schedule
from orchestration.sample.unit import Lines, money

TARGET_CENTS = 9_800_000  # the company's revenue target a month and unit at the start
TARGET_GROWTH = 0.24  # a year
TEAM_SHARE = {"Falcon": 0.24, "Harbor": 0.27, "Summit": 0.18}  # the rest belongs to no rep
REGION_SHARE = {"Americas": 0.40, "EMEA": 0.34, "APAC": 0.22}
COST_GROWTH = 0.12  # a year
RATE_DAYS_BEFORE = 60  # days of exchange rates before the first day of business
RATE_LEVEL = 1.09  # USD for a EUR, in the long run


class Company:
    """Writes the shared tables for a company of ``scale`` units."""

    def __init__(self, scale: int, seed: int, clock: Clock, schedules: dict[str, Schedule]) -> None:
        self.scale = scale
        self.clock = clock
        self.u = random.Random(f"sample/{seed}/company").random
        self.rows: dict[str, Lines] = {table: [[] for _ in plan.exports] for table, plan in schedules.items()}
        self.file_of = {table: plan.file_of for table, plan in schedules.items()}

    def run(self) -> Company:
        """Write every shared table."""
        self._products()
        self._rates()
        self._targets()
        self._costs()
        self._company_pages()
        return self

    def _put(self, table: str, day: int, line: str) -> None:
        self.rows[table][self.file_of[table][day]].append(line)

    def _products(self) -> None:
        for product in catalog.PRODUCTS:
            cost = money(product.cost)
            line = f"{product.product_id},{product.name},{product.category},{cost},USD"
            self._put("billing.products", self.clock.last, line)

    def _rates(self) -> None:
        """A slow walk of EUR to USD around its long-run level, every day, in both directions."""
        rate = RATE_LEVEL
        for day in range(self.clock.first - RATE_DAYS_BEFORE, self.clock.last + 1):
            rate += (self.u() - 0.5) * 0.009 + (RATE_LEVEL - rate) * 0.01
            self._put("planning.fx_rates", day, f"{self.clock.days[day]},EUR,USD,{rate:.6f}")
            self._put("planning.fx_rates", day, f"{self.clock.days[day]},USD,EUR,{1 / rate:.6f}")

    def _targets(self) -> None:
        """Targets of the company, its teams and its regions, which the units fill together."""
        for first in self.clock.months():
            month = self.clock.days[first]
            season = (1 + self.clock.season(first)) / 2  # plans smooth the season
            cents = TARGET_CENTS * self.scale * self.clock.planned(first, TARGET_GROWTH) * season
            scopes = [("company", "", 1.0)]
            scopes += [("team", team, share) for team, share in TEAM_SHARE.items()]
            scopes += [("region", region, share) for region, share in REGION_SHARE.items()]
            for scope, value, share in scopes:
                amount = money(int(cents * share / 50000) * 50000)
                self._put("planning.sales_targets", self.clock.last, f"{month},{scope},{value},{amount},USD")

    def _costs(self) -> None:
        for first in self.clock.months():
            for cost_type, cents in catalog.COSTS.items():
                spent = int(cents * self.scale * self.clock.planned(first, COST_GROWTH) * (0.95 + 0.1 * self.u()))
                line = f"{self.clock.days[first]},{cost_type},{money(spent)},USD"
                self._put("planning.sales_costs", self.clock.last, line)

    def _company_pages(self) -> None:
        """The company's own pages: no rep, so once a day and platform for all units together."""
        u = self.u
        for day in range(self.clock.first, self.clock.last + 1):
            for platform in catalog.PLATFORMS[:2]:
                if self.clock.weekday[day] < 5:
                    shown = int((400 + u() * 1600) * self.scale * self.clock.trend[day])
                    likes = shown * (1 + int(u() * 4)) // 100
                    self._put(
                        "marketing.social_engagements",
                        day,
                        f"{self.clock.days[day]},{platform},,{likes},{likes // 7},{likes // 11},{likes // 15},{shown}",
                    )
