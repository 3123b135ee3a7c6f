"""What the timeline says of itself: roster lines, notices, and why something cannot be read.

Texts are English sentences for people; programs read ``kind`` and ``reason``, whose codes never change.
"""

from collections.abc import Callable
from typing import Final

from yurt.client.vault.raced import BEFORE_YOU
from yurt.rooms.common.policy import Role
from yurt.rooms.common.room_change import RoomChange
from yurt.wire.position import Position

# --- reasons of lines; those of MLS and content rules keep their own codes ---------------------------
ERASED: Final = "erased"
WRONG_FRAMING: Final = "wrongFraming"
MISSING: Final = "missing"
REPEATED: Final = "repeated"
REWRITTEN: Final = "rewritten"
DIFFERENT_CONTENT: Final = "differentContent"
UNKNOWN_CONTENT: Final = "unknownContent"
DID_CHANGED: Final = "didChanged"
LOG_FORKED: Final = "logForked"
STOPPED: Final = "stopped"
ROLLBACK: Final = "ownMessage"
FOREIGN_COMMIT: Final = "commitOfOwnLeaf"
WELCOME_REFUSED: Final = "welcomeRefused"
GAP: Final = "gap"
STATE_LOST: Final = "stateLost"
RESYNCED: Final = "resynced"
NOT_BACK: Final = "notBack"

_TEXTS: Final = {
    ERASED: "this message was erased before this device read it",
    WRONG_FRAMING: "an entry of a kind that does not belong here was skipped",
    REPEATED: "this message repeats a number that was used before: it may have been sent twice",
    REWRITTEN: "this message denies what its author said before it",
    DIFFERENT_CONTENT: "a second, different message under the same name was dropped; the first stands",
    UNKNOWN_CONTENT: "a newer client sent something that this release cannot show",
    LOG_FORKED: "the hub shows different people different logs, or lies: compare room codes with the others",
    "tooManyReactions": "a reaction was hidden: its author has put too many under this message",
    "joiningLeaf": "a message was hidden: its device had not yet made a key for this room",
    "notAuthor": "a change was hidden: its author may not make it",
    "unknownEpoch": "a message could not be read: its keys are gone (it came very late)",
    BEFORE_YOU: "a message was written before this device came, and placed after: others are asked for it",
    "replayed": "a message was dropped: it was delivered a second time",
    "tooFarAhead": "a message could not be read: too many before it are missing",
    "decryptionFailed": "a message could not be read: it is damaged, or not for this device",
}


_STOPPED: Final = {
    ROLLBACK: "this device has spoken here and this vault does not know it",
    FOREIGN_COMMIT: "this device has changed the room and this vault does not know it",
}
"""What an older copy of a vault meets, or one whose keys somebody else uses as well (TRUST 2, 7)."""


def stopped(code: str, *, heals: bool = False) -> str:
    """Say why a room is stopped, and whether this device comes back into it by itself (TRUST 7)."""
    why = _STOPPED.get(code)
    end = ". This device comes back by itself" if heals else ". To come back by hand: `yurt room resync`"
    if why is None:
        text = f"this room is stopped here, nothing is sent into it: the log cannot be followed ({code})"
        return text + end
    return (
        f"this room is stopped here, nothing is sent into it: {why}. It is an older copy of the vault, "
        f"or somebody else has this device's keys: then revoke the device{end}"
    )


def gap(before: Position, after: Position) -> str:
    """Name what this device will not read."""
    count = after.seq - before.seq - 1
    entries = "1 entry" if count == 1 else f"{count} entries"
    return (
        f"a gap: {entries} of this room, after {before.term}.{before.seq} and "
        f"before {after.term}.{after.seq}, cannot be read on this device"
    )


def text_of(reason: str) -> str:
    """Say a reason in one line."""
    return _TEXTS.get(reason, f"a message could not be read ({reason})")


def named(name: str, topic: str) -> str:
    """Say how a room is called from now on."""
    return f"named the room {name!r}" + (f", about {topic!r}" if topic else "")


def missing(count: int) -> str:
    """Say that messages of somebody did not arrive."""
    return f"{count} message{'s' if count > 1 else ''} of this person did not arrive"


def roster_lines(change: RoomChange, name: Callable[[str], str]) -> list[str]:
    """Say what a commit did, one line each; nothing for a quiet one.

    Args:
        change: What the judge found.
        name: Gives the address of a did.
    """
    by = name(change.by)
    lines = [f"{by} added {name(did)}" for did in change.joined if did not in change.by_link]
    lines += [f"{by} let {name(did)} in, who had a link" for did in change.by_link]
    lines += [f"{by} removed {name(did)}" for did in change.removed]
    lines += [f"{name(did)} left" for did in change.left]
    lines += _device_lines(change, by, name)
    lines += [f"{by} made {name(r.did)} {_ROLES[r.after]} (was {_ROLES[r.before]})" for r in change.roles]
    lines += [f"{by} made a link: whoever has it may join" for _ in change.links_made]
    lines += ["a link to this room ended" for _ in change.links_ended]
    lines += [f"{by} banned {name(did)}" for did in change.banned]
    lines += [f"{by} lifted the ban of {name(did)}" for did in change.unbanned]
    lines += [f"{moved.before} says to be {moved.after} now" for moved in change.moved]
    if change.resynced is not None:
        lines.append(f"{name(change.resynced.did)} came back with a device that had lost its place")
    if change.settings:
        lines.append(f"{by} changed the room's settings")
    if change.owner is not None:
        lines.append(f"{name(change.owner)} now acts as the owner")
    return lines


_ROLES: Final = {
    Role.MEMBER: "member",
    Role.MODERATOR: "moderator",
    Role.ADMIN: "admin",
    Role.OWNER: "owner",
}


def _device_lines(change: RoomChange, by: str, name: Callable[[str], str]) -> list[str]:
    """Devices of people who were and remain here."""
    added = [device.did for device in change.devices_added if device.did not in change.joined]
    gone = [d.did for d in change.devices_removed if d.did not in (*change.removed, *change.left)]
    lines = [f"{by} added a device of {name(did)}" for did in added]
    return lines + [f"{by} removed a device of {name(did)}" for did in gone]
