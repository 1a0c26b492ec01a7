"""One unit of the sample company: a ten-rep business over three years."""

from __future__ import annotations

from orchestration.sample.accounts import Accounts
from orchestration.sample.activities import Activities
from orchestration.sample.books import Books
from orchestration.sample.marketing import advertise, socialise
from orchestration.sample.orders import Orders
from orchestration.sample.sales import Sales
from orchestration.sample.service import HelpDesk
from orchestration.sample.staff import Staff
from orchestration.sample.subscriptions import Subscriptions


def run_unit(books: Books) -> set[str]:
    """Live through the three years, and write all into the unit's books; returns the ids of refunded orders.

    All parts draw from one stream of luck, so their order is part of what the sample company is.
    """
    staff = Staff(books)
    accounts = Accounts(books)
    activities = Activities(books, staff)
    orders = Orders(books)
    subscriptions = Subscriptions(books, orders)
    Sales(books, staff, accounts, activities, orders, subscriptions).run()
    HelpDesk(books, staff).run(accounts.customers)
    activities.desk_work()
    advertise(books)
    socialise(books, staff)
    staff.set_quotas()
    return orders.refunded
