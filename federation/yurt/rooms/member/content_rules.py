"""Who may say what: content is judged by its receivers, by the tree of its own epoch, by did (TRUST 4).

A refusal never breaks the log: the message is hidden and counted under the code given here.
"""

from yurt.identity.leaf import LeafUse, VerifiedLeaf
from yurt.rooms.common.content import Content, Update
from yurt.rooms.common.policy import Role

NOT_AUTHOR = "notAuthor"
"""The author's role does not reach; also edits and deletes by others, when those come."""
JOINING_LEAF = "joiningLeaf"
"""Sent from a ``use = 1`` leaf, which may only read: hidden, and named in the timeline."""


def hidden_because(content: Content, author: VerifiedLeaf, role: Role) -> str | None:
    """Tell why a message must be hidden.

    Args:
        content: What was said.
        author: The leaf that encrypted it, as of the message's epoch.
        role: The author's standing in that epoch (`participants.Standing.role`).

    Returns:
        A code, or None if it may be shown.
    """
    if author.use is LeafUse.JOINING:
        return JOINING_LEAF
    if isinstance(content, Update) and role < Role.ADMIN:
        return NOT_AUTHOR
    return None
