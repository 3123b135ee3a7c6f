"""A room's policy has one encoding, with its later fields from the first day."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.identity.did import Did, did_of
from yurt.mls.signatures import ED25519
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.policy import (
    Base,
    Fallback,
    Floor,
    Invite,
    Limits,
    Role,
    RoleEntry,
    RoomPolicy,
)
from yurt.rooms.common.rules import Rule
from yurt.wire.position import Position

ROOM = bytes(range(32))


def somebody(number: int) -> Did:
    """Name a person by a number."""
    return did_of(ED25519.public(number.to_bytes(32, "big")))


ANA, BO, CY = (somebody(number) for number in range(3))

FULL = RoomPolicy(
    hub="harbour.example",
    term=2,
    base=Base(Position(1, 41), bytes(32)),
    roles=(RoleEntry(ANA, Role.OWNER), RoleEntry(BO, Role.MODERATOR)),
    fallbacks=(Fallback("hilltop.example", b"consent"),),
    bans=(CY,),
    floors=(Floor(BO, 3),),
    invites=(Invite(bytes(32), ANA, 5, 1_795_000_000, 3600),),
    history=86_400,
    limits=Limits(50, Role.MEMBER),
    takeover_after=3600,
)


def test_first_policy(golden: Callable[[str, bytes], None]) -> None:
    """A new room: its maker is the owner, the rest is empty and encoded all the same."""
    policy = RoomPolicy.first("harbour.example", ROOM, ANA)

    assert RoomPolicy.decode(policy.encode()) == policy
    assert (policy.term, policy.base.chain, policy.listed_role(ANA)) == (1, ROOM, Role.OWNER)
    golden("policy_first.hex", policy.encode())


def test_full_policy(golden: Callable[[str, bytes], None]) -> None:
    """Every field of today and later comes back."""
    assert RoomPolicy.decode(FULL.encode()) == FULL
    assert (FULL.floor(BO), FULL.floor(ANA)) == (3, 0)
    golden("policy_full.hex", FULL.encode())


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 40), unique=True, max_size=8),
    st.lists(st.integers(0, 40), unique=True, max_size=8),
    st.sampled_from(Role),
    st.integers(0, 2**64 - 1),
)
def test_any_policy_comes_back(roles: list[int], bans: list[int], may_invite: Role, number: int) -> None:
    """What is agreed is what is read."""
    policy = replace(
        FULL,
        roles=tuple(RoleEntry(somebody(n), Role(n % 3 + 1)) for n in roles),
        bans=tuple(somebody(n) for n in bans),
        limits=Limits(3, may_invite),
        history=number,
    )

    assert RoomPolicy.decode(policy.encode()) == policy


def test_policy_that_is_full() -> None:
    """256 bans fit, 257 do not; nor 49 KiB of roles."""
    replace(FULL, bans=tuple(somebody(n) for n in range(256))).encode()
    entries = tuple(RoleEntry(somebody(n), Role.ADMIN) for n in range(1500))

    for policy in (replace(FULL, bans=tuple(somebody(n) for n in range(257))), replace(FULL, roles=entries)):
        with pytest.raises(Refused) as caught:
            policy.encode()
        assert caught.value.rule is Rule.POLICY_FULL
    with pytest.raises(Refused) as caught:
        RoomPolicy.decode(bytes(50_000))
    assert caught.value.rule is Rule.POLICY_FULL


def test_unknown_version_is_refused() -> None:
    """Nobody may go on with a policy that they cannot read."""
    with pytest.raises(Refused) as caught:
        RoomPolicy.decode(b"\2" + FULL.encode()[1:])

    assert caught.value.rule is Rule.POLICY_VERSION


@pytest.mark.parametrize(
    "policy",
    [
        replace(FULL, hub="Harbour.example"),
        replace(FULL, hub=""),
        replace(FULL, hub="harbour.example:8443"),
        replace(FULL, roles=(RoleEntry(ANA, Role.MEMBER),)),
        replace(FULL, roles=(RoleEntry(ANA, Role.ADMIN), RoleEntry(ANA, Role.OWNER))),
        replace(FULL, bans=(BO, BO)),
        replace(FULL, floors=(Floor(BO, 1), Floor(BO, 2))),
        replace(FULL, fallbacks=(Fallback("hilltop.example", bytes(513)),)),
    ],
)
def test_policies_that_mean_nothing(policy: RoomPolicy) -> None:
    """A listed member, somebody twice, a hub that is no node: malformed."""
    with pytest.raises(Refused) as caught:
        RoomPolicy.decode(policy.encode())

    assert caught.value.rule is Rule.POLICY_MALFORMED


def test_broken_policy() -> None:
    """Cut anywhere or with something behind, it is refused by name."""
    data = FULL.encode()
    for broken in [data[:at] for at in range(len(data))] + [data + b"\0"]:
        with pytest.raises(Refused):
            RoomPolicy.decode(broken)
