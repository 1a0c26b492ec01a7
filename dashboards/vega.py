"""Vega, Vega-Lite and Vega-Embed as one script, which every page with charts holds.

vl-convert-python has them and puts them together, which takes a second. So the script is kept beside the templates:
`python -m dashboards.vega` writes it, after that package has moved; a test fails where it is not the package's.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

KEPT = Path(__file__).parent / "templates" / "vega.js.gz"


@cache
def vega() -> str:
    """The script, as it may stand in a page."""
    return gzip.decompress(KEPT.read_bytes()).decode("utf-8")


def bundled() -> str:
    """The script, put together anew."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return str(bundle).replace("</script", "<\\/script")


if __name__ == "__main__":
    KEPT.write_bytes(gzip.compress(bundled().encode("utf-8"), mtime=0))
