"""The request as it was sent, and what is known about its signature before and after the check.

::

    InboundRequest --policy.parse--> SignatureIn --(caller finds the key)-- policy.verify--> VerifiedRequest

No function that acts takes anything but a `VerifiedRequest`.
"""

from dataclasses import dataclass, field

from yurt.activitypub.errors import SignatureMalformed
from yurt.activitypub.http_signatures.keys import KeyKind

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """One HTTP request, with its body's bytes as they came."""

    method: str
    """Upper case."""
    authority: str
    """This node's configured domain, **never** the Host header: a signature made for another host must not
    hold here, whatever a proxy wrote into the header."""
    path: str
    """As sent, percent-encoding untouched; begins with ``/``."""
    query: str | None
    """As sent, without ``?``; None if there was no ``?``."""
    headers: Headers
    """Every header line, in order; names in any case, values without outer blanks."""
    body: bytes = field(repr=False)
    address: str = ""
    """Where on the network it came from, for limits; empty if that is not known."""
    _values: dict[str, list[str]] = field(init=False, repr=False, compare=False)
    """Values by lower-case name: a check looks at a dozen of them."""

    def __post_init__(self) -> None:
        """Sort the headers once."""
        values: dict[str, list[str]] = {}
        for name, value in self.headers:
            values.setdefault(name.lower(), []).append(value.strip(" \t"))
        object.__setattr__(self, "_values", values)

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def target_uri(self) -> str:
        """The URL that was meant."""
        return f"https://{self.authority}{self.target}"

    @property
    def needs_digest(self) -> bool:
        """Whether a signature must also cover the body."""
        return self.method not in ("GET", "HEAD") or bool(self.body)

    def lines(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return self._values.get(name, [])

    def header(self, name: str) -> str | None:
        """The value of a header, several lines joined as HTTP allows; None if there is none."""
        lines = self.lines(name)
        return ", ".join(lines) if lines else None

    def single(self, name: str) -> str | None:
        """The value of a header that may come only once.

        Raises:
            SignatureMalformed: It comes twice; readers would differ in which one counts.
        """
        lines = self.lines(name)
        if len(lines) > 1:
            raise SignatureMalformed("duplicateHeader", f"the header {name} comes {len(lines)} times")
        return lines[0] if lines else None


@dataclass(frozen=True, slots=True)
class SignatureIn:
    """A signature that covers what it must and whose digest fits, not yet checked with its key."""

    request: InboundRequest
    key_id: str
    """Where the key is said to be; the caller fetches it and checks whose it is."""
    kinds: frozenset[KeyKind]
    """Kinds of key that fit the algorithm that was named."""
    signature: bytes = field(repr=False)
    bases: tuple[bytes, ...] = field(repr=False)
    """What may have been signed: with the query, and for old software without it."""
    not_before: int
    """Seconds since 1970; skew included."""
    not_after: int
    """Likewise. A row against replay must be kept until then."""
    replay_key: bytes
    """32 bytes, the same whenever this very signature comes again; unique rows of it refuse a replay.

    For requests that change something only: an RSA signature of the same GET in the same second is equal.
    """
    covered: frozenset[str] = frozenset()
    """Names of what is signed, lower case. A header that is not among them may have been added on the way."""


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """A request that the holder of a key signed, body included, a short time ago."""

    request: InboundRequest
    key_id: str
    replay_key: bytes
    not_after: int
    covered: frozenset[str] = frozenset()
    """Names of what was signed, lower case."""

    def signed_header(self, name: str) -> str | None:
        """The value of a header (lower case) that the signature covers; None if it was not signed.

        Raises:
            SignatureMalformed: It comes twice.
        """
        return self.request.single(name) if name in self.covered else None
