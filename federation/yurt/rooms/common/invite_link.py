"""A link to a room: ``https://NODE/j/CODE#SECRET``, and what its secret opens (TRUST 6).

The secret, 16 bytes in the fragment, never reaches a node. It gives a signing key, whose public half the
policy lists, and a seal key for the blob that the hub keeps under CODE::

    struct {
        uint8  version = 1;
        opaque inviter[32];     opaque group_id[32];
        opaque hub<V>;          opaque room_name<V>;    // UTF-8
    } LinkBlob;

    sealed = nonce[12] || AES-256-GCM(seal key, LinkBlob, aad = LABEL_INVITE_SEAL || 0 || invite_pub)

    link = InviteLink.make("harbour.example", secret)
    keys = link.keys                             # InviteKeys(public, private, seal, account)
    sealed = seal_blob(keys, LinkBlob(did, group_id, hub, "tea"))
    proof = JoinProof.make(keys.private, keys.public, group_id=..., ...)

CODE is made of the public key, so whoever reads the policy can name the link, nobody can take another's
name, and a link that was copied badly is noticed before anybody is asked. A link may carry an account invite
too: the node that it names then knows CODE as an invite whose secret is derived from the link's. That node
learns the derived secret from whoever joins, never the link's: it could let itself in otherwise.
"""

import hashlib
import os
import re
from base64 import b32encode
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yurt.identity import base64url
from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import check_node
from yurt.identity.signing import sign, verify
from yurt.mls.algorithms import Random
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.mls.signatures import ED25519
from yurt.rooms.common.card import MAX_NAME_SIZE
from yurt.rooms.common.errors import LinkRefused
from yurt.rooms.common.labels import (
    LABEL_INVITE_ACCOUNT,
    LABEL_INVITE_CODE,
    LABEL_INVITE_KEEP,
    LABEL_INVITE_SEAL,
    LABEL_INVITE_SIGN,
)
from yurt.wire.registry import ROOM_ID_SIZE

SECRET_SIZE: Final = 16
MAX_BLOB_SIZE: Final = 1024
"""Bytes of a sealed blob; what a hub takes."""
_CODE_BYTES: Final = 10
"""Of the hash; 16 characters. Two links of one code would need 2^40 tries, and gain nothing."""
_VERSION: Final = 1
_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_LINK: Final = re.compile(r"https://([a-z0-9.-]+)/j/([A-Za-z0-9_-]{8,64})#([A-Za-z0-9_-]{22})")


@dataclass(frozen=True, slots=True)
class InviteKeys:
    """What a link's secret gives."""

    public: bytes
    """32 bytes: the link's name in the policy."""
    private: bytes = field(repr=False)
    """Signs join proofs."""
    seal: bytes = field(repr=False)
    """Opens the blob."""
    account: bytes = field(repr=False)
    """The secret of the account invite that the link may carry."""


@dataclass(frozen=True, slots=True)
class InviteLink:
    """A link as people pass it on."""

    node: str
    """The hub when it was made: where the blob lies."""
    code: str
    secret: bytes = field(repr=False)

    @classmethod
    def make(cls, node: str, secret: bytes) -> Self:
        """Make a link.

        Args:
            node: Where the blob will lie: the hub; of a link for accounts too, their node.
            secret: 16 random bytes.
        """
        return cls(node, link_code(_keys(secret).public), secret)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a link.

        Raises:
            LinkRefused: ``malformedLink``: it is no link to a room, or a part of it is missing.
        """
        match = _LINK.fullmatch(url.strip())
        if match is None:
            raise LinkRefused("malformedLink", "this is no link to a room; copy all of it, also after the #")
        try:
            return cls(check_node(match[1]), match[2], base64url.decode(match[3], SECRET_SIZE))
        except (RemoteIdentityError, ValueError):
            raise LinkRefused("malformedLink", "this is no link to a room; copy all of it again") from None

    @property
    def url(self) -> str:
        """The link's text; it is the secret."""
        return f"https://{self.node}/j/{self.code}#{base64url.encode(self.secret)}"

    @property
    def keys(self) -> InviteKeys:
        """Derive the link's keys."""
        return _keys(self.secret)

    @property
    def is_whole(self) -> bool:
        """Whether code and secret belong together: nothing was lost or changed on the way."""
        return self.code == link_code(self.keys.public)


