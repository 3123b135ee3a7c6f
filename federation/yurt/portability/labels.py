"""Labels of this package's own formats, in one place (TRUST, Bytes).

They belong beside the others in `yurt.wire.registry`; the tests hold them against those, too. Changing
one is a new format.
"""

from typing import Final

LABEL_ROSTER: Final = b"yurt/roster/1"
"""Signature of a roster by a device key."""
LABEL_KIT: Final = b"yurt/kit/1"
"""Signature of a kit's part by a device key."""
LABEL_KIT_KEYS: Final = b"yurt/kit-keys/1"
"""Signature of the part `keys` by the identity key."""
LABEL_KIT_ID: Final = b"yurt/kit-id/1"
"""HKDF info: entropy of the recovery phrase to the name under which a kit is stored."""
LABEL_KIT_SEAL: Final = b"yurt/kit-seal/1"
"""HKDF info: entropy of the recovery phrase to the key that opens a kit; also the HPKE info."""
LABEL_KIT_READER: Final = b"yurt/kit-reader/1"
"""HKDF info: entropy of the recovery phrase to the key whose signature fetches a kit."""
LABEL_KIT_READ: Final = b"yurt/kit-read/1"
"""Signature of a request for a kit by the reader key."""
LABEL_ACTOR_KEY: Final = b"yurt/actor-key/1"
"""Signature of the identity key for another actor key."""
LABEL_ARCHIVE: Final = b"yurt/archive/1"
"""Signature of an archive's manifest by a device key."""
LABEL_ARCHIVE_HISTORY: Final = b"yurt/archive-history/1"
"""HPKE info: a file of an archive's history, sealed to the phrase's key."""
LABEL_ITEM: Final = b"yurt/item/1"
"""Hash prefix: the idempotency key of one item of an import."""

LABELS: Final = (
    LABEL_ROSTER,
    LABEL_KIT,
    LABEL_KIT_KEYS,
    LABEL_KIT_ID,
    LABEL_KIT_SEAL,
    LABEL_KIT_READER,
    LABEL_KIT_READ,
    LABEL_ACTOR_KEY,
    LABEL_ARCHIVE,
    LABEL_ARCHIVE_HISTORY,
    LABEL_ITEM,
)
