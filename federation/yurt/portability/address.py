"""Account addresses, as people and Mastodon's files write them: ``user@domain``.

An address names somebody only until it is resolved; ties are kept by actor and did. Its `key` decides
whether two rows of a file are one: user names and domains do not care about case.

    parse_address(" @Ana@Harbour.Example", local="home.example")    # Address("Ana", "harbour.example")
    parse_address("bo", local="home.example").key                   # "bo@home.example"
"""

import re
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import check_node
from yurt.portability.errors import MalformedAddress
from yurt.wire.limits import MAX_URL

MAX_USER_LENGTH: Final = 256
# Mastodon's own pattern of a user name. It cannot begin like a formula, so an address is inert in a sheet.
_USER: Final = re.compile(r"[A-Za-z0-9_]+(?:[A-Za-z0-9_.-]*[A-Za-z0-9_]+)?")

_DEVIATIONS: Final = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")
"""Sharp s, final sigma and joiners: IDNA 2003 and 2008 make other names of them (UTS 46, section 7)."""
_URL: Final = re.compile(r"https?://[^\s\"<>\\^`{|}\x00-\x20\x7f]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where an account lives and how it is called there."""

    user: str
    """As its own node writes it; compare by `key`."""
    domain: str
    """Lower case, ASCII (IDNA)."""

    @override
    def __str__(self) -> str:
        return f"{self.user}@{self.domain}"

    @property
    def key(self) -> str:
        """The same text for the same account."""
        return f"{self.user.lower()}@{self.domain}"


def parse_address(text: str, *, local: str = "") -> Address:
    """Read an address as a person or a file wrote it: blanks around it and a leading ``@`` are free.

    Args:
        text: ``user@domain``, ``@user@domain``, or only ``user``.
        local: The domain of a name without one; empty if such names are refused.

    Raises:
        MalformedAddress: No user, no domain, or characters that belong in neither.
    """
    user, at, domain = text.strip().removeprefix("@").partition("@")
    if not at:
        domain = local
    if len(user) > MAX_USER_LENGTH or not _USER.fullmatch(user):
        raise MalformedAddress("the part before the @ is no user name")
    return Address(user, parse_domain(domain))


def parse_domain(text: str) -> str:
    """Read a domain as a person or a file wrote it.

    Returns:
        Lower case, ASCII: ``Bücher.example`` becomes ``xn--bcher-kva.example``.

    Raises:
        MalformedAddress: It is no domain, or it is another one for older software than for newer: blocking
            ``fass.example`` for ``faß.example`` would block somebody else.
    """
    name = text.strip()
    if any(letter in _DEVIATIONS for letter in name):
        raise MalformedAddress("the domain has two meanings: write it as computers do (xn--...)")
    name = name.lower()
    try:
        # The length first: the codec's work grows faster than the text.
        return check_node(name if name.isascii() or len(name) > 253 else name.encode("idna").decode("ascii"))
    except (RemoteIdentityError, UnicodeError):
        raise MalformedAddress("the domain is none") from None


def is_web_address(text: str) -> bool:
    """Tell whether this may stand in a file as a somebody's URL; fetching has stricter rules."""
    return len(text) <= MAX_URL and _URL.fullmatch(text) is not None
