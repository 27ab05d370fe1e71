"""For each alert: series under which it fires, with the labels that it then carries, and a control that looks alike
and under which it stays silent. Values are promtool's notation, one a minute: `0+3x20` grows by 3 twenty times."""

from __future__ import annotations

from dataclasses import dataclass

Series = dict[str, str]


@dataclass(frozen=True)
class Case:
    """`at`: minutes from the first value, when both are looked at."""

    alert: str
    at: int
    fires: Series
    labels: dict[str, str]
    control: Series
    severity: str = "warning"


def _p95(metric: str, labels: str, slow: int) -> Series:
    """A histogram that grows by 100 a minute, of which `slow` take longer than 5 s."""
    return {
        f'{metric}_bucket{{{labels},le="1"}}': f"0+{100 - slow}x30",
        f'{metric}_bucket{{{labels},le="5"}}': f"0+{100 - slow}x30",
        f'{metric}_bucket{{{labels},le="10"}}': "0+100x30",
        f'{metric}_bucket{{{labels},le="+Inf"}}': "0+100x30",
    }


def _http(**per_minute: int) -> Series:
    return {
        f'motcua_http_seconds_count{{room="gateway",route="/a",status="{name[1:]}"}}': f"0+{count}x30"
        for name, count in per_minute.items()
    }


def _refused(per_minute: int) -> Series:
    return {'motcua_calls_refused_total{room="gateway",called="intake"}': f"0+{per_minute}x30"}


_RPC = "motcua_rpc_seconds_count"
CRITICAL = "critical"
ROOM = {"room": "intake"}
_UP = 'job="motcua",room="intake",instance="i:1"'

