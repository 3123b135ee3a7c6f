"""Links and requests to join at the hub: what is kept, lent, rung, and what every wrong one is told."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from yurt.identity.leaf import LeafUse
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle
from yurt.mls.leaf_node import Lifetime
from yurt.node.accounts.testing import Newcomer
from yurt.node.accounts.tokens import secret_hash
from yurt.node.hub import join_requests
from yurt.node.testing import PATIENCE_S, Client, Town
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.invite_link import (
    MAX_BLOB_SIZE,
    InviteKeys,
    InviteLink,
    LinkBlob,
    open_blob,
    prove_blob,
    seal_blob,
)
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.join_request import JoinRequest, select, uses_of
from yurt.rooms.common.policy import Invite, RoomPolicy
from yurt.rooms.common.policy_changes import after_joins, with_ban, with_link, without_link
from yurt.rooms.common.room import read_room, room_extensions
from yurt.wire.frames import INBOX, Ring
from yurt.wire.link_commands import (
    Asked,
    AskToJoin,
    EndLink,
    FetchLink,
    KeepLink,
    LentRequests,
    LinkContent,
    TakeRequests,
)
from yurt.wire.position import START
from yurt.wire.problems import Problem, ProblemError
from yurt.wire.registry import ROOM_POLICY_EXTENSION, EntryKind
from yurt.wire.room_commands import Append, CreateRoom

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
NOWHERE = "this link leads nowhere (any more): ask for a new one"


@dataclass
class Host:
    """Ana with a room and a link to it."""

    client: Client
    room: bytes = field(default_factory=lambda: os.urandom(32))
    link: InviteLink = field(default_factory=lambda: InviteLink.make(HARBOUR, os.urandom(16)))
    group: Group | None = None

    async def open(self, uses: int) -> None:
        """Open the room, make the link, keep what lies behind it."""
        person = self.client.person
        policy = RoomPolicy.first(HARBOUR, self.room, person.identity.did)
        self.group = Group.create(
            MemoryGroupStore(),
            SUITE,
            self.room,
            person.own_leaf(LeafUse.JOINING),
            extensions=room_extensions(policy),
            lifetime=Lifetime(person.born_at - 3600, person.born_at + 86_400),
        )
        await self.client.call(CreateRoom(self.group.group_info(with_tree=True)))
        await self.change(lambda policy: with_link(policy, self.invite(uses)))
        blob = LinkBlob(person.identity.did, self.room, HARBOUR, "tea")
        await self.client.call(self.keep(seal_blob(self.link.keys, blob)))

    def invite(self, uses: int) -> Invite:
        """The link as the policy has it."""
        person = self.client.person
        return Invite(self.link.keys.public, person.identity.did, uses, person.born_at + 86_400, 0)

    def keep(self, blob: bytes, account: bytes = b"") -> KeepLink:
        keys = self.link.keys
        proof = prove_blob(keys, self.room, blob)
        return KeepLink(room=self.room, invite_pub=keys.public, blob=blob, proof=proof, account=account)

    async def change(
        self, edit: Callable[[RoomPolicy], RoomPolicy], requests: tuple[bytes, ...] = ()
    ) -> None:
        """Commit a change of the policy, and add those who asked."""
        assert self.group is not None
        group, person = self.group, self.client.person
        standing = read_room(group.context.extensions, group.tree)
        now_ms = person.born_at * 1000
        asked = [JoinRequest.decode(data).check(standing, self.room, now_ms) for data in requests]
        chosen = select(asked, standing, 100)
        policy = edit(after_joins(standing.policy, uses_of(chosen, standing)))
        others = (e for e in group.context.extensions if e.extension_type != ROOM_POLICY_EXTENSION)
        joining = group.epoch == 0
        staged = group.stage_commit(
            adds=[one.package for one in chosen],
            extensions=(*others, Extension(ROOM_POLICY_EXTENSION, policy.encode())),
            leaf=person.own_leaf(LeafUse.ROOM, self.room) if joining else None,
            force_path=True,
            authenticated_data=CommitData(
                now_ms, join_proofs=tuple(one.request.proof for one in chosen)
            ).encode(),
        )
        commit = Append(
            room=self.room,
            kind=EntryKind.COMMIT,
            entry=staged.commit,
            group_info=staged.group_info,
            welcome=staged.welcome or b"",
        )
        group.merge(at=(await self.client.call(commit)).accepted_at)

    def request(
        self,
        person: Newcomer,
        *,
        link: InviteLink | None = None,
        room: bytes = b"",
        bundle: KeyPackageBundle | None = None,
        proven: KeyPackageBundle | None = None,
    ) -> bytes:
        """What somebody asks to join with; each part may be another's."""
        bundle, keys = bundle or person.key_package_bundle(), (link or self.link).keys
        proof = JoinProof.make(
            keys.private,
            keys.public,
            group_id=room or self.room,
            did=person.identity.did,
            device_id=person.device.device_id,
            leaf_key=(proven or bundle).key_package.leaf_node.signature_key,
        )
        return JoinRequest(MLSMessage(bundle.key_package).encode(), proof.encode()).encode()

    def asking(self, request: bytes, room: bytes = b"") -> AskToJoin:
        return AskToJoin(HARBOUR, room or self.room, request)


