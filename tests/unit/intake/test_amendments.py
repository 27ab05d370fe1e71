"""Versions of a dossier and the update log."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.problems import Problem
from services.intake import amendments, catalogue
from tests.unit.intake.conftest import MONDAY

FIRST = amendments.first_version(
    [{"component": "don", "file_id": "f1", "sha256": "s1"}, {"component": "ban-chup", "file_id": "f2", "sha256": "s2"}],
    by="acc-an",
    at=MONDAY,
)


def amend(versions: list[dict[str, Any]], *changed: tuple[str, str]) -> dict[str, Any]:
    return amendments.next_version(
        versions,
        [{"component": component, "file_id": file, "sha256": f"sha-{file}"} for component, file in changed],
        by="acc-an",
        at=MONDAY + timedelta(hours=len(versions)),
        stage="before_acceptance",
        slip_id=f"HD{len(versions)}",
        note=None,
    )


@pytest.mark.req("GU-08")
def test_only_what_was_asked_for_may_be_changed() -> None:
    amendments.check_answer([{"component": "don"}], ["don", "ban-chup"])
    for rows, field in (
        ([{"component": "don"}, {"component": "ban-chup"}], "components.1.component"),
        ([{"component": "don"}, {"component": "don"}], "components.1.component"),
    ):
        with pytest.raises(Problem) as refused:
            amendments.check_answer(rows, ["don"])
        assert (refused.value.status, refused.value.rule) == (422, "GU-08")
        assert [error["field"] for error in refused.value.errors] == [field]


@pytest.mark.req("GU-08")
def test_the_same_bytes_are_no_answer() -> None:
    with pytest.raises(Problem) as refused:
        amendments.refuse_unchanged([{"component": "don", "file_id": "other", "sha256": "s1"}], FIRST)
    assert refused.value.rule == "GU-08"
    amendments.refuse_unchanged([{"component": "don", "file_id": "other", "sha256": "s2"}], FIRST)


@pytest.mark.req("GU-10")
def test_three_amendments_make_four_versions_and_keep_the_files() -> None:
    versions = [FIRST]
    for number in range(1, 4):
        before = copy.deepcopy(versions)
        versions.append(amend(versions, ("ban-chup", f"g{number}")))
        assert versions[:-1] == before
    assert [version["dossier_version"] for version in versions] == [1, 2, 3, 4]
    assert [entry["file_id"] for entry in versions[-1]["components"]] == ["f1", "g3"]
    assert amendments.all_files(versions) == {"f1", "f2", "g1", "g2", "g3"}


def test_a_component_that_was_not_there_is_added() -> None:
    assert [e["component"] for e in amend([FIRST], ("cam-ket", "g1"))["components"]] == ["don", "ban-chup", "cam-ket"]


@pytest.mark.req("GU-13")
def test_the_log_says_who_when_what_and_which_version(dossier: dict[str, Any]) -> None:
    versions = [FIRST]
    versions.append(amend(versions, ("ban-chup", "g1")))
    log = amendments.update_log(versions, catalogue.component_names(dossier["fixed"]))
    assert [(entry["component"], entry["dossier_version"]) for entry in log] == [
        ("don", 1),
        ("ban-chup", 1),
        ("ban-chup", 2),
    ]
    last = log[-1]
    assert (last["who"], last["at"], last["name"]) == ("acc-an", MONDAY + timedelta(hours=1), "Bản chụp giấy tờ")
    assert (last["former_file_id"], last["file_id"], last["slip_id"]) == ("f2", "g1", "HD1")


@given(st.lists(st.sets(st.sampled_from(["don", "ban-chup", "cam-ket"]), min_size=1), max_size=6))
def test_each_version_differs_from_the_former_by_its_changes(rounds: list[set[str]]) -> None:
    versions = [FIRST]
    for number, changed in enumerate(rounds):
        versions.append(amend(versions, *((component, f"{component}{number}") for component in sorted(changed))))
    for former, version in zip(versions, versions[1:], strict=False):
        held = {entry["component"]: entry["file_id"] for entry in former["components"]}
        now = {entry["component"]: entry["file_id"] for entry in version["components"]}
        assert {component for component in now if held.get(component) != now[component]} == set(version["changed"])
        assert set(held) <= set(now)
