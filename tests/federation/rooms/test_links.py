"""A link lets in who holds it, as many as it says, as long as it says; and tells a node nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import LinkRefused, Refused
from yurt.rooms.common.invite_link import InviteLink, LinkBlob, open_blob, seal_blob
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.policy import Invite, Limits, Role
from yurt.rooms.common.policy_changes import after_joins, with_ban, with_link, without, without_link
from yurt.rooms.common.rules import Rule
from yurt.rooms.testing import ANA, BO, CY, DAY, DEE, EVE, HUB, NOW, NOW_MS, ROOM_ID, Person, RoomBefore, room

LINK = InviteLink(HUB, "tea-at-five", bytes(range(16)))
OTHER = InviteLink(HUB, "tea-at-five", bytes(16))
FAY = Person("fay", 6)


def entry(link: InviteLink = LINK, *, by: Person = BO, uses: int = 2, days: float = 7) -> Invite:
    """Give a link's entry in the policy."""
    return Invite(link.keys.public, by.did, uses, NOW + int(days * DAY), 0)


def proof(person: Person, *, link: InviteLink = LINK, device: int = 0, room_id: bytes = ROOM_ID) -> bytes:
    """Prove that somebody holds the link."""
    leaf = person.leaf(device=device)
    keys = link.keys
    return JoinProof.make(
        keys.private,
        keys.public,
        group_id=room_id,
        did=person.did,
        device_id=person.devices[device].device_id,
        leaf_key=leaf.signature_key,
    ).encode()


def joining(*people: Person, uses: int = 2, by: Person = DEE) -> RoomBefore:
    """Let a plain member add people who hold bo's link."""
    case = room(by=by)
    case.policy = with_link(case.policy, entry(uses=uses))
    case.adds = [person.leaf() for person in people]
    case.data = CommitData(NOW_MS, join_proofs=tuple(proof(person) for person in people))
    case.after = after_joins(case.policy, {LINK.keys.public: len(people)})
    return case


def refusal(case: RoomBefore) -> Rule:
    """Judge a commit that must be refused, and say by which rule."""
    with pytest.raises(Refused) as caught:
        case.judge()
    return caught.value.rule


# --- coming in ---
def test_any_member_adds_on_a_proof() -> None:
    """Dee may not invite, and lets eve in by bo's link; it has one use left, and the timeline says so."""
    case = joining(EVE)
    assert case.after is not None
    assert case.after.invites == (entry(uses=1),)

    change = case.judge()

    assert (change.joined, change.by_link, change.links_ended) == ((EVE.did,), (EVE.did,), ())


def test_last_use_ends_the_link() -> None:
    """Two people, two uses: the entry goes with the commit."""
    change = joining(EVE, FAY).judge()

    assert change.by_link == (EVE.did, FAY.did)
    assert change.links_ended == (LINK.keys.public,)


def test_one_person_two_devices_one_use() -> None:
    """Uses count people; and who is in already costs nothing."""
    case = joining(EVE, uses=1)
    case.adds.append(EVE.leaf(device=1))
    case.data = CommitData(NOW_MS, join_proofs=(proof(EVE), proof(EVE, device=1)))
    assert case.judge().by_link == (EVE.did,)

    case = room(by=DEE)
    case.policy = with_link(case.policy, entry())
    case.adds = [CY.leaf(device=1)]
    case.data = CommitData(NOW_MS, join_proofs=(proof(CY, device=1),))
    assert case.judge().by_link == ()


def test_race_for_one_use() -> None:
    """The second to come finds no link any more, and two at once are one too many."""
    first = joining(EVE, uses=1)
    first.judge()
    second = joining(FAY, uses=1)
    assert first.after is not None

    assert refusal(replace(second, policy=first.after, after=None)) is Rule.INVITE_UNKNOWN
    assert refusal(joining(EVE, FAY, uses=1)) is Rule.INVITE_USED_UP


@pytest.mark.parametrize(
    ("proofs", "rule"),
    [
        ((), Rule.INVITE_RIGHT),
        ((b"proof",), Rule.JOIN_PROOF),
        ((proof(EVE), proof(EVE)), Rule.JOIN_PROOF),
        ((proof(FAY),), Rule.JOIN_PROOF),
        ((proof(EVE, device=1),), Rule.JOIN_PROOF),
        ((proof(EVE, room_id=bytes(32)),), Rule.JOIN_PROOF),
        ((proof(EVE)[:-1] + b"\0",), Rule.JOIN_PROOF),
        ((proof(EVE, link=OTHER),), Rule.INVITE_UNKNOWN),
    ],
)
def test_proofs_that_prove_nothing(proofs: tuple[bytes, ...], rule: Rule) -> None:
    """None, twice, of others, for another room or device, by another link."""
    case = joining(EVE)
    case.data = CommitData(NOW_MS, join_proofs=proofs)
    if not proofs:
        case.after = None

    assert refusal(case) is rule


def test_leaf_key_is_proven() -> None:
    """Whoever adds cannot swap the key package for one with a key of their own."""
    case = joining(EVE)
    case.adds = [EVE.leaf(key=1)]

    assert refusal(case) is Rule.JOIN_PROOF


def test_expired_link() -> None:
    """Judged by the log's time, to the second."""
    case = joining(EVE)
    case.policy = with_link(room().policy, entry(days=0))
    case.after = after_joins(case.policy, {LINK.keys.public: 1})
    case.judge()

    case.policy = with_link(room().policy, replace(entry(), not_after=NOW - 1))
    case.after = after_joins(case.policy, {LINK.keys.public: 1})
    assert refusal(case) is Rule.INVITE_EXPIRED


