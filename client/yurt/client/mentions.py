"""Which messages speak to this person: ``@name`` or ``@name@node``, as people type it.

mentions("@ana: the light is on", "ana@harbour.example")    # True
mentions("@ana@hilltop.example is somebody else", "ana@harbour.example")    # False
"""

import re
from functools import lru_cache


def mentions(text: str, address: str) -> bool:
    """Tell whether a message mentions the person at an address."""
    return _pattern(address).search(text) is not None


@lru_cache(maxsize=16)
def _pattern(address: str) -> re.Pattern[str]:
    name, _, node = address.partition("@")
    # Neither the end of an address, nor the beginning of a longer name or of another address.
    pattern = rf"(?<![\w@.-])@{re.escape(name)}(?:@{re.escape(node)})?(?!\w|@|[.-]\w)"
    return re.compile(pattern, re.IGNORECASE)
