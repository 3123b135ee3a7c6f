"""What can be wrong with somebody's identity, and whose fault it is.

::

    IdentityError
    ├── LocalIdentityError          our bug: a caller asked for what the formats do not allow
    └── RemoteIdentityError         what came from outside: a peer's bytes, or a person's typing
        ├── MalformedDid            not a did:key of an Ed25519 key
        ├── PhraseError             a mistyped recovery phrase; names the word's number, never a word
        ├── WrongSignature          a signature that its key did not make for this purpose
        ├── DeviceError             a device key or certificate that is not as TRUST 1 says
        ├── RecordError             a person record that is malformed or does not follow the last one
        ├── LeafError               a leaf that does not prove who it is (TRUST 2)
        ├── ClaimError              a claim of key packages that is stale, misdirected or forged
        ├── LinkError               a linking code or message that is mistyped, late or forged
        └── StatementError          an identity statement (FEP-c390) that binds nothing

Each carries ``rule``, a stable camelCase code for programs, and a message for people.
"""


class IdentityError(Exception):
    """Something about an identity is wrong."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class LocalIdentityError(IdentityError):
    """Our own mistake."""


class RemoteIdentityError(IdentityError):
    """What came from outside is refused."""


class MalformedDid(RemoteIdentityError):
    """This is no did:key of an Ed25519 key."""

    def __init__(self, why: str) -> None:
        super().__init__("malformedDid", f"not a did:key of an Ed25519 key: {why}")


class PhraseError(RemoteIdentityError):
    """The recovery phrase was mistyped."""


class WrongSignature(RemoteIdentityError):
    """The key did not sign these bytes for this purpose."""


class DeviceError(RemoteIdentityError):
    """A device's keys or certificate cannot be accepted."""


class RecordError(RemoteIdentityError):
    """A person record cannot be accepted."""


class LeafError(RemoteIdentityError):
    """A leaf does not prove who it is."""


class ClaimError(RemoteIdentityError):
    """A claim of key packages cannot be accepted."""


class LinkError(RemoteIdentityError):
    """A device cannot be linked like this."""


class StatementError(RemoteIdentityError):
    """An identity statement cannot be accepted."""
