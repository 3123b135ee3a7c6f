"""Requests wait at the hub: only those that could be granted, and lent to one device at a time."""

from dataclasses import replace

import pytest

from yurt.identity.leaf import LeafUse
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.invite_link import SECRET_SIZE, InviteLink
from yurt.rooms.common.join_request import Applicant, JoinRequest, select, uses_of
from yurt.rooms.common.policy import Invite, Role
from yurt.rooms.common.policy_changes import after_joins, with_ban, with_link
from yurt.rooms.common.room_change import Device as DeviceName
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.requests import KEPT_MS, LEASE_MS, MAX_LENT, Waiting, admit, lend, still_waiting
from yurt.rooms.rehearsal import Device, Town
from yurt.rooms.testing import ANA, BO, DAY, DEE, EVE, HUB, NOW, NOW_MS, ROOM_ID, Person, policy_of

LINK = InviteLink(HUB, "tea-at-five", bytes(range(16)))
OTHER = InviteLink(HUB, "tea-at-six", bytes(16))
EVES, FAYS = Device(EVE), Device(Person("fay", 6))


@pytest.fixture(scope="module")
def town() -> Town:
    """Ana is the owner, bo made a link for three, dee is a member; fay is banned."""
    policy = policy_of(ana=Role.OWNER, bo=Role.ADMIN)
    policy = with_ban(policy, FAYS.person.did)
    policy = with_link(policy, Invite(LINK.keys.public, BO.did, 3, NOW + DAY, 0))
    return Town.found(policy, Device(ANA), Device(BO), Device(DEE))


def asking(
    device: Device,
    *,
    bundle: KeyPackageBundle | None = None,
    proven: KeyPackageBundle | None = None,
    link: InviteLink = LINK,
    room: bytes | None = None,
) -> bytes:
    """Ask to join."""
    bundle = bundle or device.key_package()
    proof = device.proof(link, proven or bundle, **({} if room is None else {"room": room}))
    return JoinRequest(MLSMessage(bundle.key_package).encode(), proof).encode()


def waiting(town: Town, device: Device, at: int = NOW_MS) -> Waiting:
    """Let the hub keep a request."""
    return admit(JoinRequest.decode(asking(device)), town.hub, at)


def refusal(town: Town, data: bytes, now_ms: int = NOW_MS) -> Rule:
    """Ask what the hub refuses."""
    with pytest.raises(Refused) as caught:
        admit(JoinRequest.decode(data), town.hub, now_ms)
    return caught.value.rule


def test_request_that_could_be_granted(town: Town) -> None:
    """The hub knows whose it is and by whose link, and keeps it as it came."""
    data = asking(EVES)

    kept = admit(JoinRequest.decode(data), town.hub, NOW_MS)

    assert kept.request.encode() == data
    assert (kept.device, kept.inviter) == (DeviceName(EVE.did, EVES.keys.device_id), BO.did)


def test_requests_that_nobody_should_see(town: Town) -> None:
    """Forged, for another key package, room or link, by somebody banned or inside, too late: at the door."""
    for data, rule in (
        (b"", Rule.JOIN_PROOF),
        (b"\2" + asking(EVES)[1:], Rule.JOIN_PROOF),
        (asking(EVES)[:-1] + b"\xff", Rule.JOIN_PROOF),  # no Ed25519 signature ends so
        (asking(EVES, proven=EVES.key_package()), Rule.JOIN_PROOF),
        (asking(EVES, room=bytes(32)), Rule.JOIN_PROOF),
        (asking(EVES, link=OTHER), Rule.INVITE_UNKNOWN),
        (asking(FAYS), Rule.BANNED),
        (asking(Device(DEE)), Rule.DUPLICATE_DEVICE),
        (asking(EVES, bundle=EVES.key_package(LeafUse.ROOM)), Rule.LEAF_USE),
        (asking(EVES, bundle=EVES.key_package(not_after=NOW - 1)), Rule.LEAF_EXPIRED),
        (JoinRequest(b"\0", EVES.proof(LINK, EVES.key_package())).encode(), Rule.BAD_LEAF),
    ):
        assert refusal(town, data) is rule
    bundle = EVES.key_package()
    broken = replace(bundle, key_package=replace(bundle.key_package, signature=bytes(64)))
    assert refusal(town, asking(EVES, bundle=broken)) is Rule.BAD_LEAF
    assert refusal(town, asking(EVES), NOW_MS + 2 * DAY * 1000) is Rule.INVITE_EXPIRED


