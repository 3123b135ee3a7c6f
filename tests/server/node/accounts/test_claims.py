"""Who gets whose key packages."""

import pytest

from yurt.node.accounts.claims import BY_ROOM_AN_HOUR, CLAIMS_AN_HOUR
from yurt.node.accounts.testing import Newcomer
from yurt.node.clock import SystemClock
from yurt.node.store import key_packages, rooms
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, until
from yurt.wire.key_package_commands import Claimed, ClaimKeyPackages, PublishKeyPackages
from yurt.wire.people_commands import Follow, Following
from yurt.wire.position import START
from yurt.wire.problems import ProblemError

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"


async def refused(client: Client, command: ClaimKeyPackages | PublishKeyPackages) -> str:
    with pytest.raises(ProblemError) as caught:
        await client.call(command)
    return caught.value.problem.code


async def befriend(follower: Client, followed: Client) -> None:
    """Let somebody follow somebody, and wait until it is accepted."""
    await follower.call(Follow(f"{followed.person.name}@{followed.domain}"))

    async def accepted() -> bool:
        ties = (await follower.call(Following())).ties
        return any(tie.actor == followed.person.actor and tie.state == "accepted" for tie in ties)

    await until(accepted)


def claim_of(claimer: Client, target: Client) -> ClaimKeyPackages:
    did = target.person.identity.did
    return ClaimKeyPackages(target.person.actor, claimer.person.claim(did))


async def test_whom_they_follow_may_claim_and_nothing_is_handed_out_twice(town: Town) -> None:
    """Bo follows ana, so ana gets bo's packages, each once; bo gets none of hers."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    packages = tuple(bo.person.key_package() for _ in range(3))
    assert (await bo.call(PublishKeyPackages(packages))).one_time == 3
    assert await refused(ana, claim_of(ana, bo)) == "notAllowed"
    await befriend(bo, ana)

    got = [await ana.call(claim_of(ana, bo)) for _ in range(3)]

    assert sorted(one.key_packages[0] for one in got) == sorted(packages)
    assert got[0].record == bo.person.record.encode()
    assert await refused(ana, claim_of(ana, bo)) == "noKeyPackages"
    assert await refused(bo, claim_of(bo, ana)) == "notAllowed"


async def test_nobody_and_not_allowed_look_the_same(town: Town) -> None:
    """A claim tells nothing about who exists."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    nobody = ClaimKeyPackages(
        "https://hilltop.example/users/nobody", ana.person.claim(bo.person.identity.did)
    )

    with pytest.raises(ProblemError) as unknown:
        await ana.call(nobody)
    with pytest.raises(ProblemError) as stranger:
        await ana.call(claim_of(ana, bo))

    assert unknown.value.problem == stranger.value.problem


async def test_a_wrong_claim_tells_nothing_either(town: Town) -> None:
    """One that names another person, or is too old, gets the same answer whoever exists."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    nobody = bo.person.actor.replace("/bo", "/nobody")
    other = ana.person.claim(Newcomer("cy", HILLTOP).identity.did)
    bent = other[:-1] + bytes([other[-1] ^ 1])

    for claim in (other, bent):
        answers: list[str] = []
        for actor in (bo.person.actor, nobody):
            with pytest.raises(ProblemError) as refusal:
                await ana.call(ClaimKeyPackages(actor, claim))
            answers.append(str(refusal.value.problem))
        assert len(set(answers)) == 1


async def test_a_claim_counts_once_and_five_an_hour(harbour: Town) -> None:
    """The same claim again gets the same packages, whose answer may be lost; the sixth in an hour none."""
    ana, bo = await harbour.join("ana", HARBOUR), await harbour.join("bo", HARBOUR)
    await befriend(bo, ana)
    await bo.call(PublishKeyPackages(tuple(bo.person.key_package() for _ in range(8))))
    claim = claim_of(ana, bo)

    first = await ana.call(claim)
    assert isinstance(first, Claimed)
    assert await ana.call(claim) == first
    for _ in range(CLAIMS_AN_HOUR - 1):
        await ana.call(claim_of(ana, bo))
    assert await refused(ana, claim_of(ana, bo)) == "tooMany"


async def test_a_crowd_in_a_room_does_not_use_up_what_friends_need(harbour: Town) -> None:
    """Fifty claims an hour for all who only share a room with bo; ana, whom bo follows, still gets one."""
    ana, bo, eve = [await harbour.join(name, HARBOUR) for name in ("ana", "bo", "eve")]
    await befriend(bo, ana)
    await bo.call(PublishKeyPackages(tuple(bo.person.key_package() for _ in range(3))))
    bo_did, eve_did = str(bo.person.identity.did), str(eve.person.identity.did)
    now_s = SystemClock().now_s()

    def crowd(tx: Tx) -> None:
        rooms.insert(tx, rooms.StoredRoom(bytes(32), HARBOUR, 0, b""))
        rooms.open_windows(tx, bytes(32), [(bo_did, b"b" * 16), (eve_did, b"e" * 16)], START)
        rooms.prove_windows(tx, bytes(32), [(bo_did, b"b" * 16)])
        for number in range(BY_ROOM_AN_HOUR - 1):
            key_packages.note_claim(tx, f"did:key:zSybil{number}", bo_did, now_s, 0)

    await harbour.nodes[HARBOUR].store.write(crowd)

    assert isinstance(await eve.call(claim_of(eve, bo)), Claimed)
    assert await refused(eve, claim_of(eve, bo)) == "tooMany"
    assert isinstance(await ana.call(claim_of(ana, bo)), Claimed)


async def test_old_leaf_in_a_strange_room_is_no_consent(harbour: Town) -> None:
    """Anybody can put an old joining leaf of bo into a room; that he is in it, only his key for it says."""
    bo, eve = [await harbour.join(name, HARBOUR) for name in ("bo", "eve")]
    await bo.call(PublishKeyPackages((bo.person.key_package(),)))
    bo_did, eve_did = str(bo.person.identity.did), str(eve.person.identity.did)

    def replay_leaf(tx: Tx) -> None:
        rooms.insert(tx, rooms.StoredRoom(bytes(32), HARBOUR, 0, b""))
        rooms.open_windows(tx, bytes(32), [(bo_did, b"b" * 16), (eve_did, b"e" * 16)], START)

    await harbour.nodes[HARBOUR].store.write(replay_leaf)

    assert await refused(eve, claim_of(eve, bo)) == "notAllowed"


async def test_claims_are_ones_own(harbour: Town) -> None:
    """Nobody uses a claim that another device signed."""
    ana, bo, eve = [await harbour.join(name, HARBOUR) for name in ("ana", "bo", "eve")]
    await befriend(bo, ana)
    await bo.call(PublishKeyPackages((bo.person.key_package(),)))

    assert await refused(eve, claim_of(ana, bo)) == "badRequest"
    assert await refused(eve, ClaimKeyPackages(bo.person.actor, b"no claim")) == "badRequest"


async def test_only_the_device_leaves_its_own_packages(harbour: Town) -> None:
    """A package with somebody else's leaf, or with a broken one, is refused whole."""
    ana, bo = await harbour.join("ana", HARBOUR), await harbour.join("bo", HARBOUR)
    good, foreign = ana.person.key_package(), bo.person.key_package()
    bent = good[:-1] + bytes([good[-1] ^ 1])

    for body in (foreign, bent, b"", b"\x00" * 100, good + b"\x00"):
        assert await refused(ana, PublishKeyPackages((good, body))) == "badRequest"

    assert (await ana.call(PublishKeyPackages())).one_time == 0
    assert (await ana.call(PublishKeyPackages((good, good)))).one_time == 1
