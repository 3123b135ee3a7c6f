"""Adding a person to a room: resolve, claim, verify, commit.

A key package is believed only if it is the pinned person's own: signed, not over, a joining leaf of a
device that their newest record lists, at the actor that the record names. One package per device is added,
all in one commit; the Welcome carries the room's name.
"""

from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import PersonView
from yurt.client.core import Core
from yurt.client.people import Met, People
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.leaves import SUITE
from yurt.client.rooms.own_leaf import commit_data, renewed_leaf
from yurt.client.vault import asked_invites, rooms
from yurt.identity.claim import PURPOSE_ROOM, make_claim
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.leaf import LeafUse, verify_leaf
from yurt.mls.errors import RemoteMlsError
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.key_package import KeyPackage
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.participants import participants_of
from yurt.wire.command import Done
from yurt.wire.consent_commands import AskInvite
from yurt.wire.key_package_commands import Claimed, ClaimKeyPackages
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import CIPHER_SUITE, MAX_DEVICES, ROOM_CARD_EXTENSION

INVITED: Final = "invited"
PARTICIPANT: Final = "participant"
ASKED: Final = "asked"
"""They have to agree first."""
ANSWER_S: Final = 3.0
"""How long to wait for the next stream, if the last one ended with an answer on its way."""


async def invite(
    core: Core, people: People, committer: Committer, room: bytes, address: str, *, ask: bool = True
) -> PersonView:
    """Add a person; when this returns, the hub has the commit and their Welcome.

    Somebody who does not know this person is asked first, and added once they agree (TRUST 6).

    Raises:
        ProblemError: Nobody there, not allowed, no key packages, or a proof that fails.
    """
    met = await people.meet(address)
    if await core.write(lambda tx: _takes_part(core, tx, room, met.pin.did)):
        return people.view(met.pin, PARTICIPANT)
    claim = make_claim(
        core.account.device,
        claimer=core.account.did,
        target=met.pin.did,
        purpose=PURPOSE_ROOM,
        time=core.now_s,
    )
    try:
        claimed = await _claim(core, ClaimKeyPackages(met.pin.actor, claim))
    except ProblemError as error:
        if error.problem.code != "notAllowed" or not ask:
            raise
        await core.session.call(AskInvite(met.pin.actor, room), Done)
        await core.write(lambda tx: asked_invites.note(tx, room, met.pin.address))
        return people.view(met.pin, ASKED)
    met = await people.learn(met.pin, claimed.record)
    packages = verify_packages(claimed.key_packages, met, core.now_s)

    def stage(tx: Connection, group: Group) -> StagedCommit | None:
        return _stage(core, tx, group, met, packages)

    async with core.lock(room):
        await committer.commit(room, "invite", stage)
    return people.view(met.pin, INVITED)


async def _claim(core: Core, claim: ClaimKeyPackages) -> Claimed:
    """Claim, once more with the same bytes if the answer was lost: then it costs no other packages.

    Raises:
        ProblemError: Refused, or not reached twice.
    """
    stream = core.session.streams
    try:
        return await core.session.call(claim, Claimed)
    except ProblemError as error:
        if error.problem.code != "peerUnreachable" or not await core.session.wait_next(stream, ANSWER_S):
            raise
    return await core.session.call(claim, Claimed)


def verify_packages(messages: tuple[bytes, ...], met: Met, now_s: int) -> list[KeyPackage]:
    """Check key packages that were claimed for a person.

    Returns:
        One for each of their devices.

    Raises:
        ProblemError: ``refused`` with the rule that one of them breaks.
    """
    if not 0 < len(messages) <= MAX_DEVICES:
        raise refuse("noKeyPackages", f"{met.pin.address} has no key packages left: they must come online")
    packages: dict[bytes, KeyPackage] = {}
    for message in messages:
        device_id, package = _verify(message, met, now_s)
        packages[device_id] = package
    return list(packages.values())


def _verify(message: bytes, met: Met, now_s: int) -> tuple[bytes, KeyPackage]:
    try:
        package = MLSMessage.decode(message).expect(KeyPackage)
        if package.cipher_suite != CIPHER_SUITE:
            raise _not_theirs(met, "cipherSuite")
        package.verify_signature(SUITE)
        leaf = verify_leaf(package.leaf_node)
        leaf.check_time(now_s)
    except (RemoteMlsError, RemoteIdentityError) as error:
        raise _not_theirs(met, error.rule) from error
    listed = met.record.device(leaf.device_id)
    is_theirs = (
        leaf.did == met.pin.did
        and listed is not None
        and (listed.device, listed.record_seq) == (leaf.device, leaf.record_seq)
    )
    lifetime = package.leaf_node.lifetime
    if not is_theirs or leaf.actor != met.record.record.actor:
        raise _not_theirs(met, "leafOwner")
    if leaf.use is not LeafUse.JOINING or lifetime is None or not lifetime.includes(now_s):
        raise _not_theirs(met, "leafUse")
    return leaf.device_id, package


def _takes_part(core: Core, tx: Connection, room: bytes, did: str) -> bool:
    found = rooms.find(tx, room)
    if found is None:
        raise refuse("notFound", "there is no such room here: `yurt rooms` lists them")
    if found.state == "removed":
        raise refuse("notAllowed", "you are no longer in this room")
    return did in participants_of(core.groups.load(tx, room).tree)


def _stage(
    core: Core, tx: Connection, group: Group, met: Met, packages: list[KeyPackage]
) -> StagedCommit | None:
    if met.pin.did in participants_of(group.tree):
        return None  # somebody else was faster
    found = rooms.find(tx, group.group_id)
    card = RoomCard(found.name, found.topic) if found else RoomCard("")
    return group.stage_commit(
        adds=packages,
        leaf=renewed_leaf(core, group),
        force_path=True,
        authenticated_data=commit_data(core),
        welcome_extensions=(Extension(ROOM_CARD_EXTENSION, card.encode()),),
    )


def _not_theirs(met: Met, rule: str) -> ProblemError:
    return refuse("refused", f"a key package of {met.pin.address} does not prove to be theirs", rule=rule)
