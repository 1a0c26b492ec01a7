"""The sample company as other systems have it: the same rows, in the shapes that those systems deliver."""

from __future__ import annotations

import zlib

# HubSpot numbers its records; the numbers here are far from those of the contract's keys.
FIRST_HUBSPOT_ID = 10_000_000_000


def hubspot_id(kind: str, contract_id: str) -> str:
    """The number that HubSpot has for a record of the contract: `kind` is deal, company, contact, owner, ..."""
    return str(FIRST_HUBSPOT_ID + zlib.crc32(f"{kind}/{contract_id}".encode()))
