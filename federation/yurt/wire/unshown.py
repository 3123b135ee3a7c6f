"""What carries a secret shows nothing of itself: no traceback, log or screen must hold it.

class Login(Unshown, Command, frozen=True, tag="login"): ...
"""

from typing import Any

from typing_extensions import override


class Unshown:
    """Comes before the struct among the bases: only the name is shown."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __rich_repr__(self, /) -> list[tuple[str, Any]]:
        """Give Rich nothing either; it would list the fields of a struct."""
        return []
