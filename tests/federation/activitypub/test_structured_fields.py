"""Structured dictionaries: the quick way reads what the whole grammar reads, and leaves the rest to it."""

import http_sf
import pytest
from http_sf.types import DictionaryType
from hypothesis import example, given
from hypothesis import strategies as st

from yurt.activitypub.errors import SignatureMalformed
from yurt.activitypub.http_signatures.fields import read_dictionary

KEYS = st.sampled_from(["sig", "sig1", "*a", "a-b_c.d*", "Sig", "1a", ""])
TEXTS = st.text(st.sampled_from('ab @-#/:;=(), !~[]^\\"\x7fé\n'), max_size=8).map(lambda text: f'"{text}"')
NUMBERS = st.sampled_from(["0", "007", "1618884473", "999999999999999", "1000000000000000", "-5", "1.5"])
OTHERS = st.sampled_from(["?1", "token", ":AAAA:", "@17", "", '"'])
PARAMETERS = st.lists(
    st.tuples(st.sampled_from([";", "; ", ";;"]), KEYS, st.one_of(TEXTS, NUMBERS, OTHERS)), max_size=4
).map(lambda found: "".join(f"{mark}{key}={value}" for mark, key, value in found))
LISTS = st.tuples(st.lists(TEXTS, max_size=4), st.sampled_from([" ", "  ", ""]), PARAMETERS).map(
    lambda found: f"({found[1].join(found[0])}){found[2]}"
)
BYTES = st.text(st.sampled_from("AZaz09+/=-"), max_size=9).map(lambda text: f":{text}:")
MEMBERS = st.tuples(KEYS, st.sampled_from(["=", " = ", ""]), st.one_of(LISTS, BYTES)).map("".join)
DICTIONARIES = st.lists(MEMBERS, min_size=1, max_size=2).map(", ".join)


class _Twice(Exception):
    """A key comes twice."""


def whole_grammar(value: str) -> DictionaryType | None:
    """What RFC 9651 makes of it; None if it is no dictionary, or one that names something twice."""

    def twice(key: str, _where: str) -> None:
        raise _Twice(key)

    try:
        found = http_sf.parse(value.encode("ascii"), tltype="dictionary", on_duplicate_key=twice)
    except (http_sf.StructuredFieldError, UnicodeEncodeError, _Twice):
        return None
    return found if isinstance(found, dict) else None


@given(DICTIONARIES)
@example('sig=("@method" "@target-uri" "content-digest");created=1618884473;keyid="https://a.example/#k"')
@example('sig=("a");created=1;created=2')
@example("sig=:AAAA:")
@example("sig=:AAA:")
@example("sig=::")
@example("sig=()")
def test_every_dictionary_is_read_as_the_whole_grammar_reads_it(value: str) -> None:
    """No form is taken that the RFC refuses, and none means something else."""
    wanted = whole_grammar(value)

    if wanted is None:
        with pytest.raises(SignatureMalformed):
            read_dictionary("Signature-Input", value)
    else:
        found = read_dictionary("Signature-Input", value)
        assert found == wanted
        assert repr(found) == repr(wanted)
