"""The codes of all room rules, in one place: what a hub or a judge answers when it says no.

docs/room-rules.md explains each of them; a test holds the two together.
"""

from enum import StrEnum


class Rule(StrEnum):
    """Why an entry is refused; the value travels as the problem's ``rule``."""

    # --- form: judged by the hub before anything else --------------------------------------------------
    NOT_PARTICIPANT = "notParticipant"
    WRONG_FRAMING = "wrongFraming"
    WRONG_ROOM = "wrongRoom"
    ENTRY_TOO_LARGE = "entryTooLarge"
    WRONG_EPOCH = "wrongEpoch"
    EPOCH_TOO_OLD = "epochTooOld"
    NOT_YOURS = "notYours"
    INVALID_COMMIT = "invalidCommit"
    INVALID_PROPOSAL = "invalidProposal"
    GROUP_INFO_MISSING = "groupInfoMissing"
    GROUP_INFO_WRONG = "groupInfoWrong"
    WELCOME_MISSING = "welcomeMissing"
    WELCOME_WRONG = "welcomeWrong"
    # --- a room that is new here -----------------------------------------------------------------------
    ROOM_NOT_NEW = "roomNotNew"
    WRONG_HUB = "wrongHub"
    WRONG_SUITE = "wrongSuite"
    BAD_SNAPSHOT = "badSnapshot"
    # --- the commit's own data -------------------------------------------------------------------------
    COMMIT_DATA = "commitData"
    COMMIT_DATA_VERSION = "commitDataVersion"
    CLOCK_SKEW = "clockSkew"
    BAD_RECORD = "badRecord"
    # --- proposals -------------------------------------------------------------------------------------
    EXTERNAL_COMMIT = "externalCommit"
    SELF_REMOVE = "selfRemove"
    PROPOSAL_BY_REFERENCE = "proposalByReference"
    UPDATE_PROPOSAL = "updateProposal"
    PSK_PROPOSAL = "pskProposal"
    RE_INIT_PROPOSAL = "reInitProposal"
    EXTERNAL_INIT_PROPOSAL = "externalInitProposal"
    UNKNOWN_PROPOSAL = "unknownProposal"
    # --- leaves that enter -----------------------------------------------------------------------------
    BAD_LEAF = "badLeaf"
    LEAF_EXPIRED = "leafExpired"
    LEAF_USE = "leafUse"
    LEAF_KEY_REUSED = "leafKeyReused"
    LEAF_CONTINUITY = "leafContinuity"
    ACTOR_WITHOUT_RECORD = "actorWithoutRecord"
    ACTOR_TAKEN = "actorTaken"
    BELOW_FLOOR = "belowFloor"
    DUPLICATE_DEVICE = "duplicateDevice"
    TOO_MANY_DEVICES = "tooManyDevices"
    ROOM_FULL = "roomFull"
    BANNED = "banned"
    # --- coming back from outside -----------------------------------------------------------------------
    RESYNC_STRANGER = "resyncStranger"
    RESYNC_REMOVE = "resyncRemove"
    RESYNC_LIMIT = "resyncLimit"
    # --- links -----------------------------------------------------------------------------------------
    JOIN_PROOF = "joinProof"
    INVITE_UNKNOWN = "inviteUnknown"
    INVITE_EXPIRED = "inviteExpired"
    INVITE_USED_UP = "inviteUsedUp"
    INVITE_USES = "inviteUses"
    LINK_RIGHT = "linkRight"
    BAD_INVITE = "badInvite"
    # --- who may ---------------------------------------------------------------------------------------
    INVITE_RIGHT = "inviteRight"
    REMOVE_RIGHT = "removeRight"
    # --- the policy ------------------------------------------------------------------------------------
    POLICY_MISSING = "policyMissing"
    POLICY_MALFORMED = "policyMalformed"
    POLICY_VERSION = "policyVersion"
    POLICY_FULL = "policyFull"
    POLICY_RIGHT = "policyRight"
    ROLE_RIGHT = "roleRight"
    ROLE_OF_NOBODY = "roleOfNobody"
    BAN_RIGHT = "banRight"
    FLOOR_WITHOUT_RECORD = "floorWithoutRecord"
    EXTENSIONS_CHANGED = "extensionsChanged"
    REQUIRED_CAPABILITIES = "requiredCapabilities"
    NOT_YET = "notYet"
