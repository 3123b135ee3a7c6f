"""From which GroupInfo a device comes back into a room: one that somebody it knows has signed (TRUST 7).

The hub serves GroupInfo and tree; a hub that lies could serve a group of its own making. So its signer must
be a person whom this device saw in the room, or whom the kit's room card lists, and the room must not be
older than what is known. If a stranger signed it, the request waits for a member who is known.

    public = PublicGroup.from_group_info(group_info, tree, now_ms=None)
    match judge_group_info(public, info.signer, known, me):
        case Did() as voucher: ...       # stage the external commit
        case None: ...                   # wait for another commit
"""

from dataclasses import dataclass

from yurt.identity.did import Did
from yurt.mls.public_group import PublicGroup
from yurt.rooms.common.errors import CodedError
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.room import read_room


class ResyncRefused(CodedError):
    """This GroupInfo is never to be used; ``code`` says why."""


@dataclass(frozen=True, slots=True)
class KnownRoom:
    """What a device knows of a room, from its vault or from the kit's room card."""

    group_id: bytes
    term: int
    epoch: int
    dids: frozenset[Did]
    """Everybody whom this device saw in the room, or whom the card lists."""


def judge_group_info(public: PublicGroup, signer: int, known: KnownRoom, me: Did) -> Did | None:
    """Decide whether to come back from this GroupInfo.

    Args:
        public: The group that it describes: signature, tree and every leaf's MLS side verified.
        signer: The leaf that signed it.
        known: The room as it was known here.
        me: The own did.

    Returns:
        Who vouches for it; None if that is nobody known, so that the request waits.

    Raises:
        ResyncRefused: Another room (``otherRoom``), an older one (``olderRoom``), or one without the own
            did (``notInRoom``), from which a commit would be refused.
        Refused: It is no room, or a leaf in it does not prove whose it is.
    """
    if public.group_id != known.group_id:
        raise ResyncRefused("otherRoom", "the node answered with another room")
    standing = read_room(public.context.extensions, public.tree)
    if (standing.policy.term, public.epoch) < (known.term, known.epoch):
        raise ResyncRefused("olderRoom", "the node answered with the room as it was before")
    if me not in standing.people:
        raise ResyncRefused("notInRoom", "the room goes on without you: ask a member to add you")
    voucher = _signer(standing, signer)
    return voucher if voucher in known.dids else None


def _signer(standing: Standing, signer: int) -> Did | None:
    return next((m.did for m in standing.people.members if m.index == signer), None)