async def host(town: Town, *, uses: int = 3) -> Host:
    """Ana, at home in the harbour."""
    ana = Host(await town.join("ana", HARBOUR))
    await ana.open(uses)
    return ana


async def problem(asked: "asyncio.Future[object] | object") -> Problem:
    """What a command was refused with."""
    with pytest.raises(ProblemError) as caught:
        await asked  # type: ignore[misc]  # a coroutine of whatever command
    return caught.value.problem


async def test_hostile_joiners(town: Town) -> None:
    """Forged, replayed, another's, unknown, banned: all hear the same, and nothing waits."""
    ana = await host(town)
    bo, eve = await town.join("bo", HILLTOP), await town.join("eve", HILLTOP)
    other, good = InviteLink.make(HARBOUR, os.urandom(16)), ana.request(bo.person)
    forged = JoinRequest.decode(good)
    broken = replace(JoinProof.decode(forged.proof), invite_pub=ana.link.keys.public, signature=bytes(64))
    bos = bo.person.key_package_bundle()
    for who, command in (
        (bo, ana.asking(JoinRequest(forged.key_package, broken.encode()).encode())),
        (bo, ana.asking(ana.request(bo.person, link=other))),
        (bo, ana.asking(ana.request(bo.person, room=os.urandom(32)))),
        (bo, ana.asking(ana.request(bo.person, proven=bo.person.key_package_bundle()))),
        (bo, ana.asking(good, room=os.urandom(32))),
        (bo, ana.asking(b"nonsense")),
        (eve, ana.asking(good)),  # a request of bo's that she saw
        (eve, ana.asking(ana.request(eve.person, bundle=bos))),  # bo's key package, her proof
    ):
        refused = await problem(who.call(command))
        assert (refused.code, refused.message) == ("notFound", NOWHERE)
    await ana.change(lambda policy: with_ban(policy, eve.person.identity.did))
    banned = await problem(eve.call(ana.asking(ana.request(eve.person))))
    assert (banned.code, banned.message) == ("notFound", NOWHERE)
    assert await ana.client.call(TakeRequests(ana.room)) == LentRequests()


async def test_lent_kept_and_granted(town: Town) -> None:
    """Lent once and again to the same device, kept over a restart, granted in one commit, then over."""
    ana = await host(town, uses=2)
    people = [await town.join(name, domain) for name, domain in (("bo", HILLTOP), ("cy", HARBOUR))]
    late = await town.join("dee", HILLTOP)
    asks = [ana.asking(ana.request(one.person)) for one in people]
    for who, ask in zip(people, asks, strict=True):
        assert (await who.call(ask)).state == "waiting"
        assert (await who.call(ask)).state == "waiting"
    lent = await ana.client.call(TakeRequests(ana.room))
    assert set(lent.requests) == {ask.request for ask in asks}
    assert await ana.client.call(TakeRequests(ana.room)) == lent
    assert (await problem(people[0].call(TakeRequests(ana.room)))).code == "notFound"

    await town.stop(HARBOUR)
    await town.start(HARBOUR)
    assert await ana.client.call(TakeRequests(ana.room)) == lent
    late_ask = ana.asking(ana.request(late.person))
    assert (await late.call(late_ask)).state == "waiting"

    async with town.stream(late) as stream:
        await stream.subscribe(INBOX, START)
        await ana.change(lambda policy: policy, lent.requests)
        async with asyncio.timeout(PATIENCE_S):
            while not isinstance(await stream.receive(), Ring):
                pass
    refused = await problem(late.call(late_ask))
    assert (refused.code, refused.message) == ("notFound", NOWHERE)
    for who, ask in zip(people, asks, strict=True):
        assert await who.call(ask) == Asked("joined")
    assert await ana.client.call(TakeRequests(ana.room)) == LentRequests()


