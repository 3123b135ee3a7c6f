"""Labels of devices, beside those of `yurt.wire.registry`, where they belong with the others (TRUST, Bytes).

The tests hold them against all labels of the house. Changing one is a new format.
"""

from typing import Final

LABEL_LINK_MAILBOX: Final = b"yurt/link-mailbox/1"
"""HKDF info: a linking code to the name of the mailbox in which two devices meet."""
LABEL_LINK_KEY: Final = b"yurt/link-key/1"
"""HKDF info: a linking code to the key that both devices authenticate with."""
LABEL_LINK_HELLO: Final = b"yurt/link-hello/1"
"""MAC of what the old device says first."""
LABEL_LINK_OFFER: Final = b"yurt/link-offer/1"
"""MAC of what the new device says, over both devices' keys."""
LABEL_LINK_ANSWER: Final = b"yurt/link-answer/1"
"""MAC of the record that links the new device."""
LABEL_DEVICE_LOGIN: Final = b"yurt/device-login/1"
"""Proof of a device's key to the node where its person lives."""

LABELS: Final = (
    LABEL_LINK_MAILBOX,
    LABEL_LINK_KEY,
    LABEL_LINK_HELLO,
    LABEL_LINK_OFFER,
    LABEL_LINK_ANSWER,
    LABEL_DEVICE_LOGIN,
)
