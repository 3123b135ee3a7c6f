"""Where a node is reached, and whose certificates are believed.

A node is ``https://NAME`` everywhere; only here does a name become an address. Names of the network map
lead to loopback and are checked against its CA alone; every other name goes to port 443 and the machine's
own trust. The certificate's name is always checked.
"""

import ssl
from functools import lru_cache
from typing import Final

from yurt.client.errors import UsageError
from yurt.wire.network_map import Endpoint, NetworkMap

HTTPS_PORT: Final = 443


def endpoint_of(node: str, network: NetworkMap | None) -> Endpoint:
    """Give host and port of a node."""
    mapped = network.names.get(node) if network else None
    return mapped or Endpoint(node, HTTPS_PORT)


def trust_of(node: str, network: NetworkMap | None) -> ssl.SSLContext:
    """Give the TLS settings for a node.

    Raises:
        UsageError: The map's CA file cannot be read.
    """
    mapped = network is not None and node in network.names
    return _context(network.ca if network and mapped else "")


@lru_cache(maxsize=8)
def _context(ca: str) -> ssl.SSLContext:
    """Reading a machine's CA bundle takes 20 ms: once for each CA, not for each reconnection."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"cannot read the network map's CA file {ca}: {error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
