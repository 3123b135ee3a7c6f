"""What can go wrong in MLS, and whose fault it is.

    MlsError
    ├── LocalMlsError                   our misuse; a bug to fix
    │   ├── ValueTooLarge               a value has no encoding
    │   ├── NoSuchNode                  a node that the tree does not have
    │   ├── UseAfterMerge               a staged commit used after its epoch ended
    │   ├── NoConfirmationTag           a commit of ours applied before its tag was computed
    │   ├── StaleProposal               a pending proposal offered to another epoch than its own
    │   ├── NoPendingCommit             nothing to merge or discard
    │   ├── PendingCommitExists         only one own commit at a time
    │   ├── GroupExists                 joining a group whose rows are already there
    │   ├── UnknownGroup                loading a group of which there are no rows
    │   ├── RemovedFromGroup            merging a commit that removes us
    │   └── RowsIncomplete              the store lost a row it was given
    └── RemoteMlsError                  their message; `.rule` says which rule it broke
        ├── DecodeError                 not the structure it should be
        ├── InvalidSignature            a signature does not fit
        ├── InvalidTag                  a membership or confirmation tag does not fit
        ├── InvalidPublicKey            a key is malformed or weak
        ├── DecryptionFailed            not encrypted to us, or changed
        ├── UnsupportedCipherSuite      none of our suites
        ├── Unsupported                 allowed by the RFC, not taken here
        │   └── UnknownPsk              a pre-shared key that we do not have
        ├── UnknownProposal             a reference to a proposal that never came
        ├── WrongGroup                  a message of another group
        ├── WrongEpoch                  a message of another epoch
        ├── UnknownEpoch                an epoch whose secrets are gone or not there yet
        ├── GroupClosed                 a message after the group's ReInit
        ├── NotAMember                  the sender's leaf is not in the tree
        ├── OwnMessage                  our own message came back
        ├── CommitOfOwnLeaf             a commit in our name that we did not make
        ├── CredentialChanged           a member's leaf bears another credential than before
        ├── Replayed                    a generation seen before
        ├── TooFarAhead                 a generation too far in the future
        └── ValidationError             a rule of RFC 9420 with its `.section`
            ├── InvalidLeafNode         7.3
            ├── InvalidTree             7.9 and 12.4.3.1
            ├── InvalidKeyPackage       10.1
            ├── InvalidProposal         12.1
            ├── InvalidProposalList     12.2
            ├── InvalidCommit           12.4.2
            ├── InvalidGroupInfo        12.4.3.1
            ├── InvalidSuccession       11.2 and 11.3
            └── InvalidMessage          6

`.rule` is a stable camelCase code: nodes answer with it and clients show it, so it never changes.
"""

from typing import ClassVar


class MlsError(Exception):
    """The root of everything this package raises."""


# --- ours ---


class LocalMlsError(MlsError):
    """We used the package wrongly."""


class ValueTooLarge(LocalMlsError):
    """A number or vector does not fit its field."""


class NoSuchNode(LocalMlsError):
    """A child of a leaf, the parent of the root, or an index outside the tree."""


class UseAfterMerge(LocalMlsError):
    """A staged commit outlived the epoch it was made for."""


class NoConfirmationTag(LocalMlsError):
    """A commit of ours was applied before its confirmation tag was computed."""


class StaleProposal(LocalMlsError):
    """A pending proposal was offered to a group or epoch that it was not verified in."""


class NoPendingCommit(LocalMlsError):
    """There is no own commit to merge or discard."""


class PendingCommitExists(LocalMlsError):
    """An own commit waits already; merge or discard it first."""


class GroupExists(LocalMlsError):
    """The store already has rows of this group."""


class UnknownGroup(LocalMlsError):
    """The store has no rows of this group."""


class RemovedFromGroup(LocalMlsError):
    """The commit removes us, so there is no epoch to merge into; the group can only be forgotten."""


class RowsIncomplete(LocalMlsError):
    """The store did not give back what it was given."""


# --- theirs ---


class RemoteMlsError(MlsError):
    """Their message breaks a rule; it changes nothing here."""

    rule: str = "mls"
    """A stable code of the rule that was broken."""


class DecodeError(RemoteMlsError):
    """The bytes are not the structure they should be."""

    rule = "malformed"


class InvalidSignature(RemoteMlsError):
    """A signature does not fit its key, label and content."""

    rule = "invalidSignature"

    def __init__(self, label: str) -> None:
        super().__init__(f"the signature does not fit ({label})")
        self.label = label


class InvalidTag(RemoteMlsError):
    """A membership or confirmation tag does not fit."""

    rule = "invalidTag"

    def __init__(self, tag: str) -> None:
        super().__init__(f"the {tag} tag does not fit")
        self.tag = tag


class InvalidPublicKey(RemoteMlsError):
    """A public key is malformed or of small order."""

    rule = "invalidPublicKey"

    def __init__(self, message: str = "the public key is malformed or weak") -> None:
        super().__init__(message)


class DecryptionFailed(RemoteMlsError):
    """A ciphertext was not encrypted to us, or was changed on its way."""

    rule = "decryptionFailed"

    def __init__(self, message: str = "the ciphertext does not open") -> None:
        super().__init__(message)


