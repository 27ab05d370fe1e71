"""What must hold after every walk through faults: the tests of the short form and of the long one."""

from __future__ import annotations

from functools import cache

from tests.faults.chaos import BROKER, DATABASE, ROOMS
from tests.faults.reckoning import Reckoning
from tests.faults.walk import POISONED, Walked


@cache
def reckoning(walked: Walked) -> Reckoning:
    return Reckoning.of(walked.auditor, walked.notes)


class AfterFaults:
    """A test module gives the fixture `walked` and says how much must have happened."""

    broker_restarts = 1
    database_kills = 0
    seconds = 0  # within which all was at rest again; 0: it takes what it takes
    rooms_caught = 7  # of eleven: a room that rests most of the time may not be found at work

    def test_every_client_was_answered_to_the_end(self, walked):
        assert [fault for note in walked.notes for fault in note.faults] == []
        assert walked.drawn >= walked.plan.dossiers, "not all were begun in time"
        fates = reckoning(walked).noted
        assert len(fates) >= walked.plan.dossiers + walked.plan.people
        assert set(fates.values()) == set(walked.plan.fates) | {"withdrawn", "returned"}

    def test_it_came_to_rest_in_time(self, walked):
        assert self.seconds == 0 or walked.took <= self.seconds

    def test_rooms_were_killed_in_the_middle_and_the_stores_too(self, walked):
        chaos = walked.chaos
        assert len(chaos.away.get(BROKER, [])) == self.broker_restarts
        assert len(chaos.away.get(DATABASE, [])) == self.database_kills
        assert len(chaos.caught) >= self.rooms_caught, f"caught {dict(chaos.caught)}, not {chaos.missed}"
        assert sorted({*chaos.caught, *chaos.outright}) == sorted(ROOMS)

    def test_every_room_that_was_told_to_stop_under_load_left_nothing_undone(self, walked):
        assert sorted(walked.orderly.stopped) == sorted(ROOMS)
        assert walked.orderly.faults == {}
        assert walked.orderly.in_hand.total() > 0, "no room had work in hand when it was told to stop"

    def test_every_accepted_request_is_there_exactly_once(self, walked):
        assert reckoning(walked).requests() == []

    def test_every_event_was_taken_by_every_room_that_the_contract_names(self, walked):
        assert reckoning(walked).hearing() == []

    def test_every_effect_happened_exactly_once(self, walked):
        assert reckoning(walked).reactions() == []
        assert reckoning(walked).doubled_notices() == []
        assert reckoning(walked).effects() == []

    def test_events_of_one_thing_were_taken_in_their_order(self, walked):
        assert reckoning(walked).order() == []

    def test_the_outside_heard_everything_once_and_in_order(self, walked):
        assert reckoning(walked).outside(walked.world) == []

    def test_a_poison_message_lay_in_the_dead_letters_and_was_sent_again_once_its_cause_was_mended(self, walked):
        [letter] = walked.letters
        assert letter["room"] == POISONED and letter["subject"] == walked.poisoned
        assert letter["type"] == "vn.motcua.dossier.returned.v1"
        assert letter["reason"].startswith("handler: ") and letter["attempts"] >= 3
        assert walked.letters_after == []
        assert walked.auditor.effects(walked.poisoned)["holdings"] == 1

    def test_ledger_queues_and_dead_letters_are_in_order(self, walked):
        assert walked.auditor.faults() == []
