"""What can be wrong with what the fediverse sends.

::

    ActivityPubError
    ├── LocalActivityPubError       our bug: a document or request that we may not make
    └── RemoteActivityPubError      theirs; ``rule`` is a stable camelCase code, ``status_hint`` the answer
        ├── SignatureMissing        401: this needs a signature
        ├── SignatureMalformed      400: a signature that cannot be read
        ├── SignatureRefused        401: read, and not good enough or not true
        ├── KeyRefused              a public key that is malformed, too small, or of an unknown kind
        └── DocumentRefused         an actor, activity, WebFinger or NodeInfo document that breaks a rule
"""

from typing import ClassVar


class ActivityPubError(Exception):
    """Something about ActivityPub is wrong."""


class LocalActivityPubError(ActivityPubError):
    """Our own mistake."""


class RemoteActivityPubError(ActivityPubError):
    """What came from outside is refused."""

    status_hint: ClassVar[int] = 400

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class SignatureMissing(RemoteActivityPubError):
    """There is no signature where one is needed."""

    status_hint: ClassVar[int] = 401

    def __init__(self) -> None:
        super().__init__("signatureMissing", "this request must carry an HTTP signature")


class SignatureMalformed(RemoteActivityPubError):
    """The signature cannot be read."""


class SignatureRefused(RemoteActivityPubError):
    """The signature covers too little, is too old, or was not made by this key over this request."""

    status_hint: ClassVar[int] = 401


class KeyRefused(RemoteActivityPubError):
    """The public key cannot be used."""


class DocumentRefused(RemoteActivityPubError):
    """The document breaks a rule that everybody keeps."""
