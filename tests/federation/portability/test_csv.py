"""Mastodon's files, byte for byte; people's files, with patience; hostile files, at their own cost."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.portability.address import Address, parse_address, parse_domain
from yurt.portability.csv_files import decode_csv, encode_csv, encode_viewer_csv, guess_kind
from yurt.portability.csv_rows import (
    BlockRow,
    BookmarkRow,
    CsvKind,
    DomainBlockRow,
    FollowerRow,
    FollowRow,
    ListRow,
    MuteRow,
    Row,
)
from yurt.portability.csv_text import MAX_CSV_ROWS, MAX_CSV_SIZE
from yurt.portability.errors import CsvError, LocalPortabilityError, MalformedAddress

ANA = Address("ana", "harbour.example")
BO = Address("Bo_2.x", "xn--bcher-kva.example")
# What Mastodon's export.rb writes, by Ruby's rules of quoting.
EXPORTS: dict[CsvKind, bytes] = {
    CsvKind.FOLLOWING: (
        b"Account address,Show boosts,Notify on new posts,Languages\n"
        b"Bo_2.x@xn--bcher-kva.example,true,false,\n"
        b'ana@harbour.example,false,true,"en, fr"\n'
        b"cy@c.example,true,false,de\n"
    ),
    CsvKind.MUTES: b"Account address,Hide notifications\nana@harbour.example,true\ncy@c.example,false\n",
    CsvKind.BLOCKS: b"ana@harbour.example\ncy@c.example\n",
    CsvKind.DOMAIN_BLOCKS: b"bad.example\nworse.example\n",
    CsvKind.LISTS: (
        b"Friends,ana@harbour.example\n"
        b'"Cats, dogs ""and"" birds",cy@c.example\n'
        b"=1+1,cy@c.example\n"
        b"Stra\xc3\x9fe; #1,cy@c.example\n"
    ),
    CsvKind.BOOKMARKS: b"https://c.example/users/cy/statuses/1\nhttps://c.example/s/2?a=1&b=%2C\n",
    CsvKind.FOLLOWERS: (
        b"Account address,Actor,Inbox,Mutual,Since\n"
        b"ana@harbour.example,https://harbour.example/users/ana,https://harbour.example/users/ana/inbox,"
        b"true,2026-11-21T09:00:00Z\n"
        b"cy@c.example,,,false,\n"
    ),
}


@pytest.mark.parametrize("kind", list(CsvKind))
def test_files_round_trip_byte_for_byte(kind: CsvKind) -> None:
    """What Mastodon wrote is read and written again as it was."""
    file = decode_csv(EXPORTS[kind], file_name=kind.file_name)

    assert (file.kind, file.refused) == (kind, ())
    assert encode_csv(kind, file.rows) == EXPORTS[kind]


def test_rows_mean_what_they_say() -> None:
    """Attributes of a follow survive, languages too."""
    bo, ana, _ = decode_csv(EXPORTS[CsvKind.FOLLOWING]).rows

    assert bo == FollowRow(BO, show_boosts=True, notify=False, languages=())
    assert ana == FollowRow(ANA, show_boosts=False, notify=True, languages=("en", "fr"))


def test_people_s_files_are_read() -> None:
    """A mark, CR LF, blank lines, @, capitals, blanks, no header, no domain, unknown columns: one file."""
    data = (
        b"\xef\xbb\xbf\r\n@Ana@Harbour.example,TRUE\r\n\r\n,,\r\n  bo  ,False,0,\r\n"
        + b'cy@c.example,yes,1,"en,fr",more,columns\r\n'
        + "dé@b.example\r\nel@bücher.example\r\n".encode()
    )

    file = decode_csv(data, kind=CsvKind.FOLLOWING, local="home.example")

    assert file.rows == (
        FollowRow(Address("Ana", "harbour.example"), show_boosts=True),
        FollowRow(Address("bo", "home.example"), show_boosts=False, notify=False, languages=()),
        FollowRow(Address("cy", "c.example"), show_boosts=True, notify=True, languages=("en", "fr")),
        FollowRow(Address("el", "xn--bcher-kva.example")),
    )
    assert [(row.line, row.rule) for row in file.refused] == [(7, "malformedAddress")]


def test_headers_may_stand_in_any_order_and_in_files_that_have_none() -> None:
    """GoToSocial writes a header everywhere; columns are found by name."""
    mutes = decode_csv(b"Account Address,Note,hide notifications\na@b.example,x,FALSE\n")
    blocks = decode_csv(b"Account address\na@b.example\n", file_name="Downloads/Blocks (1).csv")
    domains = decode_csv(b"#domain,#severity\nBad.Example,silence\n")

    assert mutes.rows == (MuteRow(Address("a", "b.example"), hide_notifications=False),)
    assert blocks.rows == (BlockRow(Address("a", "b.example")),)
    assert domains.rows == (DomainBlockRow("bad.example"),)


def test_odd_language_costs_no_follow() -> None:
    """What is no code is passed over; the row stands."""
    header = b"Account address,Languages\n"
    file = decode_csv(header + b'a@b.example,"en, =1"\nc@b.example,=1\n', kind=CsvKind.FOLLOWING)

    assert file.rows == (
        FollowRow(Address("a", "b.example"), languages=("en",)),
        FollowRow(Address("c", "b.example"), languages=None),
    )


@pytest.mark.parametrize(
    ("header", "name", "kind"),
    [
        (["Account address", "Hide notifications"], "follows.csv", CsvKind.MUTES),
        (["Account address", "Languages"], "", CsvKind.FOLLOWING),
        (["Account address", "Actor", "Inbox"], "", CsvKind.FOLLOWERS),
        (["Account address"], "followers.csv", CsvKind.FOLLOWERS),
        (["Account address"], "following.csv", CsvKind.FOLLOWING),
        ([], "C:\\down\\blocked_domains-2.csv", CsvKind.DOMAIN_BLOCKS),
        ([], "lists.csv", CsvKind.LISTS),
        ([], "holiday.csv", None),
    ],
)
def test_kind_is_guessed(header: list[str], name: str, kind: CsvKind | None) -> None:
    """The header tells more than the name."""
    assert guess_kind(header, name) is kind


@pytest.mark.parametrize(
    ("data", "kind", "rule"),
    [
        (b"", CsvKind.BLOCKS, "csvEmpty"),
        (b"\xef\xbb\xbf\n\n", CsvKind.BLOCKS, "csvEmpty"),
        (b"a@b.example\n", None, "csvKind"),
        (b"List name\nFriends\n", CsvKind.LISTS, "csvColumns"),
        (b"#domain\nb.example\n", CsvKind.BLOCKS, "csvColumns"),
        (b'"a@b.example', CsvKind.BLOCKS, "malformedCsv"),
        (b'"a" b\n', CsvKind.BLOCKS, "malformedCsv"),
        (b"\xff\xfea\0", CsvKind.BLOCKS, "csvNotText"),
        (b"a@b.example\0\n", CsvKind.BLOCKS, "csvNotText"),
        (b"," * 70_000, CsvKind.BLOCKS, "csvLine"),
        (b'"' + b"\n" * 1000, CsvKind.BLOCKS, "csvLine"),
        (b"\n" * 300_000 + b"a@b.example", CsvKind.BLOCKS, "csvTooManyRows"),
        (b"a@b.example\n" * (MAX_CSV_ROWS + 1), CsvKind.BLOCKS, "csvTooManyRows"),
        (b"Account address\n" + b"a@b.example\n" * (MAX_CSV_ROWS + 1), CsvKind.BLOCKS, "csvTooManyRows"),
        (b"a" * (MAX_CSV_SIZE + 1), CsvKind.BLOCKS, "csvTooLarge"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_file_that_is_none_is_refused_by_name(data: bytes, kind: CsvKind | None, rule: str) -> None:
    """The person learns which rule was broken."""
    with pytest.raises(CsvError) as caught:
        decode_csv(data, kind=kind)

    assert caught.value.rule == rule


def test_all_rows_that_are_allowed_fit() -> None:
    """20,000 rows are read, with and without header."""
    rows = b"".join(b"u%d@b.example\n" % number for number in range(MAX_CSV_ROWS))

    assert len(decode_csv(rows, kind=CsvKind.BLOCKS).rows) == MAX_CSV_ROWS
    assert len(decode_csv(b"Account address\n" + rows, kind=CsvKind.BLOCKS).rows) == MAX_CSV_ROWS


@pytest.mark.parametrize("unit", [b",", b'"', b"\n", b'"\n",', b"=", b"a,\n"])
def test_hostile_file_costs_little(unit: bytes) -> None:
    """20 MB of anything do not become hundreds of MB of objects."""
    data = unit * (MAX_CSV_SIZE // len(unit))
    tracemalloc.start()
    try:
        with pytest.raises(CsvError):
            decode_csv(data, kind=CsvKind.FOLLOWING)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 32 * 1024 * 1024


@pytest.mark.parametrize(
    "cell", ["=cmd|' /C calc'!A0", "+1@b.example", "-a@b.example", "@=x@b.example", "a b@c.example", "a@b"]
)
def test_address_is_never_a_formula(cell: str) -> None:
    """What a spreadsheet would run is no address; `a@b` is one, on a node called b."""
    if cell == "a@b":
        assert str(parse_address(cell)) == cell
    else:
        with pytest.raises(MalformedAddress):
            parse_address(cell)


def test_formula_in_a_list_s_name_is_a_name() -> None:
    """In Mastodon's file it stays what it is; in the file for a spreadsheet it is text."""
    rows = [ListRow("=HYPERLINK(1)", ANA), ListRow("\t@x", ANA), ListRow("plain", ANA)]

    assert encode_csv(CsvKind.LISTS, rows).startswith(b"=HYPERLINK(1),ana@harbour.example\n")
    assert encode_viewer_csv(CsvKind.LISTS, rows) == (
        b"'=HYPERLINK(1),ana@harbour.example\n'\t@x,ana@harbour.example\nplain,ana@harbour.example\n"
    )


