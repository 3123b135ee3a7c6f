"""The code of a room: what people compare to know that the hub shows them all one group (TRUST 5)."""

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls
from yurt.client.core import Core
from yurt.client.rooms.code_call import GetRoomCode, RoomCodeView
from yurt.client.vault import rooms
from yurt.rooms.member.room_code import room_code
from yurt.wire.problems import refuse


class RoomCodes:
    """Answers for the rooms of one vault."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def calls(self) -> EngineCalls:
        """What may be asked here."""
        return {GetRoomCode: self.show}

    async def show(self, call: GetRoomCode) -> RoomCodeView:
        """Compute the code.

        Raises:
            ProblemError: No such room, or this device is not in it.
        """

        def look(tx: Connection) -> RoomCodeView:
            found = rooms.find(tx, call.room)
            if found is None:
                raise refuse("notFound", "there is no such room here: `yurt rooms` lists them")
            if found.state != "active":
                raise refuse(
                    "notAllowed", "this device is not in that room any more: there is nothing to compare"
                )
            group = self._core.groups.load(tx, call.room)
            code = room_code(group.group_id, group.epoch, group.epoch_authenticator)
            return RoomCodeView(code.epoch, code.digits)

        return await self._core.vault.write(look)  # on the writer's thread: only it touches the groups
