"""A request becomes a call of the engine: the same for the holder's own front end and for thin clients."""

from yurt.client.api import EngineApi, ParticipantView, PersonView, Sent
from yurt.client.community import decode
from yurt.client.errors import ClientError, Closed, UsageError, VaultUnwritable
from yurt.client.service import every_call, protocol
from yurt.wire.problems import ProblemError, refuse


async def dispatch(engine: EngineApi, request: protocol.Request) -> object:
    """Do what was asked.

    Returns:
        What the method of ``EngineApi`` returns.

    Raises:
        ProblemError: Whatever a person can act on.
        Closed: The engine has ended meanwhile; another one will do it.
    """
    try:
        if isinstance(request, _READS):
            return await _read(engine, request)
        if isinstance(request, protocol.GetParticipants | protocol.Remove | protocol.SetRole):
            return await _roster(engine, request)
        if isinstance(request, protocol.Follow | protocol.Unfollow | protocol.Verify | protocol.Trust):
            return await _person(engine, request)
        if isinstance(request, protocol.Send | protocol.Edit | protocol.Delete | protocol.React):
            return await _say(engine, request)
        return await _change(engine, request)
    except Closed:
        raise
    except ClientError as error:
        raise problem_of(error) from error


_READS = (
    protocol.GetStatus,
    protocol.GetRooms,
    protocol.GetTimeline,
    protocol.Search,
    protocol.GetPerson,
    protocol.GetFollowers,
    protocol.GetFollowing,
)


async def _read(engine: EngineApi, request: protocol.Request) -> object:
    match request:
        case protocol.GetStatus():
            return await engine.status()
        case protocol.GetRooms():
            return await engine.rooms()
        case protocol.GetTimeline():
            return await engine.timeline(
                request.room, after=request.after, before=request.before, limit=request.limit
            )
        case protocol.Search():
            return await engine.search(
                request.words, room=request.room, before=request.before, limit=request.limit
            )
        case protocol.GetPerson():
            return await engine.person(request.address)
        case protocol.GetFollowers():
            return await engine.followers()
        case _:
            return await engine.following()


async def _roster(
    engine: EngineApi, request: protocol.GetParticipants | protocol.Remove | protocol.SetRole
) -> list[ParticipantView] | None:
    match request:
        case protocol.GetParticipants():
            return await engine.participants(request.room)
        case protocol.Remove():
            await engine.remove(request.room, request.address)
        case protocol.SetRole():
            await engine.set_role(request.room, request.address, request.role)
    return None


async def _person(
    engine: EngineApi, request: protocol.Follow | protocol.Unfollow | protocol.Verify | protocol.Trust
) -> PersonView | None:
    match request:
        case protocol.Follow():
            return await engine.follow(request.address)
        case protocol.Unfollow():
            await engine.unfollow(request.address)
            return None
        case protocol.Verify():
            return await engine.verify(request.address, request.number)
        case protocol.Trust():
            return await engine.trust(request.address)


async def _say(
    engine: EngineApi, request: protocol.Send | protocol.Edit | protocol.Delete | protocol.React
) -> Sent:
    room, wait, name = request.room, request.wait, request.content_id
    match request:
        case protocol.Send():
            return await engine.send(
                room, request.text, wait=wait, content_id=name, reply_to=request.reply_to
            )
        case protocol.Edit():
            return await engine.edit(room, request.item, request.text, wait=wait, content_id=name)
        case protocol.Delete():
            return await engine.delete(room, request.item, wait=wait, content_id=name)
        case protocol.React():
            return await engine.react(
                room, request.item, request.emoji, undo=request.undo, wait=wait, content_id=name
            )


async def _change(engine: EngineApi, request: protocol.Request) -> object:
    match request:
        case protocol.CreateRoom():
            return await engine.create_room(request.name, room=request.room)
        case protocol.Invite():
            return await engine.invite(request.room, request.address)
        case protocol.MarkRead():
            await engine.mark_read(request.room, request.item)
            return None
        case protocol.AskNode():
            command = decode(request.command, request.args)
            return await engine.ask_node(command, command.answer)
        case protocol.CallPart():
            return await engine.call(every_call.decode(request.call, request.args), object)
        case protocol.Sync():
            return await engine.sync(request.within)
        case _:
            raise refuse("unsupported", "the engine that holds the vault does not know this request")


def problem_of(error: ClientError) -> ProblemError:
    """Say an error of the engine in the words that travel."""
    if isinstance(error, UsageError):
        return refuse("badRequest", str(error))
    return refuse("diskFull" if isinstance(error, VaultUnwritable) else "internal", str(error))
