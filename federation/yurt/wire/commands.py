"""Every command that a client may ask of its own node, by name."""

from typing import Final

from yurt.wire.account_commands import Join, Login, Logout
from yurt.wire.actor_key_commands import ACTOR_KEY_COMMANDS
from yurt.wire.checkpoint_commands import CHECKPOINT_COMMANDS
from yurt.wire.command import Command
from yurt.wire.consent_commands import CONSENT_COMMANDS
from yurt.wire.device_commands import (
    Devices,
    LinkGet,
    LinkPut,
    LoginDevice,
    OwnRecord,
    PublishRecord,
    TakeOwnKeyPackages,
)
from yurt.wire.history_commands import HISTORY_COMMANDS
from yurt.wire.key_package_commands import ClaimKeyPackages, PublishKeyPackages
from yurt.wire.link_commands import AskToJoin, EndLink, FetchLink, KeepLink, TakeRequests
from yurt.wire.list_commands import LIST_COMMANDS
from yurt.wire.move_commands import MOVE_COMMANDS
from yurt.wire.people_commands import (
    Accept,
    Block,
    Follow,
    Followers,
    Following,
    Lock,
    Mute,
    Reject,
    Requests,
    Resolve,
    Unblock,
    Unfollow,
    Unmute,
)
from yurt.wire.portability_commands import PORTABILITY_COMMANDS
from yurt.wire.post_commands import Boost, Delete, Like, Post, Timeline
from yurt.wire.resync_commands import FetchGroupInfo
from yurt.wire.room_commands import Append, CreateRoom, ListRooms
from yurt.wire.swicg_commands import SWICG_COMMANDS

_EVERY: Final[tuple[type[Command], ...]] = (
    Join,
    Login,
    Logout,
    LinkPut,
    LinkGet,
    PublishRecord,
    OwnRecord,
    LoginDevice,
    Devices,
    TakeOwnKeyPackages,
    Resolve,
    Follow,
    Unfollow,
    Followers,
    Following,
    PublishKeyPackages,
    ClaimKeyPackages,
    ListRooms,
    CreateRoom,
    Append,
    FetchGroupInfo,
    KeepLink,
    EndLink,
    FetchLink,
    AskToJoin,
    TakeRequests,
    Post,
    Timeline,
    Delete,
    Like,
    Boost,
    Lock,
    Requests,
    Accept,
    Reject,
    Block,
    Unblock,
    Mute,
    Unmute,
    *ACTOR_KEY_COMMANDS,
    *CHECKPOINT_COMMANDS,
    *CONSENT_COMMANDS,
    *HISTORY_COMMANDS,
    *LIST_COMMANDS,
    *PORTABILITY_COMMANDS,
    *MOVE_COMMANDS,
    *SWICG_COMMANDS,
)
COMMANDS: Final[dict[str, type[Command]]] = {command.name: command for command in _EVERY}
