"""One look at a room: which checkpoints are believed, what is settled by them, and whether ours is needed.

Runs in the vault's writer thread, where groups and places are.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.rooms.places import Places
from yurt.client.vault import cursors, rooms, settled
from yurt.client.vault.settled import KeptCheckpoint
from yurt.identity.did import Did
from yurt.identity.errors import RemoteIdentityError
from yurt.mls.group import Group
from yurt.rooms.common.checkpoint import Checkpoint, Seen, VerifiedCheckpoint
from yurt.rooms.common.errors import CheckpointError
from yurt.rooms.common.participants import Participants, participants_of
from yurt.rooms.member.settling import SIGN_EVERY_MS, Copies, Recent
from yurt.wire.frames import room_log
from yurt.wire.position import START


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look has found."""

    changed: bool = False
    """Something is settled now that was not."""
    sign: Seen | None = None
    """What this device has seen, if others need its word."""
    voices: int = 0
    """How many could give theirs as well."""
    wait_s: float = 0.0
    """Until this device may sign again."""


def look(
    tx: Connection, core: Core, places: Places, room: bytes, arrived: Sequence[bytes], now_ms: int
) -> Looked:
    """Take in checkpoints, settle what they cover, and see whether ours is missing."""
    found = rooms.find(tx, room)
    if found is None or found.state != "active":
        return Looked()
    group = core.groups.load(tx, room)
    people = participants_of(group.tree)
    for body in arrived:
        _take(tx, room, people, body)
    places.note(room, cursors.load(tx, room_log(room)))  # after a restart nothing else is remembered
    copies = Copies(found.hub, people, lambda place: places.chain_at(room, place))
    known = copies.true(_believed(tx, room, people))
    newest = {Did(did): place for did, place in settled.newest_by_author(tx, room).items()}
    before = settled.up_to(tx, room)
    changed = False
    for author, last in newest.items():
        reach = copies.reach(author, known)
        place = last if reach is None else reach
        if place > before.get(author, START):
            settled.settle(tx, room, author, place)
            changed = True
    recent = [Recent(place, author) for author, place in newest.items()]
    if not copies.should_sign(Did(core.account.did), recent, known, SIGN_EVERY_MS, 0):
        return Looked(changed)
    wait_ms = settled.signed_at(tx, room) + SIGN_EVERY_MS - now_ms
    voices = max((copies.voices(each.author) for each in recent), default=0)
    return Looked(changed, _seen(tx, group), voices, min(max(wait_ms, 0), SIGN_EVERY_MS) / 1000)


def _seen(tx: Connection, group: Group) -> Seen:
    """What this device has seen of a room: log and group stand at the same place between two transactions."""
    place = cursors.load(tx, room_log(group.group_id))
    return Seen(
        group_id=group.group_id,
        position=place.head,
        chain=place.chain,
        epoch=group.epoch,
        confirmed_transcript_hash=group.confirmed_transcript_hash,
        authenticator_hash=hashlib.sha256(group.epoch_authenticator).digest(),
    )


def _take(tx: Connection, room: bytes, people: Participants, body: bytes) -> None:
    """Keep a checkpoint that a device of this room really signed; every other one is nothing."""
    verified = _verified(room, people, body)
    if verified is not None:
        said = verified.checkpoint
        settled.keep(tx, room, KeptCheckpoint(said.did, said.device_id, said.seen.position, body))


def _believed(tx: Connection, room: bytes, people: Participants) -> list[VerifiedCheckpoint]:
    """The newest of each device that is still here."""
    found = (_verified(room, people, body) for body in settled.checkpoints(tx, room))
    return [each for each in found if each is not None]


def _verified(room: bytes, people: Participants, body: bytes) -> VerifiedCheckpoint | None:
    try:
        checkpoint = Checkpoint.decode(body)
        if checkpoint.seen.group_id != room:
            return None
        return checkpoint.verify(people)
    except (CheckpointError, RemoteIdentityError):
        return None
