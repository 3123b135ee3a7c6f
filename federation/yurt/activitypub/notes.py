"""Posts as documents: ``Note``, made and parsed; other kinds of posts become a text with their link.

    note = Note(id=..., author=..., text="Hello", audience=Audience(Visibility.FOLLOWERS), published=now)
    document = note_document(note, followers=places.followers)

    note = parse_note(document, followers=author_document.followers)      # note.text is safe to show

HTML ends here: what is kept and shown is text (`yurt.activitypub.html_text`). What a document says counts
for its own author only, and only from the author's own host.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from yurt.activitypub.audience import Audience, address, read_audience
from yurt.activitypub.errors import DocumentRefused
from yurt.activitypub.html_text import to_html, to_text
from yurt.activitypub.references import (
    Json,
    check_plain,
    host_of,
    id_of,
    ids_of,
    object_of,
    objects_of,
    text_of,
    types_of,
    values_of,
)
from yurt.activitypub.timestamps import read_time, write_time
from yurt.activitypub.vocabulary import AS_CONTEXT
from yurt.wire.limits import MAX_SUMMARY
from yurt.wire.sanitise import clean_body, clean_line

NOTE: Final = "Note"
POST_TYPES: Final = frozenset({NOTE, "Question", "Article", "Page", "Image", "Audio", "Video", "Event"})
"""What is shown as a post; all but Note with its name and link."""
MAX_HTML: Final = 100_000
"""Characters of HTML that are looked at; Mastodon's own posts have 500 unless a server allows more."""
MAX_MENTIONS: Final = 100
MAX_ATTACHMENTS: Final = 16
_MAX_LABEL: Final = 200
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
_UNDETERMINED: Final = "und"


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody whom a post names."""

    actor: str
    address: str
    """As the author wrote it (``@bo@hilltop.example``), sanitised; who it is says `actor` alone."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that comes with a post; it is never fetched by itself."""

    url: str
    media_type: str
    description: str
    """Sanitised for several lines."""


