"""The state machine: exactly the rows of the table, nothing else."""

from itertools import product
from pathlib import Path

import pytest

from services.common.expected_signer import Signing
from services.common.problems import Problem
from services.common.slips import Act
from services.intake import acceptance
from services.intake.dossier import (
    GRANTED,
    TABLE,
    Command,
    Facts,
    State,
    commands_from,
    diagram,
    find,
    move,
    needs_processing,
)

ROWS = {(row.source, row.command): row for row in TABLE}
#: Facts under which every guard lets pass.
PASSING = Facts(granted=True)


def test_a_state_and_a_command_have_one_row() -> None:
    assert len(ROWS) == len(TABLE)


@pytest.mark.req("IN-19")
@pytest.mark.parametrize(("source", "command"), list(product([None, *State], Command)))
def test_what_is_not_in_the_table_is_refused(source: State | None, command: Command) -> None:
    row = ROWS.get((source, command))
    if row is not None:
        assert move(source, command, PASSING) is row
        return
    with pytest.raises(Problem) as refused:
        move(source, command, PASSING)
    assert refused.value.status == 409
    assert refused.value.rule is not None
    assert refused.value.extra["allowed"] == [allowed.value for allowed in commands_from(source)]


@pytest.mark.req("IN-19")
def test_the_desk_has_three_answers_to_a_newly_registered_dossier() -> None:
    answers = {Command.ACCEPT, Command.GUIDE, Command.REFUSE}
    assert answers == set(commands_from(State.REGISTERED)) - {Command.WITHDRAW}
    for state in set(State) - {State.REGISTERED}:
        assert not answers.intersection(commands_from(state))


def test_each_transition_tells_the_event_of_its_command() -> None:
    events = {row.command: {r.event for r in TABLE if r.command is row.command} for row in TABLE}
    assert all(len(told) == 1 for told in events.values())
    assert len({event for told in events.values() for event in told}) == len(events)


@pytest.mark.req("X-19")
@pytest.mark.parametrize("command", commands_from(State.ACCEPTED))
def test_after_acceptance_nothing_moves_without_processing(command: Command) -> None:
    row = find(State.ACCEPTED, command)
    assert needs_processing(row)
    assert row.guard is GRANTED
    with pytest.raises(Problem) as refused:
        move(State.ACCEPTED, command, Facts(granted=False))
    assert (refused.value.status, refused.value.rule) == (409, "X-19")


def test_before_acceptance_processing_is_not_asked() -> None:
    assert not any(needs_processing(row) for row in TABLE if row.source is not State.ACCEPTED)


@pytest.mark.req("MO-11", "X-18")
def test_blocked_guidance_leaves_the_other_answers_open() -> None:
    blocked = Facts(blocked={Act.GUIDANCE})
    with pytest.raises(Problem) as refused:
        move(State.REGISTERED, Command.GUIDE, blocked)
    assert (refused.value.status, refused.value.rule) == (409, "MO-11")
    for command in set(commands_from(State.REGISTERED)) - {Command.GUIDE}:
        assert move(State.REGISTERED, command, blocked).command is command
    assert move(State.REGISTERED, Command.GUIDE, Facts(blocked={Act.SUPPLEMENT_REQUEST})).target is State.GUIDED


@pytest.mark.req("SG-10", "IN-03")
def test_a_plain_copy_of_what_must_be_signed_is_accepted_with_a_note_only() -> None:
    with pytest.raises(Problem) as refused:
        move(State.REGISTERED, Command.ACCEPT, Facts(unsigned=["don"]))
    assert [(error["field"], error["rule"]) for error in refused.value.errors] == [("note", "SG-10")]
    assert move(State.REGISTERED, Command.ACCEPT, Facts(unsigned=["don"], note="Có bản giấy")).target is State.ACCEPTED
    assert move(State.REGISTERED, Command.ACCEPT, Facts()).target is State.ACCEPTED


