"""The vault: file bytes, people's electronic stores, and who opened what. See README.md."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from services.common import logs, problems
from services.common.bus.entrypoints import command, every, on_event, query
from services.common.context import Context
from services.common.envelope import Event
from services.common.faults import DatabaseAway
from services.common.kernel import Kernel, RoomSpec
from services.common.run import KernelProvider
from services.common.store import Document
from services.vault import access, content, holdings, metrics, own_schemas, owning, schemas, tickets, uploads
from services.vault import bytes as file_bytes
from services.vault.door import Door
from services.vault.store import (
    AGGREGATES,
    HELD,
    INDEXES,
    LINKS,
    accesses_page,
    change_many,
    held_lately,
    held_page,
    holdings_page,
    holds,
    sealed_names,
)

_door = Door()


class UnknownResult(Exception):
    """A returned dossier names a file that the vault does not have, or with another hash."""


class VaultService:
    """Entrypoints; the rules are in access.py, content.py and holdings.py."""

    name = "vault"
    kernel: Kernel = KernelProvider()

    @command(schemas.OpenUpload, schemas.UploadAnswer)
    def open_upload(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to send one file. With a command id the same command gets the same file id again."""
        access.check_purpose(ctx.actor, data["purpose"])
        owner = access.owner_at_upload(ctx.actor, data.get("person_id"))
        filename = content.clean_filename(data["filename"])
        file_id = self._file_id(ctx, data["purpose"], filename)
        kept = ctx.store.get("files", file_id)
        unit = ctx.unit()
        if kept is None:
            unit.put(
                "openings",
                {
                    "_id": file_id,
                    "schema_version": 1,
                    "purpose": data["purpose"],
                    "filename": self.kernel.data_key.seal(filename, "files.filename"),
                    "uploader": ctx.actor.subject,
                    "person_id": owner,
                    "correlation_id": ctx.correlation_id,
                    "causation_id": ctx.command_id or ctx.causation_id,
                    "channel": "" if ctx.actor.is_service else ctx.channel,
                    "opened_at": datetime.now(UTC),
                },
            )
        ticket = tickets.Ticket(file_id, "put", data["purpose"], ctx.actor.subject)
        answer = {
            "file_id": file_id,
            "ticket": tickets.issue(self.kernel.signer, ticket),
            "url": self._url(file_id),
            "expires_in": tickets.LIFETIME,
            "stored": uploads.summary(kept) if kept else None,
        }
        return ctx.commit(unit, answer)

    def _file_id(self, ctx: Context, purpose: str, filename: str) -> str:
        if not ctx.command_id:
            return secrets.token_hex(16)
        # Keyed, so that nobody who knows a command's id can name the file.
        text = "\0".join((ctx.actor.subject, ctx.command_id, purpose, filename))
        return hashlib.sha256(self.kernel.data_key.blind(text, "files.command").encode()).hexdigest()[:32]

    def _url(self, file_id: str) -> str:
        return f"{self.kernel.settings.vault_url.rstrip('/')}/files/{file_id}"

    @query(schemas.OpenDownload, schemas.DownloadAnswer)
    def open_download(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to fetch one file; the opening is in the access log before the ticket is given."""
        file = ctx.store.get("files", data["file_id"])
        if file is None:
            raise access.refusal(ctx.actor) if not ctx.actor.is_service else problems.not_found()
        mine = bool(ctx.actor.person_id) and holds(
            ctx.store, LINKS.current(ctx.store, ctx.actor.person_id), file["_id"]
        )
        opening = access.may_open(
            ctx.actor, file, holds=mine, reason=data.get("reason"), on_behalf=data.get("on_behalf")
        )
        return self._open(ctx, file, opening)

    @query(schemas.OpenHolding, schemas.DownloadAnswer)
    def open_holding(self, ctx: Context, data: dict[str, Any]) -> Any:
        """A ticket to fetch what lies in one's own store."""
        holding = ctx.store.get("holdings", data["holding_id"])
        person = LINKS.current(ctx.store, ctx.actor.person_id)
        if holding is None or not hmac.compare_digest(holding["person_id"], person):
            raise problems.not_found()
        file = ctx.store.get("files", holding["file_id"])
        if file is None:
            raise problems.not_found()
        return self._open(ctx, file, access.Opening("owner", None))

    def _open(self, ctx: Context, file: Document, opening: access.Opening) -> Any:
        row_id = ObjectId()
        unit = ctx.unit()
        if file["person_id"]:
            # In the log of the person whose file it is now, also where the account is normalized in this moment.
            file = {**file, "person_id": LINKS.current(ctx.store, file["person_id"])}
            LINKS.hold(unit, file["person_id"])
        unit.put(
            "accesses",
            access.log_row(row_id, file=file, actor=ctx.actor, opening=opening, at=ctx.now, recorded=datetime.now(UTC)),
        )
        ticket = tickets.Ticket(file["_id"], "get", opening.reason, ctx.actor.subject, str(row_id))
        answer = {
            **uploads.summary(file),
            "filename": self.kernel.data_key.open(file["filename"], "files.filename"),
            "url": self._url(file["_id"]),
            "ticket": tickets.issue(self.kernel.signer, ticket),
            "expires_in": tickets.LIFETIME,
        }
        return ctx.commit(unit, answer)

    @query(schemas.FileQuery, schemas.FileAnswer)
    def file(self, ctx: Context, data: dict[str, Any]) -> Any:
        """What is known about a file, for rooms."""
        file = ctx.store.get("files", data["file_id"])
        if file is None:
            raise problems.not_found()
        return {
            **uploads.summary(file),
            "filename": self.kernel.data_key.open(file["filename"], "files.filename"),
            "purpose": file["purpose"],
            "uploader": file["uploader"],
            "person_id": file["person_id"],
            "stored_at": file["stored_at"],
        }

    @query(schemas.Page, schemas.HoldingsAnswer)
    def holdings(self, ctx: Context, data: dict[str, Any]) -> Any:
        """One's own store, newest first."""
        person = LINKS.current(ctx.store, ctx.actor.person_id)
        rows, following = holdings_page(ctx.store, person, data.get("cursor"), data["limit"])
        key, names = self.kernel.data_key, sealed_names(ctx.store, (row["file_id"] for row in rows))
        items = [
            {**row, "holding_id": row["_id"], "name": key.open(names[row["file_id"]], "files.filename")} for row in rows
        ]
        return {"items": items, "next_cursor": following}

    @command(own_schemas.AddOwnData, own_schemas.OwnDataAnswer, idempotent=True)
    def add_own(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Data of one's own come into the store under the owner's valid signature, and under no other."""
        return owning.add(ctx, data["file_id"], terms=data["terms"])

    @query(schemas.Page, own_schemas.HeldAnswer)
    def own_data(self, ctx: Context, data: dict[str, Any]) -> Any:
        """One's own data whose signature could not be determined at once, newest first."""
        person = LINKS.current(ctx.store, ctx.actor.person_id)
        rows, following = held_page(ctx.store, person, data.get("cursor"), data["limit"])
        return {"items": rows, "next_cursor": following}

    @on_event("file.checked", own_schemas.FileCheckedSeen)
    def on_checked(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """Another verdict about data that wait: they come into the store now, or are refused."""
        ctx.commit(owning.look_again(ctx, data["file_id"]) or ctx.unit())

    @every(300)
    def look_at_held(self, ctx: Context) -> None:
        """A verdict that came in the moment in which data were put aside told nobody of them: they are looked at."""
        for row in held_lately(ctx.store, ctx.now):
            try:
                decided = owning.look_again(ctx, row["file_id"])
                if decided is not None:
                    decided.commit()
            except DatabaseAway:  # the database is away: the others would wait for it as long
                raise
            except Exception as fault:  # one file's fault is not the others'; again at the next run
                logs.fault("own_data_still_held", fault, file_id=row["file_id"])

    @query(schemas.Page, schemas.AccessLogAnswer)
    def access_log(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Who opened one's own files, when and why, newest first."""
        person = LINKS.current(ctx.store, ctx.actor.person_id)
        rows, following = accesses_page(ctx.store, person, data.get("cursor"), data["limit"])
        return {"items": rows, "next_cursor": following}

    @on_event("dossier.returned", schemas.DossierReturnedSeen)
    def on_returned(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """Puts the result into the owner's store, once. Before 2024-03-04 a return may have come without a file."""
        if data["result"] is None:
            return
        owner = LINKS.current(ctx.store, data["owner"])
        file = ctx.store.get("files", data["result"]["file_id"])
        if file is None or file["sha256"] != data["result"]["sha256"]:
            raise UnknownResult(data["result"]["file_id"])
        unit = ctx.unit()
        holding = holdings.result_holding(data, owner=owner, now=ctx.now)
        if ctx.store.get("holdings", holding["_id"]) is None:
            unit.insert("holdings", holding)
            LINKS.hold(unit, owner)
            told = ("person_id", "kind", "code", "file_id", "sha256")
            unit.tell(
                holding, "holding.added", {"holding_id": holding["_id"], **{name: holding[name] for name in told}}
            )
            if file["person_id"] is None:
                # Until now the paper of an agency; from now on this person's, with the log of who opened it before.
                file["person_id"] = owner
                unit.save("files", file)
                change_many(
                    unit, "accesses", {"file_id": file["_id"], "person_id": None},
                    {"$set": {"person_id": owner}},
                )  # fmt: skip
        ctx.commit(unit)

    @on_event("account.normalized", schemas.AccountNormalizedSeen)
    def on_normalized(self, ctx: Context, event: Event, data: dict[str, Any]) -> None:
        """A person got their lasting id: what lay under the former one moves along."""
        former, person = data["former_person_id"], data["person_id"]
        unit = ctx.unit()
        if LINKS.give_up(ctx.store, unit, former, person, ctx.now):
            moved = {"$set": {"person_id": person}}
            for collection in ("files", "holdings", HELD):
                change_many(unit, collection, {"person_id": former}, {**moved, "$inc": {"version": 1}})
            change_many(unit, "accesses", {"person_id": former}, moved)
        ctx.commit(unit)

    @every(300)
    def sweep_abandoned(self, ctx: Context) -> None:
        """Removes bytes that no file came to own: the process or the sender died on the way."""
        uploads.look_for_scanner(self.kernel)
        swept = file_bytes.sweep(ctx.store, datetime.now(UTC))
        metrics.record_swept(swept)
        metrics.unfinished.set(file_bytes.leftovers(ctx.store)["unfinished"])
        if swept:
            logs.info("uploads_swept", count=swept)


def _start(kernel: Kernel) -> None:
    uploads.look_for_scanner(kernel)
    _door.open(kernel)


SPEC = RoomSpec(
    name="vault",
    aggregates=AGGREGATES,
    indexes=INDEXES,
    events=schemas.EVENTS,
    on_start=_start,
    on_stop=lambda _kernel: _door.close(),
)
