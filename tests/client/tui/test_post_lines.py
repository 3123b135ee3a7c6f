"""A post as lines: warnings hide, whole addresses fit, and no key is told by half."""

from rich.cells import cell_len

from yurt.tui.fediverse.post_lines import line_of
from yurt.tui.fediverse.posts import fitting
from yurt.tui.keys import named
from yurt.tui.lines import NAME, Gutter, Roll, rows_of
from yurt.tui.testing import ANA, BO
from yurt.wire.post_commands import PostInfo

POST = PostInfo(
    number=7,
    id="https://hilltop.example/users/bo/notes/7",
    author=BO,
    published=1_795_000_000,
    text="\u2068the butler שלום\u2069\nsecond line",
    visibility="public",
)
WARNED = PostInfo(
    number=8, id=POST.id, author=BO, published=1, text="the butler", summary="spoiler", visibility="public"
)


def test_a_warning_hides_a_post_until_it_is_asked_for() -> None:
    """Others read the warning first; whoever wrote it sees what they wrote."""
    folded, unfolded = line_of(WARNED, ANA), line_of(WARNED, ANA, unfold=True)

    assert "butler" not in folded.text
    assert folded.text.startswith("[spoiler]")
    assert "the butler" in unfolded.text
    assert unfolded.revision > folded.revision  # so that it is drawn again
    assert "the butler" in line_of(WARNED, BO).text


def test_the_node_s_isolation_is_not_shown() -> None:
    """The node isolates each line of a post; the screen isolates its own rows, and shows no ⟨FSI⟩."""
    rows = rows_of(line_of(POST, ANA), Gutter.of(80), Roll())

    assert not any("FSI" in row.text for row in rows)
    assert rows[0].text.strip("\u2068\u2069") == "the butler שלום"


def test_an_address_has_space_where_there_is_some() -> None:
    """In 120 columns the author of a post is a whole address; rooms stay as they were."""
    wide = rows_of(line_of(POST, ANA), Gutter.of(118, 28), Roll())

    assert wide[0].name.strip() == BO
    assert Gutter.of(118).name == NAME
    assert Gutter.of(60, 28).name <= 15
    assert Gutter.of(40, 28) == Gutter.of(40)


def test_keys_are_told_whole_or_not_at_all() -> None:
    """The first ones stay when there is little space."""
    keys = ("Esc rooms", "F1 keys", "F7 requests", "i write", "v who reads it")

    told = {width: fitting(keys, width) for width in range(1, 80)}

    assert all(cell_len(line) <= width for width, line in told.items())
    assert all(set(line.split(" · ")) <= {*keys, ""} for line in told.values())
    assert (told[8], told[9], told[79]) == ("", keys[0], " · ".join(keys))


def test_the_help_names_keys_as_they_are_printed() -> None:
    """Nobody looks for a key called plus."""
    assert (named("plus"), named("ctrl+k"), named("slash")) == ("+", "Ctrl-k", "/")