@pytest.mark.req("SG-01", "X-22")
@pytest.mark.parametrize(
    ("filed_as", "don", "copy", "expected"),
    [
        ("self", None, "NO_SIGNATURE", None),
        ("self", "TOTAL_PASSED", None, None),  # whether it is signed is known after the check only
        ("desk", None, "NO_SIGNATURE", None),
        ("desk", "NO_SIGNATURE", None, []),  # a scan of paper, and no signature is asked for
        ("self", "INDETERMINATE", "INDETERMINATE", ["don"]),
        ("self", "TOTAL_PASSED", "NO_SIGNATURE", []),
        ("self", "TOTAL_FAILED", "TOTAL_FAILED", []),  # another rule's
    ],
)
def test_no_component_is_accepted_before_its_signature_was_looked_at(
    filed_as: str, don: str | None, copy: str | None, expected: list[str] | None
) -> None:
    parts = [{"component": "don", "phai_ky_so": True}, {"component": "ban-chup", "phai_ky_so": False}]
    files = [{"component": part["component"], "file_id": part["component"]} for part in parts]
    dossier = {"fixed": {"components": parts}, "versions": [{"components": files}], "filed_as": filed_as}
    verdicts = {"don": don, "ban-chup": copy}
    if expected is not None:
        assert acceptance.undecided_signatures(dossier, verdicts) == expected
        return
    with pytest.raises(Problem) as refused:
        acceptance.undecided_signatures(dossier, verdicts)
    assert (refused.value.status, refused.value.rule) == (503, "SG-01")


@pytest.mark.req("SG-10")
@pytest.mark.parametrize(
    ("verdict", "whose", "confirmed", "asked", "expected"),
    [
        ("NO_SIGNATURE", None, True, False, ["don"]),
        ("TOTAL_FAILED", None, True, False, ["don"]),
        ("TOTAL_PASSED", Signing.WRONG_SIGNER, True, False, ["don"]),
        ("TOTAL_PASSED", Signing.BY_APPLICANT, True, False, []),
        ("TOTAL_PASSED", Signing.WRONG_SIGNER, False, False, []),  # nobody can say who the owner is
        ("NO_SIGNATURE", None, True, True, []),  # its paper was asked for
        ("INDETERMINATE", None, True, False, []),  # X-22 asks for its own note
    ],
)
def test_what_must_be_signed_and_is_a_plain_copy(
    verdict: str, whose: Signing | None, confirmed: bool, asked: bool, expected: list[str]
) -> None:
    dossier = {
        "fixed": {
            "components": [{"component": "don", "phai_ky_so": True}, {"component": "ban-chup", "phai_ky_so": False}]
        },
        "versions": [{"components": [{"component": name, "file_id": name} for name in ("don", "ban-chup")]}],
        "paper_asked": [{"component": "don"}] if asked else [],
        "number_verified": confirmed,
        "filed_as": "self",
    }

    def ask(file_id: str) -> Signing:
        assert whose is not None, "asked about a file that is not validly signed"
        return whose

    assert acceptance.unsigned(dossier, {"don": verdict, "ban-chup": "NO_SIGNATURE"}, ask) == expected
    assert acceptance.unsigned(dossier | {"filed_as": "desk"}, {"don": "NO_SIGNATURE"}, ask) == []  # paper lay there


@pytest.mark.req("X-22")
def test_an_undetermined_signature_is_accepted_with_a_note_only() -> None:
    with pytest.raises(Problem) as refused:
        move(State.REGISTERED, Command.ACCEPT, Facts(undecided=["don"], note="  "))
    assert refused.value.status == 422
    assert [(error["field"], error["rule"]) for error in refused.value.errors] == [("note", "X-22")]
    assert (
        move(State.REGISTERED, Command.ACCEPT, Facts(undecided=["don"], note="Đã đối chiếu")).target is State.ACCEPTED
    )


def test_the_diagram_shows_every_row_and_every_end() -> None:
    lines = diagram().splitlines()
    for row in TABLE:
        source = row.source.value if row.source else "[*]"
        start = f"    {source} --> {row.target.value}: {row.command.value}"
        assert sum(line.startswith(start) and line.endswith(row.event) for line in lines) == 1
    assert {line.split()[0] for line in lines if line.endswith("--> [*]")} == {"refused", "withdrawn", "returned"}


def test_the_readme_shows_this_diagram() -> None:
    readme = Path(__file__).parents[3] / "services" / "intake" / "README.md"
    assert diagram() in readme.read_text(encoding="utf-8")
