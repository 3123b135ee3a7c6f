"""How much of anything is read from outside: one place for all caps of inbound bytes.

Sizes of Yurt's own formats (entry, commit, record) stand in ``registry``; here stand the caps of whole
bodies, which must leave room for them, and the limits of structure that the strict gate holds. All sizes
are bytes after decompression, unless said otherwise.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# --- Structure of JSON and MessagePack (the gate). ---------------------------------------------------
MAX_DEPTH: Final = 32
"""Containers inside each other."""
MAX_KEYS: Final = 1_000
"""Keys of one map."""
MAX_VALUES: Final = 100_000
"""Values in one JSON body: 1 MiB of ``[],[],`` would otherwise become 30 MiB of objects."""
MAX_PACKED_VALUES: Final = 400_000
"""Values in one MessagePack body, keys counted: 20,000 rows of a log, a tenth of a second of scanning."""
MAX_INTEGER: Final = 2**53 - 1
"""Beyond it, JSON numbers mean different things to different readers."""
MAX_NUMBER_LENGTH: Final = 64
"""Characters of one JSON number that is not an integer."""

# --- Bodies, by where they arrive. -------------------------------------------------------------------
COMMAND_BODY: Final = 2 * MIB
"""``POST /api/v1/<command>``: a commit with its Welcome and GroupInfo, as base64."""
STREAM_FRAME: Final = 1 * MIB
"""One frame of a client: the same as bytes."""
NODE_FRAME: Final = 4 * MIB
"""One frame of the own node: a page of entries."""
EXCHANGE_BODY: Final = 8 * MIB
"""``POST /rooms/exchange``, and its answer."""
ACTIVITY_BODY: Final = 1 * MIB
"""``POST`` to an inbox; Mastodon's own cap."""
DOCUMENT_BODY: Final = 1 * MIB
"""An actor, a WebFinger or a NodeInfo document that was fetched."""
RECORD_BODY: Final = 1 * MIB
"""A chain of person records that was fetched."""

# --- Heads of requests. ------------------------------------------------------------------------------
MAX_HEADERS: Final = 100
MAX_HEADER_LINE: Final = 8 * KIB
"""Name and value of one header."""
MAX_TARGET: Final = 4 * KIB
"""Path and query."""
MAX_SIGNATURE_HEADER: Final = 8 * KIB
"""``Signature`` or ``Signature-Input``; an RSA-4096 signature is 700 characters."""
MAX_SIGNATURE_PARAMETERS: Final = 16
MAX_COVERED: Final = 32
"""Components that one signature covers."""

# --- Texts from outside. -----------------------------------------------------------------------------
MAX_URL: Final = 2_048
"""Characters; longer ids are refused."""
MAX_NAME: Final = 2_048
"""Characters of a display name that are kept."""
MAX_SUMMARY: Final = 20 * KIB
"""Characters of a profile text that are kept."""
MAX_ACTOR_KEYS: Final = 10
"""Keys of one actor that are looked at; Mastodon's own cap."""
MAX_REFERENCES: Final = 256
"""Items of a property that names others (``to``, ``alsoKnownAs``)."""
