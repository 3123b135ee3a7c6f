"""HTML from outside becomes text that is safe to show; text of ours becomes HTML that everybody shows.

Nothing of the HTML survives but its words, its lines and where its links really lead. The parser is the
standard library's, which needs quadratic time for tags that never end (30 kB kept it busy for a minute);
so only complete, well-formed tags reach it, and everything else is text.

    to_text('<p>Hello <a href="https://evil.example">bank.example</a></p>')
        == "Hello bank.example (https://evil.example)"
"""

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final

from typing_extensions import override

from yurt.wire.sanitise import clean_body

MAX_INPUT: Final = 100_000
"""Characters of HTML; the rest is cut."""
MAX_TEXT: Final = 50_000
"""Characters of the text that is made."""
MAX_HIDDEN: Final = 64
"""Hidden tags inside each other that are told apart."""
MAX_QUOTES: Final = 8
"""Marks before a line; deeper quotes look like these."""
_CUT: Final = " [...]"

# A complete tag, without `<` or a line of attributes that ends nowhere. Possessive: no way back, linear.
_TAG: Final = re.compile(
    r"</?+[A-Za-z][A-Za-z0-9]{0,30}+"
    r"""(?:[ \t\r\n/]++[^\s"'<>/=]++(?:[ \t\r\n]*+=[ \t\r\n]*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'<>=`]++))?+)*+"""
    r"[ \t\r\n]*+/?+>"
)
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_OUR_LINK: Final = re.compile(r"https://[^\s<>\"'()\[\]{}]*[^\s<>\"'()\[\]{}.,;:!?]")
_NAME: Final = re.compile(r"@[\w.-]{1,64}")
_TOPIC: Final = re.compile(r"#\w{1,100}")
_HOST: Final = re.compile(r"https?://([^/?#:@]+)(?:[/?#]|$)")

_BLOCKS: Final = frozenset(
    {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "table", "section",
     "article", "header", "footer", "figure", "dl", "hr"}
)  # fmt: skip
_LINES: Final = frozenset({"br", "li", "tr", "dt", "dd", "figcaption"})
_HIDDEN: Final = frozenset(
    {"script", "style", "template", "title", "head", "noscript", "iframe", "object", "svg", "math",
     "textarea", "select"}
)  # fmt: skip
_VOID: Final = frozenset({"br", "hr", "img", "input", "wbr", "meta", "link", "source", "embed"})


def to_text(markup: str) -> str:
    """Make text of HTML.

    Paragraphs and lists keep their lines; a link whose words are not its address is followed by it; hidden
    parts, scripts and styles are gone.

    Returns:
        Text of several lines that passed `clean_body`.
    """
    reader = _Reader()
    reader.feed(_well_formed(markup[:MAX_INPUT]))
    reader.close()
    text = reader.text()
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - len(_CUT)] + _CUT
    return clean_body(text)


def to_html(text: str, mentions: Mapping[str, str] | None = None) -> str:
    """Make HTML of a text of ours: paragraphs, line breaks, links, mentions; everything else is escaped.

    Args:
        text: Several lines.
        mentions: Actor URLs by the address as it stands in the text (``@bo@hilltop.example``).
    """
    paragraphs = [part for part in re.split(r"\n{2,}", text.strip("\n")) if part]
    return "".join(f"<p>{_paragraph(part, mentions or {})}</p>" for part in paragraphs)


def _paragraph(text: str, mentions: Mapping[str, str]) -> str:
    names = "|".join(re.escape(name) for name in sorted(mentions, key=len, reverse=True))
    pattern = re.compile(_OUR_LINK.pattern + (f"|(?:{names})(?![\\w.-])" if names else ""))
    written, at = "", 0
    for match in pattern.finditer(text):
        written += _escape(text[at : match.start()]) + _anchor(match[0], mentions)
        at = match.end()
    return written + _escape(text[at:])


def _anchor(word: str, mentions: Mapping[str, str]) -> str:
    actor = mentions.get(word)
    if actor is not None:
        # The class is how Mastodon knows a mention from a link to preview.
        return f'<a href="{html.escape(actor)}" class="u-url mention">{html.escape(word)}</a>'
    address = html.escape(word)
    return f'<a href="{address}" rel="nofollow noopener noreferrer">{address}</a>'


def _escape(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")


def _well_formed(markup: str) -> str:
    """Keep complete tags; comments go, and every other ``<`` is a character."""
    markup = _without_comments(markup)
    parts: list[str] = []
    at = 0
    while (start := markup.find("<", at)) >= 0:
        parts.append(markup[at:start])
        tag = _TAG.match(markup, start)
        parts.append(tag[0] if tag else "&lt;")
        at = tag.end() if tag else start + 1
    return "".join(parts) + markup[at:]


def _without_comments(markup: str) -> str:
    parts: list[str] = []
    at = 0
    while (start := markup.find("<!--", at)) >= 0:
        end = markup.find("-->", start + 4)
        if end < 0:
            break
        parts.append(markup[at:start])
        at = end + 3
    return "".join(parts) + markup[at:]


class _Reader(HTMLParser):
    """Collects words, lines and links; knows nothing of the outside."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._hidden: list[str] = []
        """Names of open tags whose content is not shown."""
        self._preformatted = 0
        self._quoted = 0
        self._links: list[tuple[str, int]] = []
        """Address, and where its words begin in `_parts`."""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden or tag in _HIDDEN:
            if tag not in _VOID and len(self._hidden) < MAX_HIDDEN:
                self._hidden.append(tag)
        elif tag == "a":
            self._close_link()
            self._begin_line()
            self._links.append(((dict(attrs).get("href") or "").strip(), len(self._parts)))
        else:
            self._break(tag)
            self._preformatted += tag == "pre"
            self._quoted += tag == "blockquote"

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML knows no self-closing tags: `<p/>` opens a paragraph.
        self.handle_starttag(tag, attrs)

    @override
    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[len(self._hidden) - 1 - self._hidden[::-1].index(tag) :]
        elif tag == "a":
            self._close_link()
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
            self._preformatted = max(0, self._preformatted - (tag == "pre"))
            self._quoted = max(0, self._quoted - (tag == "blockquote"))

    @override
    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        words = data if self._preformatted else _SPACES.sub(" ", data)
        if words.strip():
            self._begin_line()
        self._parts.append(words)

    def text(self) -> str:
        """Everything that is shown."""
        self._close_link()
        lines = [line.strip(" \t") if line.strip() else "" for line in "".join(self._parts).split("\n")]
        return _squeeze(lines)

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag in _LINES:
            self._parts.append("\n")
        if tag == "li":
            self._parts.append("- ")

    def _begin_line(self) -> None:
        """Mark a line that is quoted."""
        if self._quoted and (not self._parts or self._parts[-1].endswith("\n")):
            self._parts.append("> " * min(self._quoted, MAX_QUOTES))

    def _close_link(self) -> None:
        """Say where a link leads, unless its words are that."""
        if not self._links:
            return
        address, start = self._links.pop()
        words = "".join(self._parts[start:]).strip()
        self._parts[start:] = [_shown(words, address)]


def _shown(words: str, address: str) -> str:
    """The words of a link, with its address in full."""
    if not _LINK.fullmatch(address) or not words:
        return words
    if words == address or _TOPIC.fullmatch(words):
        return words
    host = _HOST.match(address)
    if host and _NAME.fullmatch(words):
        return f"{words}@{host[1]}"
    if host and words.startswith("@") and words.endswith(f"@{host[1]}"):
        return words
    return f"{words} ({address})"


def _squeeze(lines: list[str]) -> str:
    """At most one blank line in a row, none at either end."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip("\n")
