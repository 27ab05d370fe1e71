"""The public catalogue is read a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from services.intake import store

DAY = date(2024, 3, 11)


class Catalogue:
    """Answers as the index of versions would, and counts what is taken from it."""

    def __init__(self, codes: int, versions: int = 2) -> None:
        self.rows = [
            {
                "code": f"9.{code:06}", "version": version, "effective_from": "2020-01-01",
                "effective_to": "2023-12-31" if version < versions else None, "search": f"thu tuc {code}",
            }
            for code in range(codes)
            for version in range(1, versions + 1)
        ]  # fmt: skip
        self.taken = 0

    def find(self, collection: str, query: dict[str, Any], **options: Any) -> Iterator[dict[str, Any]]:
        assert (collection, options["sort"]) == ("procedures", [("code", 1), ("version", 1)])
        after = query.get("code", {}).get("$gt", "")
        for row in self.rows:
            if row["code"] > after:
                self.taken += 1
                yield row


def every_page(catalogue: Any, q: str, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor = None
    while True:
        rows, cursor = store.procedures(catalogue, DAY, q, cursor, limit)
        pages.append([row["code"] for row in rows])
        if cursor is None:
            return pages


def test_pages_follow_each_other_without_gap_or_repetition() -> None:
    catalogue = Catalogue(codes=7)
    pages = every_page(catalogue, "", 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [code for page in pages for code in page] == [f"9.{n:06}" for n in range(7)]
    assert store.procedures(catalogue, DAY, "", None, 3)[0][0]["version"] == 2  # type: ignore[arg-type]


def test_a_page_takes_no_more_than_it_shows() -> None:
    catalogue = Catalogue(codes=1000)
    store.procedures(catalogue, DAY, "", None, 20)  # type: ignore[arg-type]
    assert catalogue.taken <= 2 * 20 + 1


def test_a_rare_word_is_looked_for_a_bounded_stretch_at_a_time_and_found() -> None:
    catalogue = Catalogue(codes=700)
    first, cursor = store.procedures(catalogue, DAY, "THỦ TỤC 699", None, 20)  # type: ignore[arg-type]
    assert (first, catalogue.taken) == ([], store.MOST_READ + 1)
    assert cursor is not None
    assert sum(every_page(catalogue, "thủ tục 699", 20), []) == ["9.000699"]
