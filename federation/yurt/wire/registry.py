"""Every label, extension number, entry kind and size of Yurt's own formats, in one place.

A signature made for one purpose must never be accepted for another, so no two labels may be equal
and no number may have two meanings; a test holds that. Signatures of our own formats are Ed25519
over ``label || 0x00 || bytes`` (MLS, HTTP signatures and FEPs follow their own standards).
"""

from enum import IntEnum
from typing import Final

# --- Labels (TRUST 1 to 9). Changing one is a new format. -------------------------------------------
LABEL_IDENTITY: Final = b"yurt/identity/1"
"""HKDF info: entropy of the recovery phrase to identity key."""
LABEL_RECORD: Final = b"yurt/record/1"
"""Signature of a person record by the identity key."""
LABEL_DEVICE: Final = b"yurt/device/1"
"""Device certificate by the identity key."""
LABEL_LEAF: Final = b"yurt/leaf/1"
"""Leaf certificate by the device key."""
LABEL_CLAIM: Final = b"yurt/claim/1"
"""Claim of key packages by the claimer's device."""
LABEL_JOIN: Final = b"yurt/join/1"
"""Proof that the holder of an invite asks to join."""
LABEL_CHAIN: Final = b"yurt/chain/1"
"""Hash chain of a room's log."""
LABEL_CHECKPOINT: Final = b"yurt/checkpoint/1"
"""Signed statement of what a device has seen."""
LABEL_LOGIN: Final = b"yurt/login/1"
"""Salt prefix: passphrase to the login key that the node sees instead of the passphrase."""
LABEL_SAFETY_NUMBER: Final = b"yurt/safety-number/1"
"""Hash of a did for comparing by eye."""

LABELS: Final = (
    LABEL_IDENTITY,
    LABEL_RECORD,
    LABEL_DEVICE,
    LABEL_LEAF,
    LABEL_CLAIM,
    LABEL_JOIN,
    LABEL_CHAIN,
    LABEL_CHECKPOINT,
    LABEL_LOGIN,
    LABEL_SAFETY_NUMBER,
)

# --- MLS extension numbers (private use, RFC 9420 17.3). --------------------------------------------
LEAF_EXTENSION: Final = 0xF0B1
"""In a LeafNode: who this leaf is (TRUST 2)."""
ROOM_POLICY_EXTENSION: Final = 0xF0B2
"""In the GroupContext: the room's policy (TRUST 3)."""
ROOM_CARD_EXTENSION: Final = 0xF0B3
"""In the GroupInfo inside a Welcome only: the room's name and topic (TRUST 4)."""

CIPHER_SUITE: Final = 0x0001
"""MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519."""


class EntryKind(IntEnum):
    """What an entry of a room's log is; part of the chain hash. Unknown kinds are chained and skipped."""

    COMMIT = 1
    """MLSMessage with a PublicMessage that ends an epoch."""
    MESSAGE = 2
    """MLSMessage with a PrivateMessage: content."""
    PROPOSAL = 3
    """MLSMessage with a PublicMessage: SelfRemove only."""
    ORPHAN = 4
    """An entry of a losing branch, kept for its author (TRUST 8; later)."""
    VOID = 5
    """The hub's word that a commit could not be processed (TRUST 4; later)."""


class InboxKind(IntEnum):
    """What an entry of an account's inbox is."""

    WELCOME = 1
    FOLLOW = 2
    """Somebody follows, or asks to."""
    FOLLOW_ANSWER = 3
    """A follow that this account sent was accepted, refused or undone."""
    RECORD = 4
    """A newer person record of somebody with a tie or a shared room."""
    MOVE = 5
    """Somebody whom this account follows moved, or is said to."""
    CONVERSATION = 6
    """A client of other software tried to begin a conversation (SWICG), and was politely refused."""
    KIT = 7
    """A buddy drops the continuity kit, which nobody renewed, or will."""


# --- Sizes, in bytes unless said otherwise. ---------------------------------------------------------
ROOM_ID_SIZE: Final = 32
DEVICE_ID_SIZE: Final = 16
HASH_SIZE: Final = 32
MAX_ENTRY_SIZE: Final = 64 * 1024
MAX_COMMIT_SIZE: Final = 256 * 1024
"""A commit that adds 100 people carries 100 leaves of about 700 bytes."""
MAX_WELCOME_SIZE: Final = 768 * 1024
"""It carries the room's tree: about 700 bytes a leaf, so 500 people with two devices. With its commit it fits
into one frame (`limits.STREAM_FRAME`)."""
MAX_POLICY_SIZE: Final = 48 * 1024
MAX_RECORD_SIZE: Final = 16 * 1024
MAX_CONTENT_SIZE: Final = 32 * 1024
MAX_DEVICES: Final = 10
MAX_KEY_PACKAGES: Final = 100
"""One-time key packages kept for a device."""
KEY_PACKAGE_REFILL: Final = 30
"""A device refills when fewer than this are left."""

# --- Times. -----------------------------------------------------------------------------------------
DEVICE_LIFETIME_S: Final = 365 * 86_400
LEAF_LIFETIME_S: Final = 90 * 86_400
KEY_PACKAGE_LIFETIME_S: Final = 28 * 86_400
CLOCK_SKEW_MS: Final = 10 * 60 * 1000
"""Largest difference between a commit's made_at and the hub's accepted_at (TRUST 3)."""
CLAIM_WINDOW_S: Final = 300
