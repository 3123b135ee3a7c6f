"""Keys of other nodes: Ed25519, from `https://NODE/actor`, kept, fetched again once when one fails."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yurt.activitypub.errors import SignatureRefused
from yurt.activitypub.http_signatures.policy import parse_exchange, verify
from yurt.activitypub.http_signatures.request import InboundRequest, SignatureIn, VerifiedRequest
from yurt.identity.location import MalformedLocation, node_of
from yurt.node.clock import Clock
from yurt.node.ids import exchange_key_id

KEY_LIFETIME_S: Final = 24 * 3600
REFRESH_S: Final = 10.0
"""A key is not fetched again sooner, however many requests fail with it."""
MAX_PEERS: Final = 10_000


class KeySource(Protocol):
    """Fetches the key of a node."""

    async def node_key(self, node: str) -> Ed25519PublicKey:
        """The Ed25519 key that the node's actor document names now.

        Raises:
            PeerError: the document cannot be had, or names none.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    key: Ed25519PublicKey
    fetched_at: float
    """Monotonic seconds."""


class PeerKeys:
    """Verifies exchanges of other nodes."""

    def __init__(
        self, source: KeySource, clock: Clock, check_host: Callable[[str], None] = lambda _host: None
    ) -> None:
        self._source = source
        self._check_host = check_host
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def verify_exchange(self, request: InboundRequest) -> tuple[str, VerifiedRequest]:
        """Say which node signed the head of an exchange, before its body is read.

        Whether the body fits the digest in it, and whether it was seen before, is for the caller to check.

        Raises:
            RemoteActivityPubError: not signed as nodes sign, or not by this node's key.
            PeerError: the node's key cannot be had.
            ProblemError: `notAllowed`: the operator keeps that node out.
        """
        signed = parse_exchange(request, body_follows=True)
        node = _node(signed)
        self._check_host(node)
        key, fresh = await self._key(node)
        try:
            return node, verify(signed, key, self._clock.now_s())
        except SignatureRefused:
            if fresh or not self._may_refresh(node):
                raise
        del self._kept[node]
        key, _ = await self._key(node)
        return node, verify(signed, key, self._clock.now_s())

    async def _key(self, node: str) -> tuple[Ed25519PublicKey, bool]:
        """The key, and whether it was fetched just now."""
        kept = self._kept.get(node)
        if kept is not None and time.monotonic() - kept.fetched_at < KEY_LIFETIME_S:
            return kept.key, False
        key = await self._source.node_key(node)
        if len(self._kept) >= MAX_PEERS:
            self._kept.pop(next(iter(self._kept)))
        self._kept[node] = _Kept(key, time.monotonic())
        return key, True

    def _may_refresh(self, node: str) -> bool:
        kept = self._kept.get(node)
        return kept is not None and time.monotonic() - kept.fetched_at > REFRESH_S


def _node(signed: SignatureIn) -> str:
    """The node that a key id names: `https://NODE/actor#ed25519`, nothing else."""
    try:
        node = node_of(signed.key_id.partition("#")[0])
    except MalformedLocation as error:
        raise SignatureRefused("keyId", "the key id names no node") from error
    if signed.key_id != exchange_key_id(node):
        raise SignatureRefused("keyId", f"an exchange is signed by {exchange_key_id(node)}")
    return node
