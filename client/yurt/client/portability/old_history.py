"""An archive's history, back into a vault: for reading and searching, never sent again.

A room that this device is not in is kept as one that it was removed from: it can be read. Whoever comes back
into it finds what was said before; a message that is here already stays as it is.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.portability.calls import HistoryView, ImportHistory
from yurt.client.portability.importing import own_record
from yurt.client.portability.sources import refusing, sealed_history
from yurt.client.vault import rooms, timeline
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.errors import PhraseError
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord
from yurt.portability.archive_history import ROOMS, OldMessage, open_messages, open_rooms
from yurt.portability.errors import RemotePortabilityError
from yurt.portability.kit_keys import kit_secrets
from yurt.portability.kit_room import KitRoom
from yurt.wire.position import Position
from yurt.wire.problems import refuse

_CHUNK: Final = 2_000


async def import_history(core: Core, call: ImportHistory) -> HistoryView:
    """Open the history of an archive, and keep what is not here.

    Raises:
        ProblemError: The words are mistyped or open nothing; the archive is another's, or was changed.
    """
    known = own_record(core)
    found_rooms, messages = await asyncio.to_thread(_open, Path(call.path), call.phrase, known)
    await core.vault.write(lambda tx: _keep_rooms(tx, found_rooms))
    kept = 0
    for at in range(0, len(messages), _CHUNK):
        chunk = messages[at : at + _CHUNK]
        kept += await core.write(partial(_keep, messages=chunk, me=core.account.did))
    return HistoryView(rooms=len(found_rooms), messages=kept, known=len(messages) - kept)


def _open(path: Path, phrase: str, known: VerifiedRecord) -> tuple[tuple[KitRoom, ...], list[OldMessage]]:
    try:
        secrets = kit_secrets(RecoveryPhrase.parse(phrase))
        found: tuple[KitRoom, ...] = ()
        messages: list[OldMessage] = []
        for inside, data in sealed_history(path, known):
            if inside == ROOMS:
                found = open_rooms(data, secrets)
            else:
                messages += open_messages(inside, data, secrets)
    except PhraseError as error:
        raise refuse("badRequest", str(error), rule=error.rule) from None
    except RemotePortabilityError as error:
        raise refusing(error) from None
    except OSError as error:
        raise refuse("notFound", f"the archive cannot be read: {error.strerror}") from None
    # The files come in the order of their names: rooms last, and messages as they were shown.
    return found, messages


def _keep_rooms(tx: Connection, found: tuple[KitRoom, ...]) -> None:
    for room in found:
        if rooms.find(tx, room.group_id) is None:
            people = tuple((did, "") for did in room.dids)
            rooms.insert(
                tx, RoomRow(room.group_id, room.name, room.topic, room.hub, "removed", people=people)
            )


def _keep(tx: Connection, messages: list[OldMessage], me: str) -> int:
    kept = 0
    for message in messages:
        here = rooms.find(tx, message.room) is not None
        if not here or timeline.find_content(tx, message.room, message.did, message.content_id) is not None:
            continue
        timeline.add(
            tx,
            NewItem(
                room=message.room,
                kind="message",
                did=message.did,
                actor=message.actor,
                text=message.text,
                content_id=message.content_id,
                own=message.did == me,
                position=Position(message.term, message.seq),
                accepted_at=message.accepted_at,
                reply_did=message.reply_did,
                reply_id=message.reply_id,
            ),
        )
        kept += 1
    return kept
