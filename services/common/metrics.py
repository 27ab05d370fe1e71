"""Metrics of the kernel: one process, one registry, one port.

Labels are methods, event types, queues, timers and outcomes: names that the code fixes, never data.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

# Upper bounds in seconds. A desk's screen feels instant under 0.1 s; domain.md §2.4 proposes p95 of 2 s.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)

_rpc = Histogram(
    "motcua_rpc_seconds", "Time to answer an RPC request, in seconds", ["method", "outcome"], buckets=SECONDS
)
_rpc_call = Histogram(
    "motcua_rpc_call_seconds", "Time of an RPC call as its caller sees it", ["method", "outcome"], buckets=SECONDS
)
_event = Histogram("motcua_event_seconds", "Time to handle an event, in seconds", ["type", "outcome"], buckets=SECONDS)
_timer = Histogram(
    "motcua_timer_seconds", "Time of one run of a timer, in seconds", ["timer", "outcome"], buckets=SECONDS
)
_http = Histogram(
    "motcua_http_seconds", "Time to answer an HTTP request, in seconds", ["route", "method", "status"], buckets=SECONDS
)
_published = Counter("motcua_events_published_total", "Events confirmed by the broker", ["type"])
_publish_failed = Counter(
    "motcua_publish_failures_total", "Publishes that the broker refused or did not confirm", ["queue"]
)
_dead = Counter("motcua_dead_letters_total", "Messages put into the dead letters", ["queue", "reason"])
_retried = Counter("motcua_event_retries_total", "Events sent to a retry queue", ["type"])
_parked = Counter("motcua_events_parked_total", "Events that wait for an earlier one of their aggregate", ["type"])
_dropped = Counter("motcua_events_repeated_total", "Events seen before, acknowledged without effect", ["type"])
_reconnects = Counter("motcua_broker_reconnects_total", "Connections to the broker made anew", ["link"])
parked_now = Gauge("motcua_inbox_parked", "Events that wait now for an earlier one of their aggregate")
parked_age = Gauge("motcua_inbox_parked_age_seconds", "Age of the event that waits longest, in seconds")
outbox_unsent = Gauge("motcua_outbox_unsent", "Documents with events not yet published")
outbox_lag = Gauge("motcua_outbox_lag_seconds", "Age of the oldest event not yet published, in seconds")
relay_leader = Gauge("motcua_relay_leader", "1 where this process is its room's relay")
queue_messages = Gauge("motcua_queue_messages", "Messages ready in a queue", ["queue"])
queue_consumers = Gauge("motcua_queue_consumers", "Consumers of a queue", ["queue"])
in_hand = Gauge("motcua_work_in_hand", "Requests and events being worked on", ["kind"])
worker_jobs = Counter("motcua_worker_jobs_total", "Jobs of worker processes", ["pool", "outcome"])
worker_seconds = Histogram(
    "motcua_worker_seconds", "Time of a worker's job, in seconds", ["pool"], buckets=(*SECONDS, 20.0, 30.0)
)
commit_group = Histogram(
    "motcua_commit_group_size", "Units of work written in one transaction", buckets=(1, 2, 4, 8, 16, 32, 48)
)
_commit_splits = Counter(
    "motcua_commit_splits_total", "Groups of which one unit failed, so that each was committed by itself"
)
ready = Gauge("motcua_ready", "1 where the process may be given work, as looked up within the last seconds")
timer_lag = Gauge("motcua_timer_lag_seconds", "Business time by which a timer's run is overdue, in seconds", ["timer"])
clock_offset = Gauge("motcua_clock_offset_seconds", "Business clock beside real time, in seconds")


def record_rpc(method: str, outcome: str, seconds: float) -> None:
    """`outcome` is ok, refused (a problem under 500), unavailable (one above, or no database) or fault."""
    _rpc.labels(method, outcome).observe(seconds)


def record_call(method: str, outcome: str, seconds: float) -> None:
    _rpc_call.labels(method, outcome).observe(seconds)


def record_event(event_type: str, outcome: str, seconds: float) -> None:
    """`outcome` is ok, repeated, parked, retried or dead."""
    _event.labels(event_type, outcome).observe(seconds)


def record_timer(timer: str, outcome: str, seconds: float) -> None:
    _timer.labels(timer, outcome).observe(seconds)


def record_http(route: str, method: str, status: int, seconds: float) -> None:
    """`route` is the pattern, never the path with its ids."""
    _http.labels(route, method, str(status)).observe(seconds)


def record_published(event_type: str) -> None:
    _published.labels(event_type).inc()


def record_publish_failure(queue: str) -> None:
    _publish_failed.labels(queue).inc()


def record_dead(queue: str, reason: str) -> None:
    """`reason` is unreadable, schema, unknown, forged, unstorable or handler; the partner's queue has its own."""
    _dead.labels(queue, reason).inc()


def record_retry(event_type: str) -> None:
    _retried.labels(event_type).inc()


def record_parked(event_type: str) -> None:
    _parked.labels(event_type).inc()


def record_commit_split() -> None:
    _commit_splits.inc()


def record_repeated(event_type: str) -> None:
    _dropped.labels(event_type).inc()


def record_reconnect(link: str) -> None:
    _reconnects.labels(link).inc()
