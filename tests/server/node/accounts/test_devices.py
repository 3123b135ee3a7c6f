"""What the node does for a person's devices: mailboxes, records, signing in by a key, last resort."""

import asyncio
import os
from dataclasses import replace
from functools import partial

import pytest

from yurt.identity.device import DeviceCertificate, DeviceKeys
from yurt.identity.device_login import make_device_login
from yurt.identity.identity_key import IdentityKey
from yurt.identity.leaf import LeafUse, issue_leaf
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, next_record, verify_first, verify_record
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package_bundle import make_key_package
from yurt.node.accounts import mailbox
from yurt.node.accounts.sessions import Sessions
from yurt.node.store import logs, records
from yurt.node.store.accounts import AccountRow
from yurt.node.store.types import ReadTx
from yurt.node.testing import PATIENCE_S, Client, Town, until
from yurt.wire.account_commands import SignedIn
from yurt.wire.command import Command
from yurt.wire.device_commands import (
    Devices,
    LinkGet,
    LinkPut,
    LoginDevice,
    OwnRecord,
    PublishRecord,
    TakeOwnKeyPackages,
)
from yurt.wire.frames import Bye
from yurt.wire.key_package_commands import ClaimKeyPackages, PublishKeyPackages
from yurt.wire.people_commands import Follow, Following
from yurt.wire.position import START, LogRow
from yurt.wire.problems import ProblemError
from yurt.wire.registry import CIPHER_SUITE, KEY_PACKAGE_LIFETIME_S, LEAF_EXTENSION, InboxKind

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
BOX = bytes(range(16))
YEAR_S = 365 * 86_400


async def refused(client: Client, command: Command) -> tuple[str, str]:
    with pytest.raises(ProblemError) as caught:
        await client.call(command)
    return caught.value.problem.code, str(caught.value.problem.detail.get("rule", ""))


def stranger(town: Town, domain: str = HARBOUR) -> Client:
    """Somebody without an account: a new device."""
    return town.newcomer("nobody", domain)


def with_device(ana: Client, device: DeviceKeys, known: VerifiedRecord | None = None) -> SignedRecord:
    """The next record of ana, with one more device."""
    person = ana.person
    before = known or verify_first(person.record)
    return next_record(
        before, person.identity, time=person.born_at, add=[(device.public, person.born_at + YEAR_S)]
    )


def login(client: Client, device: DeviceKeys, *, node: str = HARBOUR, late_s: int = 0) -> LoginDevice:
    person = client.person
    did, time = person.identity.did, person.born_at - late_s
    return LoginDevice(make_device_login(device, did=did, node=node, time=time))


