"""The codes of rules that structures check themselves, so that no structure imports its judge."""

from enum import StrEnum


class MessageRule(StrEnum):
    """RFC 9420, 6: who may say what, and in which frame."""

    APPLICATION_IN_THE_OPEN = "applicationInTheOpen"
    NOT_A_COMMIT = "notACommit"
    NOT_A_PROPOSAL = "notAProposal"
    SENDER_MAY_NOT_COMMIT = "senderMayNotCommit"
    OUTSIDER_NOT_PUBLIC = "outsiderNotPublic"


class ProposalRule(StrEnum):
    """RFC 9420, 12.1, and draft-ietf-mls-extensions for SelfRemove."""

    SENDER = "proposalSender"
    EXTERNAL_SENDER = "unknownExternalSender"
    TOO_MANY = "tooManyProposals"
    UPDATE_SAME_KEY = "updateSameKey"
    REMOVES_NOBODY = "removesNobody"
    PSK_NONCE = "pskNonce"
    PSK_USAGE = "pskUsage"
    REINIT_VERSION = "reInitVersion"
    EXTENSION_TYPE_TWICE = "groupContextExtensionTypeTwice"
    SELF_REMOVE_NOT_PUBLIC = "selfRemoveNotPublic"
    SELF_REMOVE_TWICE = "selfRemoveTwice"
    UNSUPPORTED = "proposalUnsupported"


class CommitRule(StrEnum):
    """RFC 9420, 12.4.2 and 7.5 to 7.9."""

    TAG_SIZE = "confirmationTagSize"
    PATH_MISSING = "pathMissing"
    PATH_LENGTH = "pathLength"
    PATH_SAME_KEY = "pathSameKey"
    PATH_KEY_IN_TREE = "pathKeyInTree"
    PATH_KEY_TWICE = "pathKeyTwice"
    PATH_WEAK_KEY = "pathWeakKey"
    PATH_CIPHERTEXTS = "pathCiphertexts"
    PATH_PARENT_HASH = "pathParentHash"