async def test_fifty_race_for_one_use(town: Town) -> None:
    """One is in; forty-nine are told in the one line that everybody gets, and nobody waits any more."""
    ana = await host(town, uses=1)
    runners = [await town.join(f"runner{number}", (HARBOUR, HILLTOP)[number % 2]) for number in range(50)]
    asks = [ana.asking(ana.request(one.person)) for one in runners]
    waiting = await asyncio.gather(*(who.call(ask) for who, ask in zip(runners, asks, strict=True)))
    assert {answer.state for answer in waiting} == {"waiting"}
    lent = await ana.client.call(TakeRequests(ana.room))
    assert len(lent.requests) == 50

    await ana.change(lambda policy: policy, lent.requests)

    async def answer(who: Client, ask: AskToJoin) -> str:
        try:
            asked: Asked = await who.call(ask)
        except ProblemError as error:
            return error.problem.message
        return asked.state

    answers = await asyncio.gather(*(answer(who, ask) for who, ask in zip(runners, asks, strict=True)))
    assert sorted(answers) == ["joined", *[NOWHERE] * 49]
    assert ana.group is not None
    standing = read_room(ana.group.context.extensions, ana.group.tree)
    assert len(standing.people.dids) == 2
    assert standing.policy.invites == ()
    assert await ana.client.call(TakeRequests(ana.room)) == LentRequests()


