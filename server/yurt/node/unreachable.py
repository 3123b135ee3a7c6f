"""Why another server cannot be reached, in words that a person can act on.

The library's classes name what happened inside of it; whoever typed an address wants to know whether the
name, the network, the certificate or the other server is to blame. No text of the other side and no address
of ours is repeated: the sentence may be shown to a client.
"""

import socket
import ssl
from typing import Final

import aiohttp

_NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


def why_unreachable(error: BaseException) -> str:
    """Say in a few words why a request could not be made."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _why_no_address(error.os_error)
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "its certificate is not valid for this name, or has expired"
    if isinstance(error, aiohttp.ServerTimeoutError | TimeoutError):
        return "it does not answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "nothing takes connections there" if _is_refused(error) else "there is no way to it"
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError | ValueError):
        return "it does not speak HTTP as it should"
    return "the connection broke off"


def _why_no_address(error: OSError) -> str:
    if not isinstance(error, socket.gaierror):
        return "its name leads to an address that is not public"
    return (
        "its name is not known in DNS (is it spelled right?)"
        if error.errno in _NO_SUCH_NAME
        else "DNS does not answer"
    )


def _is_refused(error: aiohttp.ClientConnectorError) -> bool:
    return isinstance(error.os_error, ConnectionRefusedError)