@dataclass(frozen=True, slots=True)
class Note:
    """One post."""

    id: str
    author: str
    text: str = field(repr=False)
    """Plain text of several lines, safe to show."""
    audience: Audience
    published: int
    """Seconds since 1970; 0 if it does not say."""
    updated: int = 0
    """When it was last edited; 0 if never."""
    in_reply_to: str = ""
    summary: str = field(default="", repr=False)
    """A content warning: the text is shown only when asked for."""
    url: str = ""
    """A page for people."""
    mentions: tuple[Mention, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    language: str = ""
    """Code of ISO 639, lower case; empty if it does not say. It is not kept."""

    @property
    def version(self) -> int:
        """Orders the versions of one post: the later replaces the earlier."""
        return max(self.published, self.updated)


def note_document(note: Note, followers: str) -> Json:
    """Write a post of ours as the object of a Create or Update, without a context.

    Args:
        note: The post; its attachments are not written (we have none).
        followers: The author's followers collection.
    """
    links = {mention.address: mention.actor for mention in note.mentions}
    document: Json = {
        "id": note.id,
        "type": NOTE,
        "attributedTo": note.author,
        "content": to_html(note.text, links),
        "published": write_time(note.published),
        "url": note.url or note.id,
        **address(note.audience, followers),
        "tag": [
            {"type": "Mention", "href": mention.actor, "name": mention.address} for mention in note.mentions
        ],
    }
    if note.updated:
        document["updated"] = write_time(note.updated)
    if note.in_reply_to:
        document["inReplyTo"] = note.in_reply_to
    if note.summary:
        document |= {"summary": note.summary, "sensitive": True}
    return document


def with_context(document: Json) -> Json:
    """A document that is served by itself."""
    return {"@context": AS_CONTEXT, **document}


def tombstone_document(note_id: str, deleted: int) -> Json:
    """What is served in a deleted post's place, with status 410."""
    return {"@context": AS_CONTEXT, "id": note_id, "type": "Tombstone", "deleted": write_time(deleted)}


def parse_note(document: Json, followers: str = "") -> Note:
    """Read a post.

    Args:
        document: The object, fetched at its id or embedded by its author.
        followers: The author's followers collection.

    Raises:
        DocumentRefused: Not a post, ids that are no https URLs, an author on another host, or a document
            that needs JSON-LD.
    """
    check_plain(document)
    kind = next((kind for kind in types_of(document) if kind in POST_TYPES), None)
    if kind is None:
        raise DocumentRefused("notAPost", "the object is no post")
    note_id, author = text_of(document, "id"), _author(document)
    if host_of(note_id) != host_of(author):
        raise DocumentRefused("idHost", "the post's id is on another host than its author")
    url = _page(document)
    return Note(
        id=note_id,
        author=author,
        text=_text(document, kind, url or note_id),
        audience=read_audience(document, followers),
        published=read_time(text_of(document, "published")) or 0,
        updated=read_time(text_of(document, "updated")) or 0,
        in_reply_to=_https(id_of(document.get("inReplyTo"))),
        summary=to_text(text_of(document, "summary", MAX_SUMMARY)) if kind == NOTE else "",
        url=url,
        mentions=_mentions(document),
        attachments=_attachments(document),
        language=_language(document),
    )


def _author(document: Json) -> str:
    """The first author; Peertube names the channel beside the person."""
    authors = ids_of(document.get("attributedTo"))
    if not authors:
        raise DocumentRefused("author", "the post has no author")
    return authors[0]


def _text(document: Json, kind: str, link: str) -> str:
    if kind == NOTE:
        return to_text(_content(document))
    # Mastodon's way with what it cannot show: title, summary or text, link.
    name = clean_line(text_of(document, "name", _MAX_LABEL))
    body = to_text(text_of(document, "summary", MAX_SUMMARY) or _content(document))
    return "\n\n".join(part for part in (name, body, link) if part)


def _content(document: Json) -> str:
    content = text_of(document, "content", MAX_HTML)
    if content:
        return content
    languages = object_of(document.get("contentMap")) or {}
    return next((text for text in languages.values() if isinstance(text, str)), "")[:MAX_HTML]


def _language(document: Json) -> str:
    """The first language of the content, as Mastodon reads it (app/lib/activitypub/parser)."""
    first = next(iter(object_of(document.get("contentMap")) or {}), "").lower()
    return first if _LANGUAGE.fullmatch(first) and first != _UNDETERMINED else ""


def _page(document: Json) -> str:
    """A link for people: ``url`` may be a text, a Link, or several of either."""
    for value in values_of(document.get("url")):
        link = object_of(value)
        found = _https(value if isinstance(value, str) else text_of(link or {}, "href"))
        if found and (link is None or text_of(link, "mediaType") in ("", "text/html")):
            return found
    return ""


def _mentions(document: Json) -> tuple[Mention, ...]:
    tags = [tag for tag in objects_of(document.get("tag")) if "Mention" in types_of(tag)]
    found = [
        Mention(actor, clean_line(text_of(tag, "name", _MAX_LABEL)))
        for tag in tags[:MAX_MENTIONS]
        if (actor := _https(text_of(tag, "href")))
    ]
    return tuple(found)


def _attachments(document: Json) -> tuple[Attachment, ...]:
    found = [
        Attachment(
            url,
            clean_line(text_of(item, "mediaType", _MAX_LABEL)),
            clean_body(text_of(item, "name", MAX_SUMMARY) or text_of(item, "summary", MAX_SUMMARY)),
        )
        for item in objects_of(document.get("attachment"))[:MAX_ATTACHMENTS]
        if (url := _https(text_of(item, "url") or text_of(item, "href") or _page(item)))
    ]
    return tuple(found)


def _https(url: str) -> str:
    """A URL that could be shown or fetched; else empty: a bad link is no reason to lose the post."""
    try:
        host_of(url)
    except DocumentRefused:
        return ""
    return url