def test_banned_person_with_a_link() -> None:
    """A ban is stronger than a link."""
    case = joining(EVE)
    case.policy = with_ban(case.policy, EVE.did)
    case.after = after_joins(case.policy, {LINK.keys.public: 1})

    assert refusal(case) is Rule.BANNED


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(0, 2), st.integers(-1, 3))
def test_uses_are_lowered_exactly(uses: int, come: int, lowered: int) -> None:
    """Whatever number the committer writes, only the true one is taken."""
    case = joining(*(EVE, FAY)[:come], uses=uses)
    left = uses - lowered
    case.after = replace(case.policy, invites=(entry(uses=left),) if left > 0 else ())
    truth = (entry(uses=uses - come),) if come < uses else ()

    if come <= uses and case.after.invites == truth:
        assert len(case.judge().by_link) == come
    else:
        assert refusal(case) in {Rule.INVITE_USES, Rule.INVITE_USED_UP, Rule.LINK_RIGHT}


# --- making and revoking ---
@pytest.mark.parametrize(
    ("by", "invite", "rule"),
    [
        (BO, entry(), None),
        (CY, entry(by=CY), Rule.LINK_RIGHT),
        (ANA, entry(by=BO), Rule.LINK_RIGHT),
        (BO, entry(uses=0), Rule.BAD_INVITE),
        (BO, entry(days=-1), Rule.BAD_INVITE),
        (BO, entry(days=366), Rule.BAD_INVITE),
        (BO, replace(entry(), history=1), Rule.BAD_INVITE),
        (BO, replace(entry(), invite_pub=bytes(32)), Rule.BAD_INVITE),
    ],
)
def test_who_makes_a_link(by: Person, invite: Invite, rule: Rule | None) -> None:
    """Who may invite, in their own name, with uses, an end, and no more history than the room gives."""
    case = room(by=by)
    case.after = with_link(case.policy, invite)

    if rule is None:
        assert case.judge().links_made == (LINK.keys.public,)
    else:
        assert refusal(case) is rule


def test_members_may_make_links_where_members_may_invite() -> None:
    """The right is the same."""
    case = room(by=DEE)
    case.policy = replace(case.policy, limits=Limits(may_invite=Role.MEMBER))
    case.after = with_link(case.policy, entry(by=DEE))

    case.judge()


@pytest.mark.parametrize(
    ("by", "maker", "may"),
    [(BO, BO, True), (ANA, BO, True), (BO, ANA, True), (CY, BO, False), (DEE, CY, False)],
)
def test_who_revokes_a_link(by: Person, maker: Person, may: bool) -> None:  # noqa: FBT001  # a column of the table
    """Its maker, or an admin."""
    case = room(by=by)
    case.policy = with_link(case.policy, entry(by=maker))
    case.after = without_link(case.policy, LINK.keys.public)

    if may:
        assert case.judge().links_ended == (LINK.keys.public,)
    else:
        assert refusal(case) is Rule.LINK_RIGHT


def test_links_that_anybody_clears_away() -> None:
    """Ended ones, and those of people who go with the same commit."""
    case = room(by=DEE)
    case.policy = with_link(case.policy, replace(entry(), not_after=NOW - 1))
    case.after = without_link(case.policy, LINK.keys.public)
    case.judge()

    case = room(by=DEE)
    case.policy = with_link(case.policy, entry(by=CY))
    case.leaving = [2]
    case.after = without(case.policy, (CY.did,))
    change = case.judge()
    assert (change.left, change.links_ended) == ((CY.did,), (LINK.keys.public,))


# --- the link itself ---
def test_link_and_blob(golden: Callable[[str, bytes], None]) -> None:
    """Who has the link learns who invites into what; the hub's copy is sealed."""
    blob = LinkBlob(BO.did, ROOM_ID, HUB, "茶 and tea")
    sealed = seal_blob(LINK.keys, blob, lambda size: bytes(size))

    assert InviteLink.parse(f" {LINK.url}\n") == LINK
    assert open_blob(LINK.keys, sealed) == blob
    assert b"tea" not in sealed
    assert LINK.url not in repr(LINK)
    assert repr(LINK.keys.private) not in repr(LINK.keys)
    golden("link_blob_sealed.hex", sealed)
    golden("join_proof.hex", proof(EVE))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://harbour.example/j/tea-at-five",
        "http://harbour.example/j/tea-at-five#" + "A" * 22,
        "https://harbour.example/i/tea-at-five#" + "A" * 22,
        "https://harbour.example/j/tea#" + "A" * 22,
        "https://harbour.example/j/tea-at-five#" + "A" * 21,
        "https://harbour.example/j/tea-at-five#" + "A" * 21 + "B",
        "https://-.example/j/tea-at-five#" + "A" * 22,
    ],
)
def test_links_that_are_none(url: str) -> None:
    """A cut or foreign link is one clear line."""
    with pytest.raises(LinkRefused) as caught:
        InviteLink.parse(url)

    assert caught.value.code == "malformedLink"


def test_hub_cannot_change_the_blob() -> None:
    """Nor give the one of another link."""
    blob = LinkBlob(BO.did, ROOM_ID, HUB, "tea")
    sealed = seal_blob(LINK.keys, blob)
    broken = [sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :] for at in range(0, len(sealed), 7)]

    for data in (*broken, b"", sealed[:-1], bytes(2000), seal_blob(OTHER.keys, blob)):
        with pytest.raises(LinkRefused) as caught:
            open_blob(LINK.keys, data)
        assert caught.value.code == "sealBroken"
