"""`safe_fetch`: the one way in which a node reaches out; nothing else opens an outbound connection.

What it guards against (notes on federation, section 5): requests to the own machine or network through a
name, a redirect or a second DNS answer; endless or inflated bodies; servers that never finish. So: https
only, no port, no address literals; every resolved address must be public and the connection goes to the
address that was checked; redirects are followed by hand, only for GET and never to another scheme; no
compression is offered or taken; a cap on bytes and on time. Names of the network map are the one exception:
they, and only they, may be loopback.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from typing_extensions import override

from yurt.node.config import Network
from yurt.node.lookups import Lookups
from yurt.node.unreachable import why_unreachable
from yurt.wire.network_map import Endpoint

TOTAL_S: Final = 10.0
MAX_REDIRECTS: Final = 3
MAX_BODY: Final = 1024 * 1024
PLACES: Final = 100
"""Connections at once for reading, and as many for sending."""
_STREAMED: Final = 512 * 1024
"""Larger bodies are written piece by piece, so that the loop goes on."""
USER_AGENT: Final = "yurt/0.1"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

Sign = Callable[[], Awaitable[dict[str, str]]]
"""Makes headers of a request as soon as there is a connection for it."""
_sign: ContextVar[Sign | None] = ContextVar("sign", default=None)

# is_global leaves these out or judges them by the outer address; all of them can end at a private host.
_EXTRA_RANGES: Final[tuple[IPv4Network | IPv6Network, ...]] = (
    ip_network("0.0.0.0/8"),
    ip_network("100.64.0.0/10"),  # RFC 6598 carrier-grade NAT
    ip_network("192.0.0.0/24"),
    ip_network("192.88.99.0/24"),  # RFC 7526 6to4 relays
    ip_network("198.18.0.0/15"),
    ip_network("224.0.0.0/4"),
    ip_network("240.0.0.0/4"),
    ip_network("::/96"),  # RFC 4291 2.5.5.1 IPv4-compatible
    ip_network("64:ff9b::/96"),  # RFC 6052 NAT64
    ip_network("64:ff9b:1::/48"),  # RFC 8215 local NAT64
    ip_network("2001::/23"),  # Teredo and other protocol assignments
    ip_network("2002::/16"),  # RFC 3056 6to4
    ip_network("fc00::/7"),
    ip_network("fec0::/10"),
    ip_network("ff00::/8"),
)


class FetchError(Exception):
    """A request did not bring an answer; `FetchRefused` is our decision, the others are theirs."""


class FetchRefused(FetchError):
    """We do not send this request: the URL or the address behind it is not allowed."""


class DomainRefused(FetchRefused):
    """The operator's lists keep this domain out; ``rule`` is the code."""

    def __init__(self, host: str, rule: str) -> None:
        super().__init__(f"this node has nothing to do with {host}")
        self.rule = rule


class FetchFailed(FetchError):
    """The other side cannot be reached, breaks off, or takes too long."""


class FetchBroken(FetchFailed):
    """The connection ended before an answer: nothing is known about what became of the request."""


class FetchTooLarge(FetchError):
    """The answer is larger than what we take."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whatever its status."""

    url: str
    """The final URL, after redirects."""
    status: int
    headers: dict[str, str]
    """Lower-case names; of a repeated header the last value."""
    body: bytes

    @property
    def content_type(self) -> str:
        """The Content-Type as sent, or empty."""
        return self.headers.get("content-type", "")


