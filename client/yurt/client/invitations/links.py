"""Making, listing and ending links to a room (TRUST 6).

A link stands in the room's policy, so making and ending one is a commit that everybody sees. What lies behind
it, sealed, is stored only then: the node takes nothing for a link that the policy does not list. Made again
with the same secret (the answer was lost), a link is finished, not made twice.
"""

import hashlib
from dataclasses import replace
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.invitations.calls import EndLink, Links, LinkView, ListLinks, MakeLink
from yurt.client.rooms import standing
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.send import open_room
from yurt.client.vault import people
from yurt.client.vault.accounts import address_of
from yurt.client.vault.rooms import RoomRow
from yurt.identity.did import Did
from yurt.mls.group import Group
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.errors import LinkRefused
from yurt.rooms.common.invite_link import (
    SECRET_SIZE,
    InviteLink,
    LinkBlob,
    link_code,
    prove_blob,
    seal_blob,
)
from yurt.rooms.common.judge_links import MAX_INVITE_LIFE_S
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy import Invite, RoomPolicy
from yurt.rooms.common.policy_changes import with_link, without_link
from yurt.wire import link_commands
from yurt.wire.command import Done
from yurt.wire.problems import ProblemError, refuse

MAX_USES: Final = 10_000
MAX_DAYS: Final = 365
_DAY_S: Final = 86_400
_SLACK_S: Final = 3_600
"""Taken off the longest life: the hub's clock may be behind ours."""


async def make(core: Core, committer: Committer, call: MakeLink) -> LinkView:
    """Make a link.

    Raises:
        ProblemError: Not allowed, or room or node cannot be reached.
    """
    if len(call.secret) != SECRET_SIZE or not 0 < call.uses <= MAX_USES or not 0 < call.days <= MAX_DAYS:
        raise refuse("badRequest", f"a link has 1 to {MAX_USES} uses and lasts 1 to {MAX_DAYS} days")
    room = await core.vault.read(lambda tx: open_room(tx, call.room))
    link = InviteLink.make(core.account.node if call.account else room.hub, call.secret)
    life = min(call.days * _DAY_S, MAX_INVITE_LIFE_S - _SLACK_S)
    me = Did(core.account.did)
    invite = Invite(link.keys.public, me, call.uses, core.now_s + life, call.history)

    def stage(tx: Connection, group: Group) -> StagedCommit | None:  # noqa: ARG001  # a stage's shape
        before = standing.standing_of(group).policy
        if before.invite(invite.invite_pub) is not None:
            return None
        return standing.staged(core, group, before, with_link(_current(before, core.now_s), invite))

    await standing.commit(core, committer, call.room, "link", stage)
    try:
        await _keep(core, room, link, account=call.account)
    except ProblemError as error:
        if not error.problem.kind.retry:
            await _end(
                core, committer, call.room, invite.invite_pub
            )  # a link that leads nowhere helps nobody
        raise
    return LinkView(
        code=link.code,
        by=core.account.address,
        uses_left=call.uses,
        not_after=invite.not_after,
        own=True,
        url=link.url,
        history=call.history,
    )


async def every(core: Core, call: ListLinks) -> Links:
    """List the links of a room, those that are over left out."""

    def unit(tx: Connection) -> Links:
        open_room(tx, call.room)
        found = standing.standing_of(core.groups.load(tx, call.room))
        invites = _current(found.policy, core.now_s).invites
        return Links(tuple(_view(core, tx, found, invite) for invite in invites))

    return await core.vault.write(unit)  # on the writer's thread: only it touches the groups


async def end(core: Core, committer: Committer, call: EndLink) -> None:
    """End a link: one's own, or as owner or admin anybody's.

    Raises:
        ProblemError: `notFound`, not allowed, or the room cannot be reached.
    """

    def find(tx: Connection) -> Invite:
        open_room(tx, call.room)
        invites = standing.standing_of(core.groups.load(tx, call.room)).policy.invites
        found = [invite for invite in invites if call.code and link_code(invite.invite_pub) == call.code]
        if not found:
            raise refuse(
                "notFound", f"there is no link {call.code!r} in this room: `yurt link list` shows them"
            )
        return found[0]

    invite = await core.vault.write(find)
    await _end(core, committer, call.room, invite.invite_pub)
    if invite.by == core.account.did:
        await core.session.call(link_commands.EndLink(room=call.room, invite_pub=invite.invite_pub), Done)


async def _keep(core: Core, room: RoomRow, link: InviteLink, *, account: bool) -> None:
    keys = link.keys
    blob = LinkBlob(Did(core.account.did), room.room, room.hub, room.name)
    try:
        sealed = seal_blob(keys, blob)
    except LinkRefused:
        sealed = seal_blob(keys, replace(blob, room_name=""))
    secret = hashlib.sha256(keys.account).digest() if account else b""
    proof = prove_blob(keys, room.room, sealed)
    await core.session.call(
        link_commands.KeepLink(
            room=room.room, invite_pub=keys.public, blob=sealed, proof=proof, account=secret
        ),
        Done,
    )


async def _end(core: Core, committer: Committer, room: bytes, invite_pub: bytes) -> None:
    def stage(tx: Connection, group: Group) -> StagedCommit | None:  # noqa: ARG001  # a stage's shape
        before = standing.standing_of(group).policy
        if before.invite(invite_pub) is None:
            return None
        return standing.staged(core, group, before, without_link(before, invite_pub))

    await standing.commit(core, committer, room, "endLink", stage)


def _current(policy: RoomPolicy, now_s: int) -> RoomPolicy:
    """Drop links that are over: anybody may, and their places are few."""
    return replace(policy, invites=tuple(i for i in policy.invites if i.not_after + _SLACK_S >= now_s))


def _view(core: Core, tx: Connection, found: Standing, invite: Invite) -> LinkView:
    pin = people.by_did(tx, invite.by)
    actors = found.people.actors(invite.by)
    return LinkView(
        code=link_code(invite.invite_pub),
        by=pin.address if pin else address_of(actors[0]) if actors else invite.by,
        uses_left=invite.uses_left,
        not_after=invite.not_after,
        own=invite.by == core.account.did,
        history=invite.history,
    )
