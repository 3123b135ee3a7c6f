"""What a follow brings onto a timeline: whether boosts are shown, and posts in which languages.

As Mastodon does it (app/lib/feed_manager.rb, `filter_from_home` and the crutches `hiding_reblogs` and
`languages`): it is decided when a post arrives; a post that does not say its language passes, and so does a
boost, which has none. Whoever a post names gets it whatever they chose: there it is a notification.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """How somebody follows; None: nothing was chosen."""

    show_boosts: bool | None = None
    notify: bool | None = None
    """A mark on each post; boosts have none (app/services/fan_out_on_write_service.rb)."""
    languages: tuple[str, ...] | None = None
    """Codes of ISO 639; None or none at all: every language."""


def is_wanted(settings: FollowSettings, *, is_boost: bool, language: str, names_reader: bool) -> bool:
    """Tell whether a post comes onto the timeline of who follows so.

    Args:
        settings: Of the follow of the author, or of who boosts.
        is_boost: It is shown by somebody else than its author.
        language: As the post says; empty if it does not.
        names_reader: It is written to the reader, too.
    """
    if names_reader:
        return True
    if is_boost:
        return settings.show_boosts is not False
    return not (settings.languages and language and language not in settings.languages)