async def test_a_link_that_leaked_shuts_nobody_else_out(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever found a link mints people without end; who comes by another, or from elsewhere, still waits."""
    monkeypatch.setattr(join_requests, "MAX_OF_LINK", 3)
    monkeypatch.setattr(join_requests, "MAX_OF_NODE", 2)
    ana = await host(town, uses=1)
    other = InviteLink.make(HARBOUR, os.urandom(16))
    person = ana.client.person
    invite = Invite(other.keys.public, person.identity.did, 1, person.born_at + 86_400, 0)
    await ana.change(lambda policy: with_link(policy, invite))
    eves = [await town.join(f"eve{number}", HILLTOP) for number in range(3)]
    bo, cy, dee = [await town.join(name, HARBOUR) for name in ("bo", "cy", "dee")]

    for eve in eves[:2]:
        assert (await eve.call(ana.asking(ana.request(eve.person)))).state == "waiting"
    of_node = await problem(eves[2].call(ana.asking(ana.request(eves[2].person))))
    assert (await bo.call(ana.asking(ana.request(bo.person)))).state == "waiting"
    of_link = await problem(cy.call(ana.asking(ana.request(cy.person))))

    assert of_node.code == of_link.code == "tooMany"
    assert (await dee.call(ana.asking(ana.request(dee.person, link=other)))).state == "waiting"


async def test_what_lies_behind_a_link(town: Town) -> None:
    """Only its maker puts something there, anybody who knows the code gets it, until it ends."""
    ana = await host(town)
    bo = await town.join("bo", HILLTOP)
    content: LinkContent = await bo.call(FetchLink(HARBOUR, ana.link.code))
    assert open_blob(ana.link.keys, content.blob).room_name == "tea"
    assert (await problem(bo.call(ana.keep(b"x")))).code == "notFound"
    assert (await problem(ana.client.call(ana.keep(bytes(MAX_BLOB_SIZE + 1))))).code == "badRequest"
    stranger = KeepLink(room=ana.room, invite_pub=bytes(32), blob=b"x", proof=bytes(64))
    assert (await problem(ana.client.call(stranger))).code == "notFound"

    await ana.client.call(EndLink(room=ana.room, invite_pub=ana.link.keys.public))
    gone = await problem(bo.call(FetchLink(HARBOUR, ana.link.code)))
    never = await problem(bo.call(FetchLink(HARBOUR, "aaaaaaaaaaaaaaaa")))
    assert (gone.code, gone.message) == (never.code, never.message) == ("notFound", NOWHERE)


async def test_account_by_a_room_link(harbour: Town) -> None:
    """The node knows a derived secret only; ended with the link, it makes no account."""
    ana = await host(harbour)
    secret = ana.link.keys.account
    await ana.client.call(ana.keep(b"sealed", secret_hash(secret)))

    bo = harbour.newcomer("bo", HARBOUR)
    link = type(await harbour.invite(HARBOUR))(ana.link.code, secret)
    signed_in = await bo.call(bo.person.join(link))
    assert signed_in.account == "bo"

    await ana.client.call(EndLink(room=ana.room, invite_pub=ana.link.keys.public))
    cy = harbour.newcomer("cy", HARBOUR)
    assert (await problem(cy.call(cy.person.join(link)))).code == "wrongInvite"


async def test_a_link_that_the_room_ended_brings_no_account(harbour: Town) -> None:
    """Whoever revokes it, in the room: what its maker left at the node goes with the commit."""
    ana = await host(harbour)
    secret = ana.link.keys.account
    await ana.client.call(ana.keep(b"sealed", secret_hash(secret)))

    await ana.change(lambda policy: without_link(policy, ana.link.keys.public))

    bo = harbour.newcomer("bo", HARBOUR)
    link = type(await harbour.invite(HARBOUR))(ana.link.code, secret)
    assert (await problem(bo.call(bo.person.join(link)))).code == "wrongInvite"
    await ana.change(lambda policy: with_link(policy, ana.invite(uses=1)))
    assert (await problem(bo.call(FetchLink(HARBOUR, ana.link.code)))).code == "notSignedIn"
    assert (await problem(ana.client.call(FetchLink(HARBOUR, ana.link.code)))).message == NOWHERE


async def test_nobody_is_quicker_with_a_link_than_whoever_made_it(harbour: Town) -> None:
    """A member sees its key in the commit, and has neither the link nor, so, anything to put behind it."""
    ana, eve = await host(harbour), Host(await harbour.join("eve", HARBOUR))
    await eve.open(3)
    link = InviteLink.make(HARBOUR, os.urandom(16))
    for one in (ana, eve):
        await one.change(partial(with_link, invite=replace(one.invite(1), invite_pub=link.keys.public)))

    def keep(one: Host, keys: InviteKeys, blob: bytes) -> KeepLink:
        proof = prove_blob(keys, one.room, blob)
        return KeepLink(room=one.room, invite_pub=link.keys.public, blob=blob, proof=proof)

    refused = await problem(eve.client.call(keep(eve, eve.link.keys, b"eve's")))
    await ana.client.call(keep(ana, link.keys, b"ana's"))

    assert refused.detail["rule"] == "linkProof"
    content: LinkContent = await ana.client.call(FetchLink(HARBOUR, link.code))
    assert content.blob == b"ana's"


async def test_nobody_changes_what_lies_behind_somebody_elses_link(harbour: Town) -> None:
    """Anybody may write a key that they have seen into the policy of a room of their own."""
    ana = await host(harbour)
    secret = ana.link.keys.account
    await ana.client.call(ana.keep(b"anas", secret_hash(secret)))

    eve = Host(await harbour.join("eve", HARBOUR), link=ana.link)
    with pytest.raises(ProblemError, match="no such room"):
        await eve.open(3)
    await eve.change(lambda policy: without_link(policy, ana.link.keys.public))

    content: LinkContent = await ana.client.call(FetchLink(HARBOUR, ana.link.code))
    assert content.blob == b"anas"
    bo = harbour.newcomer("bo", HARBOUR)
    link = type(await harbour.invite(HARBOUR))(ana.link.code, secret)
    assert (await bo.call(bo.person.join(link))).account == "bo"
