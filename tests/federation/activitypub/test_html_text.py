"""HTML in, safe text out: only words, lines, and where links really lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub.html_text import MAX_TEXT, to_html, to_text
from yurt.wire.sanitise import clean_body

MASTODON_LINK = (
    '<a href="https://x.example/long/path" target="_blank" rel="nofollow noopener"><span class="invisible">'
    'https://</span><span class="ellipsis">x.example/long</span><span class="invisible">/path</span></a>'
)
MASTODON_MENTION = (
    '<span class="h-card"><a href="https://hilltop.example/@bo" class="u-url mention">'
    "@<span>bo</span></a></span>"
)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>One</p><p>Two<br>Three<br/>Four</p>", "One\n\nTwo\nThree\nFour"),
        ("<div><div><p>a</p></div></div><p></p><p> </p><p>b</p>", "a\n\nb"),
        ("  many \n\t spaces  ", "many spaces"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<p>Said:</p><blockquote><p>words</p></blockquote>", "Said:\n\n> words"),
        ("<blockquote>a<br><a href='https://a.example'>b</a><blockquote>c</blockquote>d</blockquote>e",
         "> a\n> b (https://a.example)\n\n> > c\n\n> d\n\ne"),
        ("<pre>a  b\nc</pre>", "a  b\nc"),
        ("<h1>T</h1>x", "T\n\nx"),
        ("&lt;b&gt; &amp;amp; &#x41; &nope; &#0;", "<b> &amp; A &nope; \ufffd"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<3 you", "<3 you"),
        ("a<!-- hidden -->b<!-- open", "ab<!-- open"),
        ("<script>alert(1)</script>ok", "ok"),
        ("<style>p{}</style><svg><p>x</p></svg><template>y</template>ok", "ok"),
        ("<noscript><p>n</p></noscript><title>t</title>ok", "ok"),
        ("<script>never closed", ""),
        ("<b><i>bo</b>ld</i>", "bold"),
        ("</p></a></script>x", "x"),
        ("<img src=x onerror=alert(1)>pic", "pic"),
        ('<p onclick="x" style="display:none">p</p>', "p"),
        # links
        (f"see {MASTODON_LINK}", "see https://x.example/long/path"),
        (MASTODON_MENTION, "@bo@hilltop.example"),
        ('<a href="https://evil.example/">bank.example</a>', "bank.example (https://evil.example/)"),
        ('<a href="https://evil.example/">https://bank.example/</a>',
         "https://bank.example/ (https://evil.example/)"),
        ('<a href="https://evil.example/@bo" class="mention">@bo@bank.example</a>',
         "@bo@bank.example (https://evil.example/@bo)"),
        ('<a href="https://evil.example:8443/@bo">@bo</a>', "@bo (https://evil.example:8443/@bo)"),
        ('<a href="https://bank.example@evil.example/">@bo</a>', "@bo (https://bank.example@evil.example/)"),
        ('<a href="https://x.example/tags/cat" rel="tag">#<span>cat</span></a>', "#cat"),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ('<a href="JaVaScRiPt:x">x</a><a href="data:text/html,x">y</a><a href="/rel">z</a><a>w</a>', "xyzw"),
        ('<a href="https://a.example">one<a href="https://b.example">two</a>',
         "one (https://a.example)two (https://b.example)"),
        ('<a href="https://a.example">never closed', "never closed (https://a.example)"),
        ('<a href="https://a.example/x&amp;y=1">l</a>', "l (https://a.example/x&y=1)"),
        ('<a href="https://a.example"></a>x', "x"),
        # what a terminal would obey
        ("\x1b[2J&#27;[2J", "␛[2J[2J"),
        ("a\u202eb", clean_body("a\u202eb")),
        ('<a href="https://a.example/\u202egpj">x</a>', clean_body("x (https://a.example/\u202egpj)")),
    ],
)  # fmt: skip
def test_html_becomes_text(markup: str, text: str) -> None:
    """Case by case."""
    assert to_text(markup) == text


@given(st.text(alphabet="<>/ab=\"'&;!-#x ph\n\u202e\x1b[", max_size=80))
def test_whatever_comes_the_text_is_clean(markup: str) -> None:
    """The sanitiser finds nothing left to do."""
    text = to_text(markup)

    assert clean_body(text) == text
    assert "\x1b" not in text


WORDS = st.text(alphabet="abcäß<>&\"'@#.:/ \u20ac😀", max_size=30)


@given(
    st.lists(st.lists(WORDS.map(lambda word: " ".join(word.split())).filter(bool), min_size=1), max_size=4)
)
def test_our_text_comes_back_from_its_html(paragraphs: list[list[str]]) -> None:
    """Whatever people write, other Yurt nodes read the same words in the same lines."""
    text = clean_body("\n\n".join("\n".join(lines) for lines in paragraphs))

    assert to_text(to_html(text)) == text


def test_our_html_is_what_everybody_shows() -> None:
    """Paragraphs, breaks, links in full, mentions with Mastodon's class; nothing else gets through."""
    made = to_html(
        "Hi @bo@hilltop.example, see (https://a.example/x?a=1&b=2).\n<script>\n\n@bo@hilltop.example.evil",
        {"@bo@hilltop.example": "https://hilltop.example/users/bo"},
    )

    assert made == (
        '<p>Hi <a href="https://hilltop.example/users/bo" class="u-url mention">@bo@hilltop.example</a>, '
        'see (<a href="https://a.example/x?a=1&amp;b=2" rel="nofollow noopener noreferrer">'
        "https://a.example/x?a=1&amp;b=2</a>).<br>&lt;script&gt;</p><p>@bo@hilltop.example.evil</p>"
    )
    assert to_html("") == to_html("\n\n") == ""


def test_a_link_cannot_break_out_of_its_attribute() -> None:
    """Quotation marks end a link."""
    assert to_html('https://a.example/"onmouseover="x').startswith('<p><a href="https://a.example/" rel=')


@pytest.mark.timeout(120)  # a bound on what is quadratic, no measurement
@pytest.mark.parametrize(
    "piece",
    ["<a ", "<a/", '<a b="', "<a b='", '<a b=">', "<!--", "<![CDATA[", "</", "<?", "<!", "<svg>", "<a>", "&#",
     "<a b", "<p>", "<blockquote>", '<a href="https://a.example">', "<svg></math>", "x=", "< "],
)  # fmt: skip
def test_hostile_html_costs_no_more_than_its_size(piece: str) -> None:
    """The standard parser alone needs minutes for some of these; twice the size may cost twice the work."""
    markup = (piece * 100_000)[:100_000]

    text = to_text(markup)

    assert len(text) <= MAX_TEXT + 2


def test_long_texts_are_cut_and_say_so() -> None:
    """A megabyte is not shown."""
    assert to_text("word " * 60_000).endswith("[...]")
