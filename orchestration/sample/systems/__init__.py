"""The sample company as other systems have it: the same rows, in the shapes that those systems deliver."""

from __future__ import annotations

import re

# HubSpot numbers its records; the numbers here are far from those of the contract's keys.
FIRST_HUBSPOT_ID = 10_000_000_000
MOST_OF_A_UNIT = 10_000_000


def hubspot_id(kind: str, contract_id: str) -> str:
    """The number that HubSpot has for a record of the contract: `kind` is deal, company, contact, owner, ...

    Ids of one kind keep their order and stay apart: A2-00017 is 10020000017. Raises ValueError for a key that the
    sample company does not make.
    """
    found = re.fullmatch(r"[A-Z]+([0-9]+)-([0-9]{1,7})", contract_id)
    if found is None:
        raise ValueError(f"{kind} {contract_id}: the sample company's keys are a letter, its unit, a dash and a number")
    return str(FIRST_HUBSPOT_ID + int(found[1]) * MOST_OF_A_UNIT + int(found[2]))
