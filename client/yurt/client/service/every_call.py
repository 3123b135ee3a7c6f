"""Every call of a part of the engine, by name: how one crosses the socket beside the vault."""

from typing import Final

import msgspec

from yurt.client.calls import EngineCall
from yurt.client.consent.calls import CALLS as CONSENT_CALLS
from yurt.client.conversations.calls import CALLS as CONVERSATION_CALLS
from yurt.client.devices.calls import (
    AwaitLink,
    AwaitRooms,
    BeginLink,
    JudgeDevice,
    ListDevices,
    RevokeDevice,
    SettleRooms,
)
from yurt.client.devices.from_kit_calls import EnterFromKit
from yurt.client.history.calls import CALLS as HISTORY_CALLS
from yurt.client.invitations import calls as invitations
from yurt.client.moving.calls import MOVING_CALLS
from yurt.client.people_calls import ConfirmRoom, KeepOld, ListBlocked
from yurt.client.portability.calls import PORTABILITY_CALLS
from yurt.client.rooms.code_call import GetRoomCode
from yurt.client.rooms.heal_calls import ResyncRoom
from yurt.client.rooms.naming import NameRoom
from yurt.client.rooms.reading import SwitchReads
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.problems import refuse

_EVERY: Final[tuple[type[EngineCall], ...]] = (
    ResyncRoom,
    GetRoomCode,
    KeepOld,
    ConfirmRoom,
    ListBlocked,
    NameRoom,
    SwitchReads,
    *CONSENT_CALLS,
    *CONVERSATION_CALLS,
    *HISTORY_CALLS,
    *invitations.CALLS,
    ListDevices,
    BeginLink,
    AwaitLink,
    SettleRooms,
    JudgeDevice,
    RevokeDevice,
    AwaitRooms,
    EnterFromKit,
    *MOVING_CALLS,
    *PORTABILITY_CALLS,
)
"""A part adds its calls here."""
CALLS: Final[dict[str, type[EngineCall]]] = {call.name: call for call in _EVERY}
_LIMIT: Final = 1024 * 1024


def encode(call: EngineCall) -> bytes:
    """Write a call for the socket."""
    return msgspec.msgpack.encode(call)


def decode(name: str, args: bytes) -> EngineCall:
    """Read a call from the socket.

    Raises:
        ProblemError: `unsupported` or `badRequest`.
    """
    shape = CALLS.get(name)
    if shape is None:
        raise refuse("unsupported", f"{name} is not possible here: another release holds the vault")
    try:
        return decode_msgpack(args, shape, limit=_LIMIT)
    except GateError as error:
        raise error.as_problem() from error
