"""What can go wrong with another node.

::

    PeerError
    ├── PeerDown      it cannot be reached, or is busy: tried again
    └── PeerRefuses   it answers, and refuses us or answers nonsense: tried again, but rarely helps
"""


class PeerError(Exception):
    """An exchange with another node did not happen."""


class PeerDown(PeerError):
    """The node cannot be reached, or says that it is busy."""


class PeerRefuses(PeerError):
    """The node answers, and not as nodes do."""