@pytest.mark.parametrize(
    "uri", ["=1", "javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://\x1b"]
)
def test_bookmark_is_a_web_address(uri: str) -> None:
    """Nothing else is kept."""
    file = decode_csv(uri.encode(), kind=CsvKind.BOOKMARKS)

    assert [row.rule for row in file.refused] == ["malformedUrl"]


def test_row_of_another_kind_is_our_bug() -> None:
    """A block must not be written into a list of follows."""
    with pytest.raises(LocalPortabilityError):
        encode_csv(CsvKind.FOLLOWING, [BlockRow(ANA)])


@pytest.mark.parametrize(
    "text", ["", "@", "a@", "@@", "a@b@c", "a@b:8080", "a@-b", "a@b..c", "a/b@c", "a@" + "x" * 300]
)
def test_no_address(text: str) -> None:
    """Whatever names no account is refused."""
    with pytest.raises(MalformedAddress):
        parse_address(text, local="")


@pytest.mark.parametrize("text", ["faß.example", "FAẞ.example", "βόλος.example", "a\u200db.example"])
def test_a_domain_with_two_meanings_is_refused(text: str) -> None:
    """A name that two standards write differently blocks nobody else than who was meant."""
    with pytest.raises(MalformedAddress, match="two meanings"):
        parse_domain(text)


