"""`check` compares the kit's actor key with what the own node and others have, and says what differs."""

import msgspec
import pytest

from yurt.cli.commands.check import _key_lines  # pyright: ignore[reportPrivateUsage]  # what people read
from yurt.client.moving.calls import SeenKeyView
from yurt.client.moving.key_check import judge, peers_of
from yurt.client.vault.kits import KitRow
from yurt.client.vault.moves import ForetoldTie

NOW = 1_795_000_000
OWN, OLD, LIE = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
KIT = KitRow(b"public", keys=b"keys", graph=b"graph", named=OWN)


def home(fingerprint: bytes = OWN) -> SeenKeyView:
    return SeenKeyView(node="harbour.example", fingerprint=fingerprint, fetched_at=NOW)


def peer(fingerprint: bytes = OWN, node: str = "meadow.example") -> SeenKeyView:
    return SeenKeyView(node=node, fingerprint=fingerprint, fetched_at=NOW - 7200)


@pytest.mark.parametrize(
    ("kit", "at_home", "peers", "standing", "told"),
    [
        (KIT, home(), [peer()], "agrees", ""),
        (KIT, home(), [], "agrees", ""),
        (KIT, home(), [peer(b"")], "agrees", ""),
        (KIT, home(), [peer(OLD)], "differs", "learns the new one with the next thing"),
        (KIT, home(OLD), [peer(OLD)], "differs", "unless another device has a newer kit"),
        (KIT, home(LIE), [peer(OWN)], "differs", "your node has changed it without you"),
        (KIT, home(LIE), [peer(OLD)], "differs", "neither your kit nor your node has"),
        (KIT, home(b""), [peer(OWN)], "unknown", ""),
        (KitRow(b"public", keys=b"keys"), home(), [peer()], "unknown", "`yurt kit new-key`"),
        (KitRow(b"public"), home(), [peer()], "none", "would believe no rescue"),
        (None, home(), [peer()], "none", "`yurt kit save FILE`"),
    ],
)
def test_what_is_so_and_what_to_do(
    kit: KitRow | None, at_home: SeenKeyView, peers: list[SeenKeyView], standing: str, told: str
) -> None:
    """A restored backup, a node that lies, another device's kit, news that was lost: each by its name."""
    found = judge(kit, at_home, peers, NOW)

    assert found.standing == standing
    assert told in " ".join(found.told)
    assert bool(found.told) == bool(told)
    lines = _key_lines(found)
    assert lines[0].startswith("actor key: ")
    assert len(lines) == 1 + len(found.told)


def test_a_key_that_waits_is_said() -> None:
    """A revocation was cut off: the node has the key before still, and that is no riddle."""
    found = judge(KIT, home(), [peer()], NOW, waits=True)

    assert "waits for your node" in found.told[0]


def test_who_says_nothing_is_named() -> None:
    """A node that does not answer is no node that agrees."""
    silent = SeenKeyView(node="meadow.example", problem="meadow.example does not answer")

    (line,) = _key_lines(judge(KIT, home(), [silent], NOW))

    assert "meadow.example does not answer" in line


def test_followers_nodes_are_asked_first() -> None:
    """Two nodes that hold the person's record: of followers on Yurt, strong ones first; else buddies."""
    tie = ForetoldTie(actor="", address="", direction="follower", outcome="ours", reason="", did="did:key:z")

    def at(node: str, **changes: str) -> ForetoldTie:
        return msgspec.structs.replace(tie, actor=f"https://{node}/users/bo", **changes)

    ties = [
        at("own.example"),
        at("stock.example", did=""),
        at("whom.example", direction="following"),
        at("one.example"),
        at("one.example"),
    ]
    assert peers_of("own.example", ties, ["own.example", "buddy.example"]) == ("one.example", "buddy.example")
    assert peers_of("own.example", [*ties, at("two.example"), at("three.example")], []) == (
        "one.example",
        "two.example",
    )
