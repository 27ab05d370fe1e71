"""What the filer of somebody else's dossier may do: one table."""

import pytest

from services.common.filed_as import FiledAs, Right, filer_may


@pytest.mark.req("DF-03", "ID-23")
@pytest.mark.parametrize(
    ("filed_as", "rights"),
    [
        (FiledAs.SELF, set()),
        (FiledAs.HELP, {Right.READ, Right.AMEND, Right.PAY}),
        (FiledAs.AUTHORISED, set(Right)),
        (FiledAs.DESK, set()),
        (FiledAs.POST, set()),
    ],
)
def test_the_rights_of_a_filer(filed_as: FiledAs, rights: set[Right]) -> None:
    assert {right for right in Right if filer_may(filed_as.value, right)} == rights


def test_an_unknown_word_gives_no_right() -> None:
    with pytest.raises(ValueError, match="friend"):
        filer_may("friend", Right.READ)