CASES = [
    # --- rooms
    Case("RoomDown", 3, {f"up{{{_UP}}}": "1 0x10"}, {"job": "motcua", "instance": "i:1"} | ROOM,
         {f"up{{{_UP}}}": "1 1 1 0 1"}, CRITICAL),
    Case("RoomNotReady", 5, {'motcua_ready{room="intake"}': "1 0x10"}, ROOM,
         {'motcua_ready{room="intake"}': "1 0 1x10"}, CRITICAL),
    Case("RoomRestarts", 12, {f"process_start_time_seconds{{{_UP}}}": "1 1 2 2 3 3 4 4 5 5 5 5 5"}, ROOM,
         {f"process_start_time_seconds{{{_UP}}}": "1 1 2 2 3x10"}),
    Case("RequestFaults", 20, {f'{_RPC}{{room="intake",method="intake.file",outcome="fault"}}': "_x15 1x10"},
         ROOM | {"method": "intake.file"},
         # the one fault is an hour old, and refusals are no faults
         {f'{_RPC}{{room="intake",method="intake.file",outcome="fault"}}': "1x30",
          f'{_RPC}{{room="intake",method="intake.file",outcome="refused"}}': "0+9x30"}),
    Case("RequestsUnavailable", 15, {f'{_RPC}{{room="intake",outcome="ok"}}': "0+90x30",
                                     f'{_RPC}{{room="intake",outcome="unavailable"}}': "0+10x30"}, ROOM,
         {f'{_RPC}{{room="intake",outcome="ok"}}': "0+97x30",
          f'{_RPC}{{room="intake",outcome="unavailable"}}': "0+3x30"}),
    Case("RequestsSlow", 20, _p95("motcua_rpc_seconds", 'room="intake",method="intake.file",outcome="ok"', 10), ROOM,
         _p95("motcua_rpc_seconds", 'room="intake",method="intake.file",outcome="ok"', 2)),
    Case("WorkStuck", 15, {'motcua_work_in_hand{room="intake",instance="i:1",kind="all"}': "3x30",
                           f'{_RPC}{{room="intake",instance="i:1",outcome="ok"}}': "7x30"},
         ROOM | {"instance": "i:1"},
         {'motcua_work_in_hand{room="intake",instance="i:1",kind="all"}': "3x30",
          f'{_RPC}{{room="intake",instance="i:1",outcome="ok"}}': "0+7x30"}, CRITICAL),
    Case("TimerLate", 12, {'motcua_timer_lag_seconds{room="payment",timer="ask_provider"}': "0 100+60x20"},
         {"room": "payment", "timer": "ask_provider"},
         # the clock of a rehearsal was moved by a day: late for one look
         {'motcua_timer_lag_seconds{room="payment",timer="ask_provider"}': "0 86000 0x20"}, CRITICAL),
    Case("TimerFails", 10, {'motcua_timer_seconds_count{room="postal",timer="send_orders",outcome="again"}': "0+1x20"},
         {"room": "postal", "timer": "send_orders"},
         {'motcua_timer_seconds_count{room="postal",timer="send_orders",outcome="again"}': "0 1 2x20",
          'motcua_timer_seconds_count{room="postal",timer="send_orders",outcome="ok"}': "0+60x20"}),
    Case("WorkersDie", 10,
         {'motcua_worker_jobs_total{room="signing",pool="signing_patient",outcome="deadline"}': "0+1x20"},
         {"room": "signing", "pool": "signing_patient"},
         {'motcua_worker_jobs_total{room="signing",pool="signing_patient",outcome="deadline"}': "0 1 2x20",
          'motcua_worker_jobs_total{room="signing",pool="signing_patient",outcome="ok"}': "0+9x20",
          # what is costly moves on to the patient lane
          'motcua_worker_jobs_total{room="signing",pool="signing",outcome="died"}': "0+1x20"}),
    Case("MemoryHigh", 15, {f"process_resident_memory_bytes{{{_UP}}}": "900000000x30"},
         {"job": "motcua", "instance": "i:1"} | ROOM, {f"process_resident_memory_bytes{{{_UP}}}": "700000000x30"}),
    # --- bus
    Case("OutboxLag", 4, {'motcua_outbox_lag_seconds{room="intake"}': "0 60+60x20"}, ROOM,
         {'motcua_outbox_lag_seconds{room="intake"}': "0 60 2 60 2 60 2"}, CRITICAL),
    Case("RelayWithoutLeader", 4, {'motcua_relay_leader{room="intake",instance="i:1"}': "0x10",
                                   'motcua_relay_leader{room="intake",instance="i:2"}': "0x10"}, ROOM,
         {'motcua_relay_leader{room="intake",instance="i:1"}': "1x10",
          'motcua_relay_leader{room="intake",instance="i:2"}': "0x10",
          'motcua_relay_leader{room="gateway",instance="g:1"}': "0x10"}, CRITICAL),
    Case("DeadLetters", 2, {'motcua_queue_messages{room="intake",queue="evt.intake.dead"}': "0 1x10"},
         {"queue": "evt.intake.dead"},
         {'motcua_queue_messages{room="intake",queue="evt.intake.dead"}': "0x10",
          'motcua_queue_messages{room="intake",queue="evt.intake"}': "9x10"}, CRITICAL),
    Case("QueueWithoutConsumer", 5, {'motcua_queue_consumers{room="intake",queue="evt.intake"}': "1 0x10"},
         {"queue": "evt.intake"},
         {'motcua_queue_consumers{room="intake",queue="evt.intake"}': "1 0 1x10",
          'motcua_queue_consumers{room="intake",queue="evt.intake.dead"}': "0x10",
          'motcua_queue_consumers{room="intake",queue="evt.intake.retry.5s"}': "0x10",
          'motcua_queue_consumers{room="identity",queue="evt.identity"}': "0x10"}, CRITICAL),
    Case("QueueGrows", 10, {'motcua_queue_messages{room="intake",queue="evt.intake"}': "0 2000x20"},
         {"queue": "evt.intake"}, {'motcua_queue_messages{room="intake",queue="evt.intake"}': "0 2000 900x20"}),
    Case("QueueNearlyFull", 2, {'motcua_queue_messages{room="intake",queue="rpc-intake"}': "6000x20"},
         {"queue": "rpc-intake"}, {'motcua_queue_messages{room="intake",queue="evt.intake"}': "6000x20"}, CRITICAL),
    Case("RetriesPile", 15, {'motcua_queue_messages{room="intake",queue="evt.intake.retry.30s"}': "200x20"},
         {"queue": "evt.intake.retry.30s"},
         {'motcua_queue_messages{room="intake",queue="evt.intake.retry.30s"}': "90x20"}),
    Case("EventsParked", 10, {'motcua_inbox_parked_age_seconds{room="payment"}': "500+60x20"}, {"room": "payment"},
         {'motcua_inbox_parked_age_seconds{room="payment"}': "500 560 0x20"}),
    Case("PublishesRefused", 12, {'motcua_publish_failures_total{room="intake",queue="motcua.events"}': "0+1x20"},
         ROOM | {"queue": "motcua.events"},
         {'motcua_publish_failures_total{room="intake",queue="motcua.events"}': "0 1x20"}),
    Case("BrokerReconnects", 12, {'motcua_broker_reconnects_total{room="intake",link="intake.rpc"}': "0+1x20"}, ROOM,
         {'motcua_broker_reconnects_total{room="intake",link="intake.rpc"}': "0 4x20"}),
    # --- gateway
    # 300 of the 503 were given for want of a place
    Case("GatewayErrors", 15, _http(s200=95, s503=305) | _refused(300), {}, _http(s200=99, s503=301) | _refused(300),
         CRITICAL),
    Case("GatewayRefusals", 20, _http(s200=80, s503=20) | _refused(20), {},
         _http(s200=80, s429=4, s404=10, s503=6) | _refused(4)),
    Case("GatewaySlow", 20, _p95("motcua_http_seconds", 'room="gateway",route="/api/v1/dossiers"', 10), {},
         _p95("motcua_http_seconds", 'room="gateway",route="/api/v1/uploads"', 50)
         | _p95("motcua_http_seconds", 'room="vault",route="/files"', 50)
         | _p95("motcua_http_seconds", 'room="gateway",route="/api/v1/dossiers"', 2)),
    # --- duties
    Case("LedgerHeadsBehind", 6, {'motcua_ledger_sequence{room="oversight"}': "0+10x20",
                                  'motcua_ledger_anchored{room="oversight"}': "0x20"}, {"room": "oversight"},
         {'motcua_ledger_sequence{room="oversight"}': "0+10x20", 'motcua_ledger_anchored{room="oversight"}': "0+10x20"},
         CRITICAL),
    Case("LedgerContradicted", 1, {'motcua_ledger_contradicted{room="oversight"}': "1x5"}, {"room": "oversight"},
         {'motcua_ledger_contradicted{room="oversight"}': "0x5"}, CRITICAL),
    Case("IntakeLate", 5, {'motcua_intake_late_total{room="oversight"}': "0 0 1x9"}, {},
         {'motcua_intake_late_total{room="oversight"}': "4x10"}),
    Case("NoticesFail", 20, {'motcua_notices_total{room="notifier",channel="sms",state="failed"}': "_x16 1x10"},
         {"channel": "sms"}, {'motcua_notices_total{room="notifier",channel="sms",state="failed"}': "3x30",
                              'motcua_notices_total{room="notifier",channel="sms",state="delivered"}': "0+5x30"}),
    Case("CodesNotSent", 10, {'motcua_codes_total{room="notifier",outcome="unavailable"}': "0+1x20"},
         {"outcome": "unavailable"}, {'motcua_codes_total{room="notifier",outcome="unavailable"}': "0 2x20",
                                      'motcua_codes_total{room="notifier",outcome="sent"}': "0+9x20"}, CRITICAL),
    Case("PaymentsUnreconciled", 20, {"motcua_payment_open_orders": "4x30",
                                      'motcua_payment_questions_total{outcome="unavailable"}': "0+1x30",
                                      'motcua_payment_questions_total{outcome="answered"}': "9x30"}, {},
         # people who leave the provider's page are unknown there: that is an answer
         {"motcua_payment_open_orders": "4x30", 'motcua_payment_questions_total{outcome="unavailable"}': "0+1x30",
          'motcua_payment_questions_total{outcome="unknown"}': "0+1x30"}, CRITICAL),
    Case("PaymentMismatch", 5, {'motcua_payment_questions_total{outcome="differs"}': "0x10",
                                'motcua_payment_messages_total{answer="04"}': "0 0 1x9"}, {},
         {'motcua_payment_questions_total{outcome="differs"}': "0x10",
          'motcua_payment_messages_total{answer="04"}': "0x10", 'motcua_payment_messages_total{answer="00"}': "0+5x9"},
         CRITICAL),
    Case("PaymentMessagesUnsigned", 10, {'motcua_payment_messages_total{answer="97"}': "0+1x20"}, {},
         {'motcua_payment_messages_total{answer="97"}': "0 1x20",
          'motcua_payment_messages_total{answer="02"}': "0+9x20"}),
    Case("PortalUndelivered", 40, {'motcua_portal_undelivered{room="exchange"}': "0 7x60"}, {},
         {'motcua_portal_undelivered{room="exchange"}': "7x20 0 7x60"}),
    Case("PortalStatusMissing", 15, {'motcua_portal_waiting_overdue{room="exchange"}': "0 1x60"}, {},
         {'motcua_portal_waiting_overdue{room="exchange"}': "0 1 1 0x60"}, CRITICAL),
    Case("SignaturesUndecided", 130,
         {'motcua_signing_undecided_files{room="signing",why="revocation_data"}': "2x150",
          'motcua_signing_undecided_files{room="signing",why="other"}': "0x150"}, {},
         # files of a signer whom nobody here vouches for stay open for good, and nobody can mend that
         {'motcua_signing_undecided_files{room="signing",why="revocation_data"}': "2x60 0 2x90",
          'motcua_signing_undecided_files{room="signing",why="other"}': "7x150"}),
    Case("TrustRefused", 10, {'motcua_signing_trust_refused{room="signing"}': "1x20"}, {},
         {'motcua_signing_trust_refused{room="signing"}': "1 0 1 0x20",
          'motcua_signing_fetcher_trust_refused{room="fetcher"}': "0x20"}, CRITICAL),
    Case("RevocationListEnds", 30, {'motcua_signing_list_left_seconds{room="fetcher",issuer="ab"}': "43000-60x60",
                                    'motcua_signing_list_warn_seconds{room="fetcher"}': "43200x60"}, {"issuer": "ab"},
         {'motcua_signing_list_left_seconds{room="fetcher",issuer="ab"}': "86400-60x60",
          'motcua_signing_list_warn_seconds{room="fetcher"}': "43200x60"}, CRITICAL),
    Case("UploadsFail", 20, {'motcua_vault_uploads_total{room="vault",outcome="fault"}': "_x16 1x10"},
         {"room": "vault"}, {'motcua_vault_uploads_total{room="vault",outcome="fault"}': "2x30",
                             'motcua_vault_uploads_total{room="vault",outcome="refused"}': "0+5x30"}, CRITICAL),
]  # fmt: skip
