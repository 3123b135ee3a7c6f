"""Everything that an inbox understands, read in one place.

    activity = read_activity(parse_object(body, limit=limits.ACTIVITY_BODY), followers)
    check_signer(activity, key_owner)

The order is: signature, owner of the key, gate, this; only then does anything act. What is not known stays
`activities.Other` and changes nothing.
"""

from yurt.activitypub.activities import Accept, Follow, Other, Reject, Undo, parse_activity
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.moves import Move, read_move
from yurt.activitypub.posts import Create, Delete, Update, read_post_activity
from yurt.activitypub.reactions import Announce, Block, Like, UndoReaction, read_reaction
from yurt.activitypub.references import Json

InboxActivity = (
    Follow
    | Accept
    | Reject
    | Undo
    | Create
    | Update
    | Delete
    | Like
    | Announce
    | Block
    | UndoReaction
    | Move
    | Other
)


def read_activity(document: Json, followers: str = "") -> InboxActivity:
    """Read an activity of any kind.

    Args:
        document: What was sent.
        followers: The followers collection of its actor, from the actor document that was fetched for its
            key; without it no post is taken to be for followers.

    Raises:
        DocumentRefused: It breaks a rule of its kind.
    """
    activity = parse_activity(document)
    if not isinstance(activity, Other):
        return activity
    return (
        read_post_activity(activity, followers)
        or read_reaction(activity, followers)
        or read_move(activity)
        or activity
    )


def check_sender(activity: InboxActivity, owner: str) -> None:
    """Refuse an activity that somebody else signed.

    Args:
        activity: What was read from the body.
        owner: The actor that owns the key which signed the request, or the activity's integrity proof.

    Raises:
        DocumentRefused: They differ.
    """
    if activity.actor != owner:
        raise DocumentRefused("actorMismatch", "the activity's actor did not sign the request")
