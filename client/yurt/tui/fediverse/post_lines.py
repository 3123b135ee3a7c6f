"""A post as a line of a timeline: drawn, marked and copied like what is said in a room."""

from typing import Final

from yurt.client.api import Reaction, TimelineItem
from yurt.wire.position import Position
from yurt.wire.post_commands import PostInfo

_ISOLATES: Final = dict.fromkeys(range(0x2066, 0x206A))
_FOLDED: Final = "(Enter shows it)"
POSTS: Final = b"posts"
"""Stands where a line names its room: no room has an id of this length."""


def line_of(post: PostInfo, me: str, *, unfold: bool = False) -> TimelineItem:
    """Lay a post out as a line.

    Args:
        post: As the node tells it.
        me: Address of whoever looks.
        unfold: Whether to show what stands behind a warning.
    """
    return TimelineItem(
        item=post.number,
        revision=1 + post.likes + post.boosts + 2 * post.liked + 2 * post.boosted + post.edited + unfold,
        room=POSTS,
        kind="message",
        position=Position(0, post.number),
        did=post.author,
        address=post.author,
        name=post.author,
        text=_text(post, unfold=unfold or post.author == me),
        own=post.author == me,
        accepted_at=post.published * 1000,
        edited=bool(post.edited),
        reactions=_facts(post),
    )


def _text(post: PostInfo, *, unfold: bool) -> str:
    if not post.summary:
        return _bare(post.text)
    return "\n".join([f"[{_bare(post.summary)}]", _bare(post.text) if unfold else _FOLDED])


def _bare(text: str) -> str:
    """Take away the isolation that the node gave each line: the screen isolates each row of its own."""
    return text.translate(_ISOLATES)


def _facts(post: PostInfo) -> tuple[Reaction, ...]:
    """Say what the node knows of a post, where a room shows reactions."""
    told: list[tuple[str, str, bool]] = []
    if post.visibility != "public":
        told.append(("·", post.visibility, False))
    if post.notify:
        told.append(("!", "you asked to be told", False))
    if post.in_reply_to:
        told.append(("·", "an answer", False))
    if post.boosted_by:
        told.append(("↻", f"shown by {post.boosted_by}", False))
    if post.likes or post.liked:
        told.append(("★", f"{max(1, post.likes)}", post.liked))
    if post.boosts or post.boosted:
        told.append(("↻", f"{max(1, post.boosts)}", post.boosted))
    return tuple(Reaction(emoji=sign, by=(text,), own=own) for sign, text, own in told)