def is_public(address: str) -> bool:
    """Whether an address literal is one that a node may be asked to connect to."""
    parsed = ip_address(address.split("%", 1)[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.is_global and not any(_within(parsed, network) for network in _EXTRA_RANGES)


def _within(address: IPv4Address | IPv6Address, network: IPv4Network | IPv6Network) -> bool:
    return address.version == network.version and address in network


def check_url(url: str) -> str:
    """Return the host of a URL that may be fetched.

    Raises:
        FetchRefused: not https, a port or user in it, no host, or an address instead of a name.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise FetchRefused(f"not a URL: {error}") from error
    if parts.scheme != "https" or not host or port is not None or "@" in parts.netloc:
        raise FetchRefused("only https://NAME/... without port or user is fetched")
    if not url.isascii() or any(character <= " " for character in url):
        raise FetchRefused("a URL is printable ASCII")
    if "." not in host or host.rstrip(".").rpartition(".")[2].isdigit() or ":" in host:
        raise FetchRefused(f"{host} is not a domain name")
    return host


class CheckedResolver(AbstractResolver):
    """Resolves names to addresses that were checked; the connection then goes to exactly these."""

    def __init__(self, names: dict[str, Endpoint], lookups: Lookups | None = None) -> None:
        self._names = names
        self._lookups = lookups or Lookups()

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name, of whatever family; every address of the answer must be public, or none is used."""
        mapped = self._names.get(host)
        if mapped is not None:
            return [_result(host, mapped.host, mapped.port)]
        addresses = await self._lookups.addresses(host)
        for address in addresses:
            if not is_public(address):
                raise OSError(f"{host} resolves to {address}, which is not public")
        return [_result(host, address, port) for address in addresses]

    @override
    async def close(self) -> None:
        """Nothing to release."""


def _result(name: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=name, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


class _SignedLate(aiohttp.ClientRequest):
    """A request that is signed when it is sent: one to a host that is down costs no signature (0.7 ms)."""

    @override
    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Sign, and write the request."""
        sign = _sign.get()
        if sign is not None:
            self.headers.update(await sign())
        return await super().send(conn)


class SafeFetch:
    """Keeps the pooled connections; one per node process.

    Strangers can make us read (the key that a signature names), from servers as slow as they like; so what
    we read and what we send have places of their own, and exchanges and deliveries go on.
    """

    def __init__(self, network: Network | None, refuses: Callable[[str], str] = lambda _host: "") -> None:
        """``refuses`` gives the code of the rule that keeps a host out, or an empty one."""
        self._network = network
        self._refuses = refuses
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._lookups = Lookups()
        self._tls = _tls(network)

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        await self._lookups.close()

    async def get(
        self,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        limit: int = MAX_BODY,
        redirects: bool = True,
    ) -> Fetched:
        """GET a URL, following at most three redirects, each checked like the first.

        Raises:
            FetchError: refused, failed or too large; an answer of any status is an answer.
        """
        left = MAX_REDIRECTS if redirects else 0
        try:
            async with asyncio.timeout(TOTAL_S):
                while True:
                    fetched = await self._once("GET", url, headers or {}, None, limit)
                    target = fetched.headers.get("location", "")
                    if fetched.status not in _REDIRECTS or not target or not redirects:
                        return fetched
                    if left == 0:
                        raise FetchFailed(f"{url} redirects too often")
                    left -= 1
                    url = urljoin(url, target)
        except TimeoutError as error:
            raise FetchFailed(f"{url} does not answer within {TOTAL_S:.0f} s") from error

    async def post(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        *,
        limit: int = MAX_BODY,
        total_s: float = TOTAL_S,
        sign: Sign | None = None,
    ) -> Fetched:
        """POST bytes to a URL; a redirect is an answer like any other, never followed.

        Args:
            url: Where to.
            body: What is sent.
            headers: To be sent with it.
            limit: Most bytes of the answer.
            total_s: Most seconds until it is there.
            sign: Makes further headers when there is a connection; what it raises passes through.

        Raises:
            FetchError: refused, failed or too large; an answer of any status is an answer.
        """
        here = _sign.set(sign)
        try:
            async with asyncio.timeout(total_s):
                return await self._once("POST", url, headers, body, limit)
        except TimeoutError as error:
            raise FetchFailed(f"{url} does not answer within {total_s:.0f} s") from error
        finally:
            _sign.reset(here)

    async def _once(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, limit: int
    ) -> Fetched:
        host = check_url(url)
        if rule := self._refuses(host):
            raise DomainRefused(host, rule)
        session = self._sessions.get(method)
        if session is None:
            session = self._sessions[method] = self._open()
        try:
            async with session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                content = await _read(answer, limit)
                lowered = {name.lower(): value for name, value in answer.headers.items()}
                return Fetched(url, answer.status, lowered, content)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError) as error:
            raise FetchBroken(f"{urlsplit(url).hostname} broke the connection off") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # One sentence without our own addresses: it may be shown to a client.
            raise FetchFailed(
                f"{urlsplit(url).hostname} cannot be reached: {why_unreachable(error)}"
            ) from error

    def _open(self) -> aiohttp.ClientSession:
        names = self._network.map.names if self._network else {}
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(names, self._lookups),
            ssl=self._tls,
            use_dns_cache=False,
            limit=PLACES,
            limit_per_host=8,
            keepalive_timeout=30,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            auto_decompress=False,
            request_class=_SignedLate,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        )


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchTooLarge("the answer is compressed although that was not offered")
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > limit:
            raise FetchTooLarge(f"the answer is larger than {limit} bytes")
    return bytes(content)


def _tls(network: Network | None) -> ssl.SSLContext | bool:
    """How others prove who they are: by the CA of the network map, else by what this system trusts.

    aiohttp read the latter when it was imported (and, as Python does, takes TLS 1.2 and newer); reading it
    again would stop the event loop for 50 ms.
    """
    if network is None or network.ca_file is None:
        return True
    context = ssl.create_default_context(cafile=str(network.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
