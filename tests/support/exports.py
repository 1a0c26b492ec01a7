"""Ten files as people have them: exports of CRMs, shops and help desks, and spreadsheets of three countries."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import openpyxl

# ruff: noqa: E501 (files are as they are)
EUROPEAN_DEALS = """\
Nr;Bezeichnung;Account Name;Deal Owner;Stage;Deal Amount;Created;Close Date;Probability (%)
4711;Großauftrag;Müller GmbH;kim@example.com;Won;12.345,50;03.01.2025;15.02.2025;100
4712;Klein;Beta AG;lee@example.com;Proposal made;99,00;14.01.2025;31.03.2025;50
4713;Verloren;Müller GmbH;lee@example.com;Lost;5.000,00;20.01.2025;28.02.2025;0
"""
KOREAN_ORDERS = """\
주문번호,고객번호,주문일,결제상태,통화,담당자
A-1,C-1,2025. 3. 5.,결제완료,KRW,김민수
A-2,C-2,2025. 3. 15.,환불,KRW,이영희
A-3,C-1,2025. 11. 2.,대기,KRW,김민수
"""
HUBSPOT_DEALS = """\
Record ID,Deal Name,Deal Stage,Pipeline,Amount,Close Date,Create Date,Deal owner,Associated Company IDs
9001,One,Closed Won,Sales Pipeline,1000,2025-02-15 09:30,2025-01-03 10:00,Kim Park,55
9002,Two,Contract Sent,Sales Pipeline,250.5,2025-04-30 18:00,2025-01-14 11:00,Lee Cho,56
"""
SALESFORCE_REPORT = """\
Opportunity ID,Opportunity Name,Stage,Amount,Amount Currency,Close Date,Created Date,Opportunity Owner,Account Name,Type,Probability (%)
0065g00000AbCdE,One,Closed Won,"12,345.50",USD,2/15/2025,1/3/2025,Kim Park,Acme,New Business,100
0065g00000AbCdF,Two,Negotiation/Review,"1,250.00",USD,4/30/2025,1/14/2025,Lee Cho,Beta,Existing Business,75
Grand Totals (2 records),,,,,,,,,,
Confidential Information - Do Not Distribute,,,,,,,,,,
"""
PIPEDRIVE_DEALS = """\
Deal - ID,Deal - Title,Deal - Value,Deal - Currency,Deal - Stage,Deal - Owner,Deal - Organization,Deal - Deal created,Deal - Won time,Deal - Lost reason
1,One,1000,EUR,Qualified,Kim,Acme,2025-01-03 10:00:00,2025-02-15 09:30:00,
2,Two,250,EUR,Negotiations Started,Lee,Beta,2025-01-14 11:00:00,,
"""
SHOPIFY_LINES = """\
Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem discount,Lineitem sku,Line ID
#1001,a@example.com,paid,2025-10-07 09:50:26 +0200,2,Shirt,19.90,1.00,SKU-1,7001
#1001,,,,1,Cap,9.90,0.00,SKU-2,7002
#1002,b@example.com,refunded,2025-10-08 10:00:00 +0200,1,Shirt,19.90,0.00,SKU-1,7003
"""
STRIPE_PAYMENTS = """\
id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Description,Customer ID,Customer Email
ch_1,2025-10-07 09:50:26,120.00,0.00,usd,true,Paid,Plan,cus_1,ann@acme.example
ch_2,2025-10-08 10:00:00,80.50,80.50,usd,true,Refunded,Plan,cus_2,bo@beta.example
"""
AD_SPEND = """\
Reporting starts,Platform,Campaign name,Amount spent,Impr.,Link clicks
3/1/2025,Facebook,Spring,"$1,200.50",10000,120
3/15/2025,Google,Spring,$300.00,5000,80
12/31/2025,Google,Winter,$99.90,700,9
"""
ZENDESK_TICKETS = """\
Id,Status,Via,Created at,Solved at,Requester,Assignee,Organization
501,Solved,Web,2025-03-01 09:00,2025-03-02 10:00,Ann,Kim,Acme
502,Open,Email,2025-03-05 14:00,,Bob,Lee,Beta
503,Solved,Chat,2025-03-06 08:00,2025-03-06 08:30,Cy,Kim,Acme
"""
QUOTAS = (
    ("Quotas 2025", None, None, None, None),
    (None, None, None, None, None),
    ("Sales rep", "Jan 2025", "Feb 2025", "Mar 2025", "Comment"),
    ("kim@example.com", 10000, 10000.5, 12000, "ok"),
    ("lee@example.com", 8000, 8000, 8000, None),
    ("Total", 18000, 18000.5, 20000, None),
)


def write_exports(folder: Path) -> dict[str, Path]:
    """Write the ten files; returns them by name."""
    texts = {
        "european_deals.csv": EUROPEAN_DEALS.encode("cp1252"),
        "korean_orders.csv": KOREAN_ORDERS.encode("cp949"),
        "hubspot-crm-exports-all-deals-2025-11-20.csv": HUBSPOT_DEALS.encode(),
        "salesforce report1732.csv": SALESFORCE_REPORT.encode(),
        "pipedrive_deals.csv": PIPEDRIVE_DEALS.encode(),
        "shopify_orders_export_lines.csv": SHOPIFY_LINES.encode("utf-8-sig"),
        "unified_payments.csv": STRIPE_PAYMENTS.encode(),
        "ads.tsv": AD_SPEND.replace(",", "\t").replace('"$1\t200.50"', "$1,200.50").encode("utf-16"),
        "zendesk_tickets.csv": ZENDESK_TICKETS.encode(),
        "quotas.xlsx": _workbook(QUOTAS),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    return {name.split(".")[0]: folder / name for name in texts}


def _workbook(rows: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    sheet.merge_cells("A1:E1")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
