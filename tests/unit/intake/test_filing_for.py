"""In whose name a dossier is filed, who may do what with it, and the digest of what was declared."""

import copy
from typing import Any

import pytest

from services.common.actors import Actor, Grant
from services.common.filed_as import FiledAs, Right
from services.common.problems import Problem, field_error, invalid
from services.intake import access, filing_for, grants, submission, telling, views
from services.intake.dossier import Command, State, find
from services.intake.listening import relinked
from services.intake.migrations import say_for_whom
from tests.unit.intake.conftest import MONDAY

Row = dict[str, Any]
WHO = {"full_name": "Trần Thị Tư", "birth_date": "1950-01-02", "id_number": "046150000001"}


def asked(**given: Row) -> Row:
    return {"beneficiary": None, "authorisation": None} | given


def citizen(person: str, subject: str = "acc-x") -> Actor:
    return Actor(subject, person, (Grant("citizen", "*"),))


def helped(dossier: Row, filed_as: FiledAs = FiledAs.HELP) -> Row:
    """An's dossier, filed by Chi."""
    dossier.update(filer="per-chi", filed_as=filed_as.value)
    dossier["versions"][0]["by"] = "acc-chi"
    return dossier


@pytest.mark.req("DF-02", "ID-23")
def test_one_of_two_ways_or_none() -> None:
    assert filing_for.for_whom(asked()) == (FiledAs.SELF, None)
    assert filing_for.for_whom(asked(beneficiary=WHO)) == (FiledAs.HELP, "beneficiary")
    assert filing_for.for_whom(asked(authorisation=WHO)) == (FiledAs.AUTHORISED, "authorisation")
    with pytest.raises(Problem) as refused:
        filing_for.for_whom(asked(beneficiary=WHO, authorisation=WHO))
    assert (refused.value.status, refused.value.rule) == (422, "DF-02")


@pytest.mark.req("ID-23")
def test_no_authorisation_without_its_paper() -> None:
    assert filing_for.need_paper({**WHO, "file_id": "f"}) == "f"
    with pytest.raises(Problem) as refused:
        filing_for.need_paper({**WHO, "file_id": None})
    assert (refused.value.status, refused.value.rule) == (422, "ID-23")
    assert [error["field"] for error in refused.value.errors] == ["authorisation.file_id"]


@pytest.mark.req("DF-02")
def test_identitys_refusal_names_the_field_as_it_was_sent() -> None:
    problem = invalid(field_error("id_number", "Sai", "Wrong", "DF-05"))
    told = filing_for.named(problem, "beneficiary")
    assert (told.status, told.rule) == (422, "DF-05")
    assert [error["field"] for error in told.errors] == ["beneficiary.id_number"]
    assert problem.errors[0]["field"] == "id_number"


@pytest.mark.req("DF-03", "ID-23")
@pytest.mark.parametrize("filed_as", list(FiledAs))
@pytest.mark.parametrize("right", list(Right))
def test_owner_filer_and_stranger(dossier: Row, filed_as: FiledAs, right: Right) -> None:
    helped(dossier, filed_as)
    assert access.check_applicant(citizen("per-an"), "per-an", dossier, right) is dossier
    with pytest.raises(Problem) as refused:
        access.check_applicant(citizen("per-x"), "per-x", dossier, right)
    assert refused.value.status == 404
    allowed = {FiledAs.AUTHORISED: set(Right), FiledAs.HELP: {Right.READ, Right.AMEND, Right.PAY}}.get(filed_as, set())
    if right in allowed:
        assert access.check_applicant(citizen("per-chi"), "per-chi", dossier, right) is dossier
        return
    with pytest.raises(Problem) as refused:
        access.check_applicant(citizen("per-chi"), "per-chi", dossier, right)
    assert refused.value.status == (403 if filed_as is FiledAs.HELP else 404)


@pytest.mark.req("DF-03")
def test_a_helper_opens_what_he_sent_and_nothing_that_the_owner_sent(dossier: Row) -> None:
    helped(dossier)
    theirs = {"component": "ban-chup", "file_id": "c" * 32, "sha256": "3" * 64}
    row = find(State.GUIDED, Command.AMEND)
    grants.amend(dossier, row, [theirs], by="acc-an", at=MONDAY, stage="before_acceptance", slip_id=None, note=None)
    chi, an = citizen("per-chi", "acc-chi"), citizen("per-an", "acc-an")
    for file_id in ("a" * 32, "b" * 32):
        access.check_file(chi, "per-chi", dossier, file_id, slips=())
    access.check_file(chi, "per-chi", dossier, "s" * 32, slips=("s" * 32,))
    with pytest.raises(Problem) as refused:
        access.check_file(chi, "per-chi", dossier, "c" * 32, slips=())
    assert (refused.value.status, refused.value.rule) == (403, "DF-03")
    access.check_file(an, "per-an", dossier, "c" * 32, slips=())
    dossier["filed_as"] = FiledAs.AUTHORISED.value
    access.check_file(chi, "per-chi", dossier, "c" * 32, slips=())


