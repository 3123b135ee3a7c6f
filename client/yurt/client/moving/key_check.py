"""Whether the actor key in the kit is the one that others know: the own node is asked, and two other nodes.

Servers that are not Yurt's believe a rescue by that key alone. A node that was restored from an old backup, a
kit of another device, news that never arrived: each makes it another one, and nobody would notice before the
node is dead. The peers are asked by this device itself, by its own key: the own node could tell what it likes
(TRUST 9). They are nodes of followers, the strongest ties first, or buddies: both know this person anyway.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from yurt.client.core import Core
from yurt.client.counted import lasting
from yurt.client.devices.own_record import own_record
from yurt.client.moving.calls import KeyAgreement, KeyCheck, SeenKeyView
from yurt.client.moving.home import Ask, visit
from yurt.client.vault import key_changes, kits
from yurt.client.vault.kits import KitRow
from yurt.client.vault.moves import ForetoldTie
from yurt.identity.device_login import make_device_login
from yurt.identity.location import node_of
from yurt.portability.actor_key import shown
from yurt.wire.actor_key_commands import SeenKey, ShowSeenKey
from yurt.wire.network_map import NetworkMap
from yurt.wire.problems import ProblemError

PEERS: Final = 2
PATIENCE_S: Final = 5.0
"""How long a peer may take."""
RENEW: Final = "`yurt kit new-key` makes a new one for both"


async def check_key(core: Core, network: NetworkMap | None, ties: Iterable[ForetoldTie]) -> KeyCheck:
    """Compare the key in the kit with what the own node signs with, and with what peers have."""
    kit, waits = await core.vault.read(lambda tx: (kits.load(tx), key_changes.load(tx) is not None))
    buddies = own_record(core.account).record.buddies
    home, *peers = await asyncio.gather(
        _home(core), *(_peer(core, network, node) for node in peers_of(core.account.node, ties, buddies))
    )
    return judge(kit, home, peers, core.now_s, waits=waits)


def peers_of(own: str, ties: Iterable[ForetoldTie], buddies: Iterable[str]) -> tuple[str, ...]:
    """Choose whom to ask: they hold the person's record already."""
    followers = [node_of(tie.actor) for tie in ties if tie.did and tie.direction == "follower"]
    return tuple([node for node in dict.fromkeys((*followers, *buddies)) if node != own][:PEERS])


def judge(
    kit: KitRow | None, home: SeenKeyView, peers: Sequence[SeenKeyView], now_s: int, *, waits: bool = False
) -> KeyCheck:
    """Say what agrees and what does not, and what to do.

    Args:
        kit: As the vault has it.
        home: What the own node says.
        peers: What others say.
        now_s: Seconds since 1970.
        waits: Whether a new key waits for the own node.
    """
    if kit is None or not kit.keys:
        why = (
            f"your kit holds no actor key: servers that are not Yurt's would believe no rescue. {_renew(kit)}"
        )
        return KeyCheck(standing="none", home=home, peers=tuple(peers), told=(why,))
    told = list[str]()
    if waits:
        told.append("a new actor key waits for your node: it is handed over when it can be reached")
    if not kit.named:
        told.append(f"your kit is of a time when keys were not compared yet: {RENEW}")
    elif home.fingerprint and home.fingerprint != kit.named:
        told.append(_home_differs(kit, home, peers))
    told += [_peer_differs(kit, home, peer, now_s) for peer in peers if _is_other(kit, home, peer)]
    return KeyCheck(
        standing=_standing(kit, home, peers),
        kit=kit.named,
        home=home,
        peers=tuple(peers),
        told=tuple(told),
    )


def _renew(kit: KitRow | None) -> str:
    return "`yurt kit save FILE` makes a kit" if kit is None else "`yurt kit new-key` makes a new one"


def _standing(kit: KitRow, home: SeenKeyView, peers: Sequence[SeenKeyView]) -> KeyAgreement:
    others = {one.fingerprint for one in (home, *peers)} - {b""}
    if not kit.named or not home.fingerprint:
        return "unknown"
    return "agrees" if others == {kit.named} else "differs"


def _is_other(kit: KitRow, home: SeenKeyView, peer: SeenKeyView) -> bool:
    believed = kit.named or home.fingerprint
    return bool(peer.fingerprint) and bool(believed) and peer.fingerprint != believed


def _home_differs(kit: KitRow, home: SeenKeyView, peers: Sequence[SeenKeyView]) -> str:
    told = f"your node signs with the actor key {shown(home.fingerprint)}, your kit has {shown(kit.named)}: "
    if any(peer.fingerprint == kit.named for peer in peers):
        told += "others know the one of your kit, so your node has changed it without you (an old backup?); "
    else:
        told += (
            "servers that are not Yurt's would not believe a rescue, unless another device has a newer kit; "
        )
    return told + RENEW


def _peer_differs(kit: KitRow, home: SeenKeyView, peer: SeenKeyView, now_s: int) -> str:
    since = f", fetched {lasting(max(0, now_s - peer.fetched_at))} ago" if peer.fetched_at else ""
    told = f"{peer.node} knows you by the actor key {shown(peer.fingerprint)}{since}"
    if peer.fingerprint == home.fingerprint:
        return told + ", as your node says"
    if kit.named == home.fingerprint:
        return told + ": it learns the new one with the next thing that your node sends there"
    return told + ", which neither your kit nor your node has"


async def _home(core: Core) -> SeenKeyView:
    node = core.account.node
    try:
        return _view(node, await core.session.call(ShowSeenKey(proof=_proof(core, node)), SeenKey))
    except ProblemError as error:
        return SeenKeyView(node=node, problem=error.problem.message)


async def _peer(core: Core, network: NetworkMap | None, node: str) -> SeenKeyView:
    try:
        async with asyncio.timeout(PATIENCE_S), visit(node, network) as ask:
            return await _asked(core, ask, node)
    except ProblemError as error:
        return SeenKeyView(node=node, problem=error.problem.message)
    except TimeoutError:
        return SeenKeyView(node=node, problem=f"{node} does not answer")


async def _asked(core: Core, ask: Ask, node: str) -> SeenKeyView:
    return _view(node, await ask(ShowSeenKey(proof=_proof(core, node)), SeenKey))


def _proof(core: Core, node: str) -> bytes:
    return make_device_login(core.account.device, did=core.account.did, node=node, time=core.now_s)


def _view(node: str, seen: SeenKey) -> SeenKeyView:
    return SeenKeyView(node=node, fingerprint=seen.fingerprint, fetched_at=seen.fetched_at)