def test_one_device_adds_many(town: Town) -> None:
    """All go to the inviter's device if it is online, for fifteen seconds; then to the next."""
    bo, dee = (DeviceName(person.did, person.devices[0].device_id) for person in (BO, DEE))
    queue = [waiting(town, Device(EVE, nth)) for nth in range(3)]

    lent = lend(queue, [dee, bo], NOW_MS)

    assert {each.lent_to for each in lent} == {bo}
    assert len(lent) == 3
    assert lend(lent, [dee], NOW_MS + LEASE_MS - 1) == ()
    assert {each.lent_to for each in lend(lent, [dee], NOW_MS + LEASE_MS)} == {dee}
    holder = lent[0].lent_to  # took them and added nobody: now the others come first
    assert holder is not None
    assert holder != dee
    assert lend(lent, [holder], NOW_MS + 2 * LEASE_MS - 1) == ()
    assert {each.lent_to for each in lend(lent, [holder], NOW_MS + 2 * LEASE_MS)} == {holder}
    assert lend(queue, [], NOW_MS) == ()
    assert len(lend(queue * 50, [dee], NOW_MS)) == MAX_LENT


def test_what_no_longer_waits(town: Town) -> None:
    """After a week, once in the room, or when the link has ended."""
    kept = waiting(town, EVES)
    inside = replace(kept, device=DeviceName(DEE.did, DEE.devices[0].device_id))
    other = replace(kept, invite_pub=OTHER.keys.public)
    standing = town.hub.standing

    assert still_waiting([kept, inside, other], standing, NOW_MS) == (kept,)
    assert still_waiting([replace(kept, since=NOW_MS - KEPT_MS)], standing, NOW_MS) == ()
    assert still_waiting([kept], standing, NOW_MS + 2 * DAY * 1000) == ()


# --- choosing whom one commit adds ---
def applicants(town: Town, *devices: Device, link: InviteLink = LINK) -> list[Applicant]:
    """Check what several people ask."""
    return [
        JoinRequest.decode(asking(device, link=link)).check(town.hub.standing, ROOM_ID, NOW_MS)
        for device in devices
    ]


def test_no_more_than_the_link_takes(town: Town) -> None:
    """Three uses: three new people, the first ones; a second device of one of them costs nothing."""
    people = [Device(Person(f"guest{n}", 20 + n)) for n in range(4)]
    second = Device(people[0].person, nth=1)
    asked = applicants(town, people[0], second, *people[1:])

    chosen = select(asked, town.hub.standing, 100)

    assert [one.leaf.did for one in chosen] == [one.person.did for one in (people[0], second, *people[1:3])]
    assert uses_of(chosen, town.hub.standing) == {LINK.keys.public: 3}


def test_one_commit_takes_so_many(town: Town) -> None:
    """The rest waits for the next one; twice the same device is once."""
    asked = applicants(town, EVES, EVES, Device(Person("gil", 30)))

    assert [one.leaf.did for one in select(asked, town.hub.standing, 1)] == [EVE.did]
    assert len(select(asked, town.hub.standing, 100)) == 2


def test_commit_of_the_chosen_is_valid(town: Town) -> None:
    """What was chosen passes the judge: the hub takes the commit, and the policy says what is left."""
    here = town.copy()
    chosen = select(applicants(here, EVES, Device(Person("gil", 30))), here.hub.standing, 100)
    policy = after_joins(here.hub.standing.policy, uses_of(chosen, here.hub.standing))

    left = policy.invite(LINK.keys.public)

    assert left is not None
    assert left.uses_left == 1


def test_link_is_named_by_its_key() -> None:
    """A link that was cut or changed is noticed before anybody is asked; the account's secret is another."""
    link = InviteLink.make(HUB, bytes(range(16)))

    assert InviteLink.parse(link.url) == link
    assert link.is_whole
    assert not replace(link, secret=bytes(16)).is_whole
    assert not replace(link, code="tea-at-five").is_whole
    assert link.code == "jtpj3dkk6ovhz5wc"
    assert len(link.keys.account) == SECRET_SIZE
    assert link.keys.account not in {
        link.secret,
        link.keys.private[:SECRET_SIZE],
        link.keys.seal[:SECRET_SIZE],
    }
    assert link.keys.account.hex() == "a1ebde87c6db14f52d85c07a8e584734"