@pytest.mark.req("DF-03")
def test_papers_are_for_everybody_who_may_read_but_a_helper(dossier: Row) -> None:
    officer = Actor("acc-o", "per-o", (Grant("desk_officer", dossier["desk"]),))
    helped(dossier)
    assert not access.may_have_papers(citizen("per-chi"), "per-chi", dossier)
    assert access.may_have_papers(citizen("per-an"), "per-an", dossier)
    assert access.may_have_papers(officer, "per-o", dossier)
    assert access.may_have_papers(citizen("per-chi"), "per-chi", helped(dossier, FiledAs.AUTHORISED))
    # An officer who typed it in reads it by his grant, also where he is its filer.
    assert access.may_have_papers(officer, "per-chi", helped(dossier, FiledAs.DESK))


@pytest.mark.req("ID-10", "DF-04")
def test_whose_dossier_it_is_after_a_normalization(dossier: Row) -> None:
    own = copy.deepcopy(dossier) | {"number_verified": False}
    assert relinked(own, "per-new", "per-an")
    assert (own["owner"], own["filer"], own["number_verified"]) == ("per-new", "per-new", True)
    assert not relinked(own, "per-new", "per-an"), "told again: nothing changes"

    for_another = helped(copy.deepcopy(dossier)) | {"number_verified": False}
    assert relinked(for_another, "per-chi-new", "per-chi"), "the helper was confirmed, not the owner"
    assert (for_another["owner"], for_another["filer"], for_another["number_verified"]) == (
        "per-an", "per-chi-new", False,
    )  # fmt: skip
    assert relinked(for_another, "per-an", "per-account"), "the owner's account came to the person of the three data"
    assert (for_another["owner"], for_another["filer"], for_another["number_verified"]) == (
        "per-an", "per-chi-new", True,
    )  # fmt: skip


@pytest.mark.req("SE-08")
def test_the_digest_covers_everything_that_was_declared(dossier: Row) -> None:
    version = dossier["versions"][0]
    kept = version["submission"]
    assert (kept["statement"], kept["owner"]) == ("2024", "per-an")
    assert submission.submission(dossier, version, confirmed=True) == kept
    shown = submission.shown(kept)
    assert shown is not None and shown["statement_vi"].startswith("Tôi xin cam đoan")
    assert submission.shown(None) is None
    others = []
    for name, other in (("desk", "x"), ("owner", "x"), ("pickup", "desk"), ("filed_as", "help"), ("unit", "x"),
                        ("procedure", "x"), ("fixed", {"procedure_version": 2})):  # fmt: skip
        others.append(submission.submission({**dossier, name: other}, version, confirmed=True)["sha256"])
    changed = {**version, "components": [{**version["components"][0], "sha256": "9" * 64}, version["components"][1]]}
    others.append(submission.submission(dossier, changed, confirmed=True)["sha256"])
    assert len({kept["sha256"], *others}) == len(others) + 1


@pytest.mark.req("SE-08")
def test_an_amendment_has_a_digest_of_its_own_and_the_statement_where_it_was_accepted(dossier: Row) -> None:
    row = find(State.GUIDED, Command.AMEND)
    given = [{"component": "don", "file_id": "d" * 32, "sha256": "4" * 64}]
    for confirmed in (False, True):
        grants.amend(dossier, row, given, by="acc-an", at=MONDAY, stage="before_acceptance", slip_id=None, note=None,
                     confirmed=confirmed)  # fmt: skip
    digests = [version["submission"]["sha256"] for version in dossier["versions"]]
    assert len(set(digests)) == 3
    assert [version["submission"]["statement"] for version in dossier["versions"]] == ["2024", None, "2024"]
    assert telling.amended(dossier, given)["submission_sha256"] == digests[-1]
    assert [row["submission"]["sha256"] for row in views.versions(dossier)["items"]] == digests


class Collection:
    """Only what the migration asks of a collection."""

    def __init__(self) -> None:
        self.asked: list[tuple[Row, Row]] = []

    def update_many(self, query: Row, change: Row) -> None:
        self.asked.append((query, change))


def test_former_dossiers_were_everybodys_own() -> None:
    dossiers = Collection()
    store: Any = type("Store", (), {"collection": lambda self, name: dossiers})()
    say_for_whom(store)
    assert [change["$set"] for _, change in dossiers.asked] == [
        {"filed_as": "self", "authorisation": None}, {"versions.$[].submission": None},
    ]  # fmt: skip
    assert all("$exists" in str(query) for query, _ in dossiers.asked), "it may run again"
