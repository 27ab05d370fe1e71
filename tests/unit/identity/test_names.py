import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.names import Bridged, Differs, compare_names, normalized_name, same_name

WORDS = ["Nguyễn", "Thị", "Hòa", "Hoà", "Thúy", "Thuý", "Khoẻ", "Khỏe", "Đặng", "Hoàn", "Quý", "Huế", "Văn", "Van", "H"]


@pytest.mark.req("ID-03")
@pytest.mark.parametrize(
    ("one", "other", "bridged"),
    [
        ("Nguyễn Thị Hòa", "Nguyễn Thị Hòa", set()),
        ("Nguyễn Thị Hòa", "NGUYỄN THỊ HÒA", {Bridged.CASE}),
        ("Nguyễn Thị Hòa", " Nguyễn  Thị\u00a0Hòa ", {Bridged.SPACES}),
        ("Nguyễn Thị Hòa", unicodedata.normalize("NFD", "Nguyễn Thị Hòa"), {Bridged.UNICODE}),
        ("Nguyễn Thị Hòa", "Nguyễn Thị Hoà", {Bridged.TONE_PLACEMENT}),
        ("Nguyễn Thị Thúy", "NGUYỄN  THỊ THUÝ", {Bridged.CASE, Bridged.SPACES, Bridged.TONE_PLACEMENT}),
        ("Trần Văn Khoẻ", "Trần Văn Khỏe", {Bridged.TONE_PLACEMENT}),
        ("Lê Qúy", "Lê Quý", {Bridged.TONE_PLACEMENT}),
        ("Nguyễn\u200b Hòa", "Nguyễn Hòa", {Bridged.UNICODE}),
        ("\u00d0ặng Văn An", "Đặng Văn An", {Bridged.UNICODE}),
        ("\u00f0ặng văn an", "Đặng Văn An", {Bridged.UNICODE, Bridged.CASE}),
        ("\u0189ỗ Hòa", "ĐỖ HOÀ", {Bridged.UNICODE, Bridged.CASE, Bridged.TONE_PLACEMENT}),
    ],
)
def test_the_same_name_written_otherwise(one: str, other: str, bridged: set[Bridged]) -> None:
    match = compare_names(one, other)
    assert match.same and match.bridged == bridged and match.differs is None
    assert match.text == ("Họ tên trùng khớp", "The names match")


@pytest.mark.req("ID-03")
@pytest.mark.parametrize(
    ("one", "other", "differs", "words"),
    [
        ("Nguyễn Thị Hoa", "Nguyễn Thị Hòa", Differs.DIACRITICS, (3,)),
        ("Nguyen Thi Hoa", "Nguyễn Thị Hoa", Differs.DIACRITICS, (1, 2)),
        ("Dang Văn An", "Đặng Văn An", Differs.DIACRITICS, (1,)),
        ("Nguyễn Văn Hóa", "Nguyễn Văn Hòa", Differs.DIACRITICS, (3,)),
        ("Nguyễn Văn An", "Nguyễn Văn Anh", Differs.LETTERS, (3,)),
        ("Nguyễn An", "Nguyễn Văn An", Differs.NUMBER_OF_WORDS, ()),
        ("Văn An Nguyễn", "Nguyễn Văn An", Differs.LETTERS, (1, 2, 3)),
        ("", "", Differs.EMPTY, ()),
        ("Nguyễn An", " ", Differs.EMPTY, ()),
    ],
)
def test_another_name(one: str, other: str, differs: Differs, words: tuple[int, ...]) -> None:
    match = compare_names(one, other)
    assert not match.same and (match.differs, match.words) == (differs, words)
    assert all(match.text)


def test_an_explanation_never_repeats_a_name() -> None:
    match = compare_names("Nguyễn Văn Thử", "Nguyễn Văn Khác")
    assert "Thử" not in repr(match) + "".join(match.text) and match.words == (3,)


@pytest.mark.parametrize(("word", "expected"), [("hoàn", "hoàn"), ("hoài", "hoài"), ("xoáy", "xoáy"), ("thuỳ", "thùy")])
def test_only_open_syllables_have_two_spellings(word: str, expected: str) -> None:
    assert normalized_name(word) == expected


names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)


@given(st.text() | names)
def test_normalizing_is_idempotent(name: str) -> None:
    assert normalized_name(normalized_name(name)) == normalized_name(name)


@given(st.text() | names, st.text() | names)
def test_comparing_is_symmetric(one: str, other: str) -> None:
    assert compare_names(one, other) == compare_names(other, one)


@given(names, st.sampled_from([str.upper, str.lower, str.title, lambda t: unicodedata.normalize("NFD", t), str.split]))
def test_a_name_stays_itself_however_it_is_typed(name: str, typed: object) -> None:
    assert callable(typed)
    result = typed(name)
    assert same_name(name, "  ".join(result) if isinstance(result, list) else result)


@given(names, names, names)
def test_being_the_same_is_transitive(one: str, two: str, three: str) -> None:
    assert not (same_name(one, two) and same_name(two, three)) or same_name(one, three)