@dataclass(frozen=True, slots=True)
class LinkBlob:
    """What somebody with the link learns before joining, and no node does."""

    inviter: Did
    """Pinned by whoever joins."""
    group_id: bytes
    hub: str
    room_name: str
    """From another; to be sanitised before it is shown."""

    def encode(self) -> bytes:
        """Write the blob, not sealed yet.

        Raises:
            LinkRefused: ``malformedBlob``: the room's name is too long.
        """
        if len(self.room_name.encode()) > MAX_NAME_SIZE:
            raise LinkRefused("malformedBlob", "the room's name is too long")
        w = Writer().u8(_VERSION).raw(public_of(self.inviter)).raw(self.group_id)
        return w.opaque(self.hub.encode()).opaque(self.room_name.encode()).bytes()


def link_code(invite_pub: bytes) -> str:
    """Name a link by its public key: 16 characters of a-z and 2-7."""
    digest = hashlib.sha256(LABEL_INVITE_CODE + b"\0" + invite_pub).digest()
    return b32encode(digest[:_CODE_BYTES]).decode().lower()


def prove_blob(keys: InviteKeys, group_id: bytes, sealed: bytes) -> bytes:
    """Sign what a node is to keep under the link's code: who only read its key in the policy cannot."""
    return sign(keys.private, LABEL_INVITE_KEEP, _kept(group_id, sealed))


def check_blob(invite_pub: bytes, group_id: bytes, sealed: bytes, proof: bytes) -> None:
    """Check that whoever hands a blob over has the link.

    Raises:
        LinkRefused: ``linkProof``: they do not, or it is for another room.
    """
    try:
        verify(invite_pub, LABEL_INVITE_KEEP, _kept(group_id, sealed), proof)
    except RemoteIdentityError:
        raise LinkRefused("linkProof", "what lies behind a link is signed with the link") from None


def _kept(group_id: bytes, sealed: bytes) -> bytes:
    return Writer().opaque(group_id).opaque(sealed).bytes()


def seal_blob(keys: InviteKeys, blob: LinkBlob, random: Random = os.urandom) -> bytes:
    """Seal what the hub keeps under the link's code."""
    nonce = random(_NONCE_SIZE)
    return nonce + AESGCM(keys.seal).encrypt(nonce, blob.encode(), _additional(keys.public))


def open_blob(keys: InviteKeys, sealed: bytes) -> LinkBlob:
    """Open what the hub keeps under the link's code.

    Raises:
        LinkRefused: ``sealBroken`` (another link's, or changed), ``malformedBlob`` or ``blobVersion``.
    """
    nonce, ciphertext = sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:]
    if len(sealed) > MAX_BLOB_SIZE or len(nonce) != _NONCE_SIZE:
        raise LinkRefused("sealBroken", "what the node keeps for this link was not made with it")
    try:
        data = AESGCM(keys.seal).decrypt(nonce, ciphertext, _additional(keys.public))
    except InvalidTag:
        raise LinkRefused("sealBroken", "what the node keeps for this link was not made with it") from None
    try:
        return _read(Reader(data))
    except (DecodeError, RemoteIdentityError, UnicodeDecodeError):
        raise LinkRefused("malformedBlob", "what the node keeps for this link is malformed") from None


def _read(r: Reader) -> LinkBlob:
    if r.u8() != _VERSION:
        raise LinkRefused("blobVersion", "the link was made by a newer release")
    inviter, group_id = did_of(r.raw(DID_SIZE)), r.raw(ROOM_ID_SIZE)
    blob = LinkBlob(inviter, group_id, check_node(r.opaque().decode("ascii")), r.opaque().decode())
    r.finish()
    return blob


def _keys(secret: bytes) -> InviteKeys:
    private = _derive(secret, LABEL_INVITE_SIGN)
    account = _derive(secret, LABEL_INVITE_ACCOUNT)[:SECRET_SIZE]
    return InviteKeys(ED25519.public(private), private, _derive(secret, LABEL_INVITE_SEAL), account)


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_SIZE, salt=None, info=info).derive(secret)


def _additional(invite_pub: bytes) -> bytes:
    return LABEL_INVITE_SEAL + b"\0" + invite_pub
