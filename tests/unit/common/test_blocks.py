"""Of a block and its removal the one told later counts, in whichever order they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from services.common import blocks
from services.common.slips import Act

FIRST = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


@pytest.mark.req("X-18")
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_latest_word_counts_in_any_order(order: tuple[int, ...]) -> None:
    said = [(FIRST + timedelta(seconds=n), n != 1) for n in range(3)]
    kept: dict[str, object] = {}
    for number in order:
        recorded, blocked = said[number]
        news = blocks.told(kept, "supplement", blocked=blocked, recorded=recorded)  # type: ignore[arg-type]
        kept = kept if news is None else news
    assert blocks.blocked_acts(kept) == {Act.SUPPLEMENT_REQUEST}  # type: ignore[arg-type]


def test_acts_are_apart_and_known_by_their_words() -> None:
    news = blocks.told({}, "guidance", blocked=True, recorded=FIRST) or {}
    news = blocks.told(news, "SUPPLEMENT_REQUEST", blocked=False, recorded=FIRST) or {}
    assert blocks.blocked_acts(news) == {Act.GUIDANCE}
    assert blocks.told(news, "guidance", blocked=False, recorded=FIRST) is None
    with pytest.raises(ValueError, match="no such act"):
        blocks.act_named("refusal")
