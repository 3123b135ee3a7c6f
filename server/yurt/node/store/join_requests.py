"""Tables and units of joining by link: sealed blobs by code, and requests that wait at the hub.

A blob says nothing to the node; the room's policy decides whether its link still leads anywhere. A request
stays until the device is in the room, its link ends, or seven days are over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from yurt.identity.did import Did
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx
from yurt.rooms.common.invite_link import link_code
from yurt.rooms.common.join_request import JoinRequest
from yurt.rooms.common.room_change import Device
from yurt.rooms.hub.requests import Waiting


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE room_link (
            code TEXT NOT NULL PRIMARY KEY,
            room BLOB NOT NULL,
            invite_pub BLOB NOT NULL,
            did TEXT NOT NULL,                      -- whose link it is
            blob BLOB NOT NULL                      -- sealed with the link's secret
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE join_request (
            room BLOB NOT NULL,
            did TEXT NOT NULL,                      -- who asks
            device BLOB NOT NULL,
            request BLOB NOT NULL,                  -- as it came
            invite_pub BLOB NOT NULL,
            inviter TEXT NOT NULL,
            actor TEXT NOT NULL,
            since INTEGER NOT NULL,                 -- ms
            lent_did TEXT NOT NULL DEFAULT '',
            lent_device BLOB NOT NULL DEFAULT x'',
            lent_until INTEGER NOT NULL DEFAULT 0,  -- ms
            PRIMARY KEY (room, did, device)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX join_request_since ON join_request (room, since)")


STEPS: Final = (Step("0301-join-requests", _create),)


@dataclass(frozen=True, slots=True)
class StoredLink:
    """What is kept for a link."""

    code: str
    room: bytes
    invite_pub: bytes
    did: str
    blob: bytes


# --- links ----------------------------------------------------------------------------------------------
def put_link(tx: Tx, link: StoredLink) -> bool:
    """Keep a link's blob; sealed anew, it takes the place of the old one.

    Returns:
        False if the link is somebody else's, or of another room: anybody may write a key that they have seen
        into the policy of a room of their own.
    """
    changed = tx.change(
        """
        INSERT INTO room_link (code, room, invite_pub, did, blob) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (code) DO UPDATE SET blob = excluded.blob
        WHERE room_link.room = excluded.room AND room_link.did = excluded.did
        """,
        link.code,
        link.room,
        link.invite_pub,
        link.did,
        link.blob,
    )
    return changed > 0


def link(tx: ReadTx, code: str) -> StoredLink | None:
    """What is kept under a code."""
    row = tx.row("SELECT code, room, invite_pub, did, blob FROM room_link WHERE code = ?", code)
    return StoredLink(*row) if row else None


def end_link(tx: Tx, room: bytes, code: str) -> None:
    """Forget a link of a room, and the account invite that it carries: no account is made by it any more."""
    if tx.change("DELETE FROM room_link WHERE code = ? AND room = ?", code, room):
        tx.change("UPDATE invite SET uses_left = 0 WHERE code = ?", code)


def end_links(tx: Tx, room: bytes, invites: Iterable[bytes]) -> None:
    """Forget the links that a commit ended: revoked by whomever, or used up."""
    for invite_pub in invites:
        end_link(tx, room, link_code(invite_pub))


def put_account_invite(tx: Tx, code: str, secret_hash: bytes, uses: int, not_after: int) -> None:
    """Let a link bring accounts too; said again, it changes nothing."""
    tx.change(
        """
        INSERT INTO invite (code, secret_hash, uses_left, not_after) VALUES (?, ?, ?, ?)
        ON CONFLICT (code) DO NOTHING
        """,
        code,
        secret_hash,
        uses,
        not_after,
    )


# --- requests -------------------------------------------------------------------------------------------
def put_request(tx: Tx, room: bytes, waiting: Waiting) -> None:
    """Keep a request; another one of the same device takes its place and keeps its turn and its lease."""
    tx.change(
        """
        INSERT INTO join_request (room, did, device, request, invite_pub, inviter, actor, since)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (room, did, device) DO UPDATE SET request = excluded.request,
            invite_pub = excluded.invite_pub, inviter = excluded.inviter, actor = excluded.actor
        """,
        room,
        waiting.device.did,
        waiting.device.device_id,
        waiting.request.encode(),
        waiting.invite_pub,
        waiting.inviter,
        waiting.actor,
        waiting.since,
    )


def request(tx: ReadTx, room: bytes, did: str, device: bytes) -> Waiting | None:
    """The request of one device."""
    found = tx.row(f"{_SELECT} WHERE room = ? AND did = ? AND device = ?", room, did, device)
    return _waiting(*found) if found else None


@dataclass(frozen=True, slots=True)
class Count:
    """How many wait for a room, by one of its links, and from one node."""

    of_room: int
    of_link: int
    of_node: int


def count_requests(tx: ReadTx, room: bytes, invite_pub: bytes, node: str) -> Count:
    """Count who waits for a room."""
    row = tx.row(
        """
        SELECT count(*), coalesce(sum(invite_pub = ?), 0), coalesce(sum(instr(actor, ?) = 1), 0)
        FROM join_request WHERE room = ?
        """,
        invite_pub,
        f"https://{node}/",
        room,
    )
    return Count(*row) if row else Count(0, 0, 0)


def requests(tx: ReadTx, room: bytes) -> list[Waiting]:
    """All that wait for a room, oldest first."""
    return [_waiting(*row) for row in tx.rows(f"{_SELECT} WHERE room = ? ORDER BY since", room)]


def lend_requests(tx: Tx, room: bytes, lent: tuple[Waiting, ...]) -> None:
    """Write to whom requests are lent."""
    tx.change_many(
        """
        UPDATE join_request SET lent_did = ?, lent_device = ?, lent_until = ?
        WHERE room = ? AND did = ? AND device = ?
        """,
        [
            (
                each.lent_to.did if each.lent_to else "",
                each.lent_to.device_id if each.lent_to else b"",
                each.lent_until,
                room,
                each.device.did,
                each.device.device_id,
            )
            for each in lent
        ],
    )


def drop_requests(tx: Tx, room: bytes, gone: list[Device]) -> None:
    """Forget requests that were granted, or cannot be any more."""
    tx.change_many(
        "DELETE FROM join_request WHERE room = ? AND did = ? AND device = ?",
        [(room, device.did, device.device_id) for device in gone],
    )


def rooms_with_requests(tx: ReadTx) -> list[bytes]:
    """Rooms for which somebody waits."""
    return [bytes(row[0]) for row in tx.rows("SELECT DISTINCT room FROM join_request")]


_SELECT: Final = """
    SELECT request, did, device, invite_pub, inviter, actor, since, lent_did, lent_device, lent_until
    FROM join_request
"""


def _waiting(
    body: bytes,
    did: str,
    device: bytes,
    invite_pub: bytes,
    inviter: str,
    actor: str,
    since: int,
    lent_did: str,
    lent_device: bytes,
    lent_until: int,
) -> Waiting:
    who = Device(Did(did), device)
    waiting = Waiting(JoinRequest.decode(body), who, invite_pub, Did(inviter), actor, since)
    if not lent_did:
        return waiting
    return replace(waiting, lent_to=Device(Did(lent_did), lent_device), lent_until=lent_until)
