"""Labels of the rooms' formats, beside those of `yurt.wire.registry`, where they belong (TRUST, Bytes).

The tests hold them against all labels of the house. Changing one is a new format.
"""

from typing import Final

LABEL_INVITE_SIGN: Final = b"yurt/invite-sign/1"
"""HKDF info: a link's secret to the key that signs join proofs."""
LABEL_INVITE_SEAL: Final = b"yurt/invite-seal/1"
"""HKDF info: a link's secret to the key that seals what the hub keeps under its code."""
LABEL_INVITE_ACCOUNT: Final = b"yurt/invite-account/1"
"""HKDF info: a link's secret to the secret of the account invite that it carries."""
LABEL_INVITE_CODE: Final = b"yurt/invite-code/1"
"""Hash of a link's public key that names the link."""
LABEL_INVITE_KEEP: Final = b"yurt/invite-keep/1"
"""Signed with a link's key: what lies behind it, and for which room."""
LABEL_HISTORY: Final = b"yurt/history/1"
"""HPKE info of a bundle's key; also the bundle's own additional data."""
LABEL_ROOM_CODE: Final = b"yurt/room-code/1"
"""Hash of an epoch's authenticator for comparing by eye."""

LABELS: Final = (
    LABEL_INVITE_SIGN,
    LABEL_INVITE_SEAL,
    LABEL_INVITE_ACCOUNT,
    LABEL_INVITE_CODE,
    LABEL_INVITE_KEEP,
    LABEL_HISTORY,
    LABEL_ROOM_CODE,
)