def test_a_domain_with_one_meaning_is_written_as_computers_do() -> None:
    """Letters that both standards write the same are free, and so is what computers write."""
    assert parse_domain("Bücher.example") == "xn--bcher-kva.example"
    assert parse_domain("xn--fa-hia.example") == "xn--fa-hia.example"


def test_long_domain_is_refused_before_work() -> None:
    """IDNA is slow on long texts."""
    with pytest.raises(MalformedAddress):
        parse_domain("ü" * 100_000)


USERS = st.from_regex(r"[A-Za-z0-9_]{1,9}", fullmatch=True)
DOMAINS = st.from_regex(r"[a-z0-9]{1,9}(\.[a-z]{2,5}){1,2}", fullmatch=True)
ADDRESSES = st.builds(Address, USERS, DOMAINS)
LANGUAGES = st.lists(st.sampled_from(["en", "fr", "pt-BR"]), max_size=3).map(tuple)
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)
ROWS: dict[CsvKind, st.SearchStrategy[Row]] = {
    CsvKind.FOLLOWING: st.builds(FollowRow, ADDRESSES, st.booleans(), st.booleans(), LANGUAGES),
    CsvKind.MUTES: st.builds(MuteRow, ADDRESSES, st.booleans()),
    CsvKind.BLOCKS: st.builds(BlockRow, ADDRESSES),
    CsvKind.DOMAIN_BLOCKS: st.builds(DomainBlockRow, DOMAINS),
    CsvKind.LISTS: st.builds(ListRow, NAMES.map(str.strip).filter(bool), ADDRESSES),
    CsvKind.BOOKMARKS: st.builds(BookmarkRow, DOMAINS.map(lambda domain: f"https://{domain}/,1")),
    CsvKind.FOLLOWERS: st.builds(FollowerRow, ADDRESSES, mutual=st.booleans()),
}


@given(st.data(), st.sampled_from(list(CsvKind)))
def test_whatever_is_written_is_read(data: st.DataObject, kind: CsvKind) -> None:
    """Any rows, of any kind, come back as they were."""
    rows = tuple(data.draw(st.lists(ROWS[kind], min_size=1, max_size=8)))
    if (
        kind is CsvKind.LISTS
        and isinstance(first := rows[0], ListRow)
        and first.list_name.lower() == "list name"
    ):
        return

    assert decode_csv(encode_csv(kind, rows), kind=kind).rows == rows


@given(st.binary(max_size=400), st.sampled_from(list(CsvKind)))
def test_any_bytes_are_read_or_refused(data: bytes, kind: CsvKind) -> None:
    """Nothing but our own errors comes out."""
    try:
        file = decode_csv(data, kind=kind)
    except CsvError:
        return

    assert encode_csv(kind, file.rows) is not None