class UnsupportedCipherSuite(RemoteMlsError):
    """A cipher suite that we do not have."""

    rule = "unsupportedCipherSuite"

    def __init__(self, value: int) -> None:
        super().__init__(f"cipher suite 0x{value:04x} is not supported")
        self.value = value


class Unsupported(RemoteMlsError):
    """The RFC allows it, we do not take it."""

    rule = "unsupported"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported")
        self.what = what


class UnknownPsk(Unsupported):
    """A pre-shared key that we do not have, or not any more."""

    rule = "unknownPsk"

    def __init__(self) -> None:
        super().__init__("a pre-shared key that we do not have")


class UnknownProposal(RemoteMlsError):
    """A commit names a proposal that did not come before it, in the same epoch."""

    rule = "unknownProposal"

    def __init__(self, reference: bytes) -> None:
        super().__init__(f"no proposal {reference.hex()} came in this epoch")
        self.reference = reference


class WrongGroup(RemoteMlsError):
    """The message belongs to another group."""

    rule = "wrongGroup"

    def __init__(self) -> None:
        super().__init__("the message belongs to another group")


class WrongEpoch(RemoteMlsError):
    """The message belongs to another epoch."""

    rule = "wrongEpoch"

    def __init__(self, have: int, got: int) -> None:
        super().__init__(f"the group is in epoch {have}, the message in {got}")
        self.have = have
        self.got = got


class UnknownEpoch(RemoteMlsError):
    """The secrets of the epoch are gone, or not there yet."""

    rule = "unknownEpoch"

    def __init__(self, epoch: int) -> None:
        super().__init__(f"no secrets of epoch {epoch}")
        self.epoch = epoch


class GroupClosed(RemoteMlsError):
    """A ReInit ended the group; its members continue in another (RFC 9420, 11.2)."""

    rule = "groupClosed"

    def __init__(self) -> None:
        super().__init__("the group was closed by a ReInit")


class CredentialChanged(RemoteMlsError):
    """A member's new leaf bears another credential, and no policy allowed it (RFC 9420, 5.3.1)."""

    rule = "credentialChanged"

    def __init__(self, leaf: int) -> None:
        super().__init__(f"leaf {leaf} may not change its credential")
        self.leaf = leaf


class NotAMember(RemoteMlsError):
    """The sender's leaf is blank or outside the tree."""

    rule = "notAMember"

    def __init__(self, leaf: int) -> None:
        super().__init__(f"leaf {leaf} is not a member")
        self.leaf = leaf


class OwnMessage(RemoteMlsError):
    """A message in our own name: with a used key, of which nothing is proved, or one that our leaf signed."""

    rule = "ownMessage"

    def __init__(self, generation: int, *, is_proved: bool = False) -> None:
        super().__init__(f"generation {generation} is our own")
        self.generation = generation
        self.is_proved = is_proved
        """Our leaf signed it with a message key that we never used: somebody else has our state."""


class CommitOfOwnLeaf(RemoteMlsError):
    """A valid commit of our own leaf that is not our pending one: somebody else has our keys."""

    rule = "commitOfOwnLeaf"

    def __init__(self) -> None:
        super().__init__("somebody commits with our leaf's keys")


class Replayed(RemoteMlsError):
    """A message key that was used already."""

    rule = "replayed"

    def __init__(self, leaf: int, generation: int) -> None:
        super().__init__(f"generation {generation} of leaf {leaf} was used already")
        self.leaf = leaf
        self.generation = generation


class TooFarAhead(RemoteMlsError):
    """A generation further ahead than we compute."""

    rule = "tooFarAhead"

    def __init__(self, leaf: int, generation: int) -> None:
        super().__init__(f"generation {generation} of leaf {leaf} is too far ahead")
        self.leaf = leaf
        self.generation = generation


class ValidationError(RemoteMlsError):
    """A rule of RFC 9420 does not hold.

    Args:
        rule: The rule's stable code, from the enumeration beside the check.
        detail: What a person needs to find the place; no secrets, no whole structures.
    """

    section: ClassVar[str] = "RFC 9420"

    def __init__(self, rule: str, detail: str = "") -> None:
        super().__init__(f"{rule} ({self.section}){': ' if detail else ''}{detail}")
        self.rule = str(rule)


class InvalidLeafNode(ValidationError):
    """A leaf may not stand in this group."""

    section = "RFC 9420 7.3"


class InvalidTree(ValidationError):
    """A ratchet tree is not one that members built."""

    section = "RFC 9420 7.9"


class InvalidKeyPackage(ValidationError):
    """A key package may not be added."""

    section = "RFC 9420 10.1"


class InvalidProposal(ValidationError):
    """A proposal is wrong whatever stands beside it."""

    section = "RFC 9420 12.1"


class InvalidProposalList(ValidationError):
    """The proposals of a commit do not go together."""

    section = "RFC 9420 12.2"


class InvalidCommit(ValidationError):
    """A commit may not end this epoch."""

    section = "RFC 9420 12.4.2"


class InvalidGroupInfo(ValidationError):
    """A GroupInfo does not describe a group that can be joined."""

    section = "RFC 9420 12.4.3.1"


class InvalidSuccession(ValidationError):
    """A group does not follow another as it says: after a ReInit, or as its branch."""

    section = "RFC 9420 11"


class InvalidMessage(ValidationError):
    """A message is framed in a way that its content or sender forbids."""

    section = "RFC 9420 6"
