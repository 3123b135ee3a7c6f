"""Which node a person means: by its name, or by an address there."""

from yurt.client.errors import UsageError


def find_node(text: str) -> str:
    """Take the name of a node out of what was typed, in small letters.

    Raises:
        UsageError: It can be none.
    """
    from yurt.identity.location import MalformedLocation, check_node

    name = text.strip().rpartition("@")[2].lower()
    try:
        if "." in name:  # nobody else could reach a name without one
            return check_node(name)
    except MalformedLocation:
        pass
    raise UsageError(f"{text!r} is no node: it should look like harbour.example")