# --- mailboxes ------------------------------------------------------------------------------------------
async def test_three_messages_pass_in_order_and_what_was_said_stands(
    harbour: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hello from an account, an offer from anybody, the answer from that account; nothing is said twice."""
    monkeypatch.setattr(mailbox, "WAIT_S", 0.01)
    ana, bo = await harbour.join("ana", HARBOUR), await harbour.join("bo", HARBOUR)
    new = stranger(harbour)
    assert (await refused(new, LinkPut(mailbox=BOX, step=0, body=b"hello")))[0] == "notSignedIn"
    assert (await refused(new, LinkPut(mailbox=BOX, step=1, body=b"offer")))[0] == "notFound"
    assert (await new.call(LinkGet(mailbox=BOX, step=0))).body == b""

    await ana.call(LinkPut(mailbox=BOX, step=0, body=b"hello"))
    await ana.call(LinkPut(mailbox=BOX, step=0, body=b"hello"))
    assert (await refused(bo, LinkPut(mailbox=BOX, step=0, body=b"mine")))[1] == "linkUsed"
    assert (await new.call(LinkGet(mailbox=BOX, step=0))).body == b"hello"
    assert (await refused(ana, LinkPut(mailbox=BOX, step=2, body=b"too soon")))[0] == "notFound"
    await new.call(LinkPut(mailbox=BOX, step=1, body=b"offer"))
    assert (await refused(new, LinkPut(mailbox=BOX, step=1, body=b"again")))[1] == "linkUsed"
    assert (await refused(bo, LinkPut(mailbox=BOX, step=2, body=b"answer")))[0] == "notFound"
    await ana.call(LinkPut(mailbox=BOX, step=2, body=b"answer"))

    assert [(await new.call(LinkGet(mailbox=BOX, step=n))).body for n in range(3)] == [
        b"hello",
        b"offer",
        b"answer",
    ]
    for bad in (LinkPut(mailbox=b"short", step=0, body=b"x"), LinkPut(mailbox=BOX, step=3, body=b"x")):
        assert (await refused(ana, bad))[0] == "badRequest"
    big = LinkPut(mailbox=bytes(16), step=0, body=bytes(65_537))
    assert (await refused(ana, big))[0] == "tooLarge"


async def test_a_reader_is_answered_when_the_message_comes(harbour: Town) -> None:
    """Nobody asks every second: the answer waits for the message."""
    ana = await harbour.join("ana", HARBOUR)
    reading = asyncio.create_task(stranger(harbour).call(LinkGet(mailbox=BOX, step=0)))
    await asyncio.sleep(0)
    await ana.call(LinkPut(mailbox=BOX, step=0, body=b"hello"))
    assert (await reading).body == b"hello"


async def test_an_account_has_few_mailboxes_at_once(harbour: Town) -> None:
    """Nobody fills the disk with bytes that the node cannot read."""
    ana = await harbour.join("ana", HARBOUR)
    for _ in range(mailbox.MAX_MAILBOXES):
        await ana.call(LinkPut(mailbox=os.urandom(16), step=0, body=b"hello"))
    assert (await refused(ana, LinkPut(mailbox=BOX, step=0, body=b"hello")))[0] == "tooMany"


# --- records and signing in -----------------------------------------------------------------------------
async def test_a_listed_device_signs_in_by_its_key_and_no_other_does(harbour: Town) -> None:
    """The record lets a device in: before it, nothing; after it, only here, now, once, by that key."""
    ana, laptop = await harbour.join("ana", HARBOUR), DeviceKeys.generate()
    new = stranger(harbour)
    assert (await refused(new, login(ana, laptop)))[0] == "notAllowed"
    record = with_device(ana, laptop).encode()
    assert (await new.call(PublishRecord(record))).record == record
    assert (await new.call(PublishRecord(record))).record == record

    proof = login(ana, laptop)
    signed_in = await new.call(proof)
    assert (signed_in.account, signed_in.record) == ("ana", record)
    assert await refused(new, proof) == ("badSignature", "loginReplay")
    assert await refused(new, login(ana, laptop, node=HILLTOP)) == ("badSignature", "loginNode")
    assert await refused(new, login(ana, laptop, late_s=3600)) == ("badSignature", "loginTime")
    thief = replace(DeviceKeys.generate(), device_id=laptop.device_id)
    assert await refused(new, login(ana, thief)) == ("badSignature", "loginSignature")
    assert (await refused(new, login(stranger(harbour), laptop)))[0] == "notAllowed"
    new.token = signed_in.token
    assert {one.device_id: one.signed_in for one in (await new.call(Devices())).devices} == {
        laptop.device_id: True,
        ana.person.device.device_id: True,
    }


async def test_only_the_identity_key_continues_the_records(harbour: Town) -> None:
    """A forged, an old, a second and a stranger's record change nothing."""
    ana, new = await harbour.join("ana", HARBOUR), stranger(harbour)
    first = verify_first(ana.person.record)
    good = with_device(ana, DeviceKeys.generate())
    forger = IdentityKey(os.urandom(32))
    forged = SignedRecord(good.record, forger.sign(b"yurt/record/1", good.record)).encode()
    assert await refused(new, PublishRecord(forged)) == ("badRecord", "recordSignature")
    await new.call(PublishRecord(good.encode()))
    assert await refused(new, PublishRecord(first.signed.encode())) == ("badRecord", "recordOld")
    other = with_device(ana, DeviceKeys.generate())
    assert await refused(new, PublishRecord(other.encode())) == ("badRecord", "recordFrozen")
    stray = stranger(harbour).person.record.encode()
    assert (await refused(new, PublishRecord(stray)))[0] == "notFound"
    assert (await refused(new, OwnRecord(stranger(harbour).person.identity.did)))[0] == "notFound"


async def test_a_revoked_device_loses_token_stream_and_key_packages_at_once(harbour: Town) -> None:
    """The record is enough; and the others' packages, whose certificates were issued anew, go with it."""
    ana, laptop = await harbour.join("ana", HARBOUR), DeviceKeys.generate()
    await ana.call(PublishKeyPackages((ana.person.key_package(),)))
    second = with_device(ana, laptop)
    new = stranger(harbour)
    await new.call(PublishRecord(second.encode()))
    new.token = (await new.call(login(ana, laptop))).token
    took = await new.call(TakeOwnKeyPackages(device_id=ana.person.device.device_id))
    assert len(took.key_packages) == 1
    await ana.call(PublishKeyPackages((ana.person.key_package(),)))

    async with harbour.stream(new) as stream:
        third = next_record(
            verify_record(second), ana.person.identity, time=ana.person.born_at, revoke=[laptop.device_id]
        )
        await ana.call(PublishRecord(third.encode()))
        async with asyncio.timeout(PATIENCE_S):
            while not isinstance(frame := await stream.receive(), Bye):
                pass
        assert frame.reason == "notSignedIn"
    assert (await refused(new, Devices()))[0] == "notSignedIn"
    new.token = ""
    assert (await refused(new, login(ana, laptop)))[0] == "notAllowed"
    assert (await ana.call(PublishKeyPackages())).one_time == 0
    assert await refused(ana, PublishKeyPackages((ana.person.key_package(),))) == ("badRequest", "belowFloor")
    listed = (await ana.call(Devices())).devices
    assert [one.device_id for one in listed] == [ana.person.device.device_id]
    # A revoked device cannot sign a newer record: it never had the identity key.
    fourth = next_record(verify_record(third), ana.person.identity, time=ana.person.born_at)
    again = SignedRecord(fourth.record, laptop.sign(b"yurt/record/1", fourth.record)).encode()
    assert await refused(new, PublishRecord(again)) == ("badRecord", "recordSignature")


async def test_a_newer_record_is_told_here_and_at_nodes_of_ties(town: Town) -> None:
    """Own devices and whoever has a tie hear of it through their inbox."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HARBOUR)
    await bo.call(Follow("ana@harbour.example"))
    record = with_device(ana, DeviceKeys.generate()).encode()
    await ana.call(PublishRecord(record))
    for name in ("ana", "bo"):
        rows = await town.nodes[HARBOUR].store.read(partial(inbox_of, name))
        assert [row.body for row in rows if row.kind == InboxKind.RECORD] == [record]


def inbox_of(name: str, tx: ReadTx) -> list[LogRow]:
    return logs.after(tx, logs.inbox_log(name), START)


# --- key packages ---------------------------------------------------------------------------------------
def last_resort(client: Client) -> bytes:
    person = client.person
    start, end = person.born_at - 3600, person.born_at + KEY_PACKAGE_LIFETIME_S
    marks = (Extension(ExtensionType.LAST_RESORT, b""),)
    leaf = person.own_leaf(LeafUse.JOINING)
    bundle = make_key_package(cipher_suite(CIPHER_SUITE), leaf, start, end, extensions=marks)
    return MLSMessage(bundle.key_package).encode()


async def test_a_date_that_no_database_can_hold(town: Town) -> None:
    """Whoever signs for themselves until after the end of time is told so; nothing breaks."""
    bo = await town.join("bo", HARBOUR)
    person, end, suite = bo.person, 2**63 + 86_400, cipher_suite(CIPHER_SUITE)
    certificate = DeviceCertificate.issue(person.identity, person.device.public, record_seq=1, not_after=end)
    own = person.own_leaf(LeafUse.JOINING)
    leaf = issue_leaf(
        person.device,
        certificate,
        actor=person.actor,
        signature_public=suite.signature_public(own.signature_private),
        use=LeafUse.JOINING,
        group_id=b"",
        not_before=end - 3600,
        not_after=end,
    )
    own = replace(own, extensions=(Extension(LEAF_EXTENSION, leaf),))
    package = MLSMessage(make_key_package(suite, own, person.born_at - 3600, end).key_package).encode()

    assert await refused(bo, PublishKeyPackages((package,))) == ("badRequest", "leafOwner")


async def test_the_last_resort_goes_out_when_nothing_else_is_left_and_is_marked(town: Town) -> None:
    """Who has no one-time package left can still be added; their device learns that it must replace it."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    once, last = bo.person.key_package(), last_resort(bo)
    assert not (await bo.call(PublishKeyPackages((once,)))).last_resort
    held = await bo.call(PublishKeyPackages((last,)))
    assert (held.one_time, held.last_resort) == (1, True)
    await bo.call(Follow("ana@harbour.example"))

    async def accepted() -> bool:
        return any(tie.state == "accepted" for tie in (await bo.call(Following())).ties)

    await until(accepted)

    claims = [
        await ana.call(ClaimKeyPackages(bo.person.actor, ana.person.claim(bo.person.identity.did)))
        for _ in range(3)
    ]

    assert [claimed.key_packages for claimed in claims] == [(once,), (last,), (last,)]
    assert not (await bo.call(PublishKeyPackages())).last_resort
    assert not (await bo.call(PublishKeyPackages((last,)))).last_resort
    assert (await bo.call(PublishKeyPackages((last_resort(bo),)))).last_resort


async def test_the_records_of_a_person_are_kept_with_their_account(harbour: Town) -> None:
    """What was published is what everybody asks for."""
    ana = await harbour.join("ana", HARBOUR)
    record = with_device(ana, DeviceKeys.generate()).encode()
    await ana.call(PublishRecord(record))
    did = ana.person.identity.did
    assert (await stranger(harbour).call(OwnRecord(did))).record == record
    assert await harbour.nodes[HARBOUR].store.read(lambda tx: records.newest_record(tx, did)) == record


async def test_a_device_that_is_revoked_while_it_signs_in_stays_out(
    harbour: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the record and the token a revocation comes: no token is left of it."""
    ana, laptop = await harbour.join("ana", HARBOUR), DeviceKeys.generate()
    second = with_device(ana, laptop)
    new = stranger(harbour)
    await new.call(PublishRecord(second.encode()))
    third = next_record(
        verify_record(second), ana.person.identity, time=ana.person.born_at, revoke=[laptop.device_id]
    )
    sign_in = Sessions.sign_in

    async def late(self: Sessions, account: AccountRow, device_id: bytes) -> SignedIn:
        await ana.call(PublishRecord(third.encode()))
        return await sign_in(self, account, device_id)

    monkeypatch.setattr(Sessions, "sign_in", late)
    assert (await refused(new, login(ana, laptop)))[0] == "notAllowed"
