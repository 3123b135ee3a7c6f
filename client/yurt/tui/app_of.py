"""The app of a widget, with the type that it has."""

from typing import cast

from textual.app import App
from textual.message_pump import MessagePump


def app_of(part: MessagePump) -> App[None]:
    """Give the app."""
    return cast("App[None]", part.app)  # pyright: ignore[reportUnknownMemberType]  # Textual leaves its result open
