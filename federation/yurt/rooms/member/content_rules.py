"""Who may say what: content is judged by its receivers, by the tree of its own epoch, by did (TRUST 4).

A refusal never breaks the log: the message is hidden and counted under the code given here. An action names
its target's author, so it is judged when it arrives, whether its target is here or not.

    code = refused_because(said, verified_leaf(message.leaf), standing.role)
"""

from collections.abc import Callable
from typing import Final

from yurt.identity.did import Did
from yurt.identity.leaf import LeafUse, VerifiedLeaf
from yurt.rooms.common.content import Update
from yurt.rooms.common.policy import Role
from yurt.rooms.common.said import Delete, Edit, Said

NOT_AUTHOR: Final = "notAuthor"
"""It is another's to say: an edit by somebody else, a delete or a name by somebody without the role."""
JOINING_LEAF: Final = "joiningLeaf"
"""Sent from a ``use = 1`` leaf, which may only read: hidden, and named in the timeline."""
TOO_MANY_REACTIONS: Final = "tooManyReactions"
"""Over 20 reactions by one did on one target (`yurt.rooms.member.message_state`)."""

RoleOf = Callable[[Did], Role]
"""Somebody's role in the message's epoch: `participants.Standing.role`; a member if they are gone."""


def refused_because(said: Said, author: VerifiedLeaf, roles: RoleOf) -> str | None:
    """Tell why something that was said must be hidden.

    Args:
        said: What was said; an action carries its target's author.
        author: The leaf that encrypted it, as of the message's epoch.
        roles: Everybody's role in that epoch.

    Returns:
        A code, or None if it counts.
    """
    if author.use is LeafUse.JOINING:
        return JOINING_LEAF
    match said:
        case Update():
            allowed = roles(author.did) >= Role.ADMIN
        case Edit():
            allowed = said.object.did == author.did
        case Delete():
            allowed = said.object.did == author.did or _may_moderate(author.did, said.object.did, roles)
        case _:
            # An Undo takes back its author's own reaction only: its form names nobody else's.
            allowed = True
    return None if allowed else NOT_AUTHOR


def _may_moderate(by: Did, target: str, roles: RoleOf) -> bool:
    """Moderators and above, over a strictly lower role; the timeline names both."""
    return roles(by) >= Role.MODERATOR and roles(by) > roles(Did(target))
