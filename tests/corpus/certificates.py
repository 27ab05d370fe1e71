"""Files whose bytes are in order: what decides is the certificate, its authority, time and revocation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.corpus import signing
from tests.corpus.case import LATE, OPEN, RECEIVED, REFUSED, SIGNED, Case
from tests.corpus.kit import Kit
from tests.corpus.pki import day, der
from tests.corpus.writers import paper

#: The same file at another time of receipt is another case.
_AFTER_REVOCATION = day("2024-03-26")


def cases(kit: Kit) -> Iterator[Case]:
    yield from _revocation(kit)
    yield from _validity(kit)
    yield from _authorities(kit)
    yield from _usage(kit)
    yield from _algorithms(kit)
    yield from _stamps(kit)


def _revocation(kit: Kit) -> Iterator[Case]:
    def case(name: str, by: str, **more: Any) -> Case:
        return kit.case(f"revocation/{name}.pdf", by, group="revocation", **more)

    stamped: dict[str, Any] = {"stamp": "stamp"}
    failed: dict[str, Any] = {"verdicts": ("TOTAL_FAILED",), "sub": "REVOKED"}
    yield case("before", "revoked-before", **failed)
    yield case("before-stamped", "revoked-before", signing=stamped, **failed)
    yield case("after-received-before", "revoked-after", now=LATE)
    yield case("after-received-late", "revoked-after", verdicts=OPEN, sub="REVOKED_NO_POE", received=_AFTER_REVOCATION)
    yield case("after-stamped-received-late", "revoked-after", signing=stamped, received=_AFTER_REVOCATION)
    claimed = {"at": day("2024-03-22")}
    yield case("after-claimed-later", "revoked-after", signing=claimed, received=_AFTER_REVOCATION, **failed)
    # Dated back by the signer; the timestamp tells when it was made.
    back: dict[str, Any] = {"stamp": "stamp", "stamped": day("2024-03-22")}
    yield case("dated-back", "revoked-after", signing=back, received=_AFTER_REVOCATION, **failed)
    foreign: dict[str, Any] = {"stamp": "foreign-stamp"}
    yield case("after-foreign-stamp", "revoked-after", signing=foreign, received=_AFTER_REVOCATION, verdicts=OPEN,
               sub="REVOKED_NO_POE")  # fmt: skip
    yield case("suspended", "on-hold", verdicts=OPEN, sub="TRY_LATER")
    yield case("authority-before", "under-withdrawn", **failed)
    yield case("authority-before-stamped", "under-withdrawn", signing=stamped, **failed)
    yield case("authority-after-received-before", "under-late-withdrawn", now=LATE)
    yield case("authority-after-received-late", "under-late-withdrawn", received=_AFTER_REVOCATION, verdicts=OPEN,
               sub="REVOKED_CA_NO_POE")  # fmt: skip
    yield case("authority-after-stamped", "under-late-withdrawn", signing=stamped, received=_AFTER_REVOCATION)
    yield case("answer-before", "ocsp-revoked-before", **failed)
    yield case("answer-after-received-before", "ocsp-revoked-after", now=LATE)
    yield case("answer-after-received-late", "ocsp-revoked-after", received=_AFTER_REVOCATION, verdicts=OPEN,
               sub="REVOKED_NO_POE")  # fmt: skip
    yield case("answer-after-stamped", "ocsp-revoked-after", signing=stamped, received=_AFTER_REVOCATION)
    for by in ("ocsp-foreign-answer", "ocsp-unmeant-responder", "ocsp-silent", "under-silent", "under-stale"):
        yield case(f"no-data-{by}", by, verdicts=OPEN, sub="TRY_LATER")
    # Revocation data inside a file are only offered: a list of another key says nothing, an empty list of the right
    # authority does not unsay a revocation that we know.
    silent = kit.signed("under-silent", stamp="stamp")
    forged = kit.pki.revocation_list("silent-ca", signer="foreign-ca")
    yield Case("revocation/store-with-foreign-list.pdf", signing.with_store(silent, lists=[forged]), "revocation", OPEN,
               "TRY_LATER")  # fmt: skip
    before = kit.signed("revoked-before", stamp="stamp")
    older = kit.pki.revocation_list("public-ca", issued=day("2024-01-02"), until=day("2025-01-01"))
    yield Case("revocation/store-with-older-list.pdf", signing.with_store(before, lists=[older]), "revocation",
               ("TOTAL_FAILED",), "REVOKED")  # fmt: skip


def _validity(kit: Kit) -> Iterator[Case]:
    def case(name: str, by: str, **more: Any) -> Case:
        return kit.case(f"validity/{name}.pdf", by, group="validity", **more)

    stamped: dict[str, Any] = {"stamp": "stamp"}
    yield case("ended-before", "ended-before", verdicts=OPEN, sub="EXPIRED")
    yield case("ended-before-stamped", "ended-before", signing=stamped, verdicts=OPEN, sub="EXPIRED")
    yield case("ended-after-received-before", "ended-after", now=LATE)
    yield case("ended-after-received-late", "ended-after", received=LATE, verdicts=OPEN, sub="OUT_OF_BOUNDS_NO_POE")
    yield case("ended-after-stamped", "ended-after", signing=stamped, received=LATE)
    long_term = signing.with_store(
        kit.signed("ended-after", stamp="stamp"), **kit.data_of("public-ca", "public-root", issued=day("2024-03-12"))
    )
    stamp_again = signing.document_stamp(long_term, kit.pki["stamp"], at=day("2024-03-12"))
    yield Case("validity/ended-after-long-term.pdf", stamp_again, "validity", received=LATE, level="B-LTA")
    yield case("ended-before-dated-back", "ended-before", signing={"at": day("2024-03-08")}, verdicts=OPEN,
               sub="OUT_OF_BOUNDS_NO_POE")  # fmt: skip
    dated: dict[str, Any] = {"at": day("2024-03-08"), "stamp": "stamp", "stamped": SIGNED}
    yield case("ended-before-dated-back-stamped", "ended-before", signing=dated, verdicts=OPEN, sub="EXPIRED")
    yield case("young", "young", verdicts=OPEN, sub="NOT_YET_VALID")
    yield case("young-stamped", "young", signing=stamped, verdicts=OPEN, sub="NOT_YET_VALID")
    yield case("claimed-later-than-received", "an", signing={"at": RECEIVED + timedelta(days=200)}, verdicts=OPEN,
               sub="SIG_CONSTRAINTS_FAILURE")  # fmt: skip
    later: dict[str, Any] = {"stamp": "stamp", "stamped": RECEIVED + timedelta(days=2)}
    yield case("stamped-later-than-received", "an", signing=later, verdicts=(*REFUSED, "TOTAL_PASSED"))
    yield case("authority-ended-before", "under-expired", verdicts=OPEN)
    yield case("authority-ended-after", "under-closing", now=LATE)
    yield case("authority-ended-after-received-late", "under-closing", received=LATE, verdicts=OPEN)
    yield case("authority-ended-after-stamped", "under-closing", signing=stamped, received=LATE)


def _authorities(kit: Kit) -> Iterator[Case]:
    def case(name: str, by: str, **more: Any) -> Case:
        return kit.case(f"authority/{name}.pdf", by, group="authority", verdicts=OPEN, **more)

    missing, constraints = "NO_CERTIFICATE_CHAIN_FOUND", "CHAIN_CONSTRAINTS_FAILURE"
    yield case("foreign", "under-foreign", sub=missing)
    yield case("foreign-stamped", "under-foreign", sub=missing, signing={"stamp": "stamp"})
    yield case("lookalike", "lookalike-an", sub=missing)
    yield case("lookalike-person", "under-lookalike", sub=missing)
    yield case("issued-by-person", "under-person", sub=constraints)
    yield case("authority-without-right", "under-toothless", sub=constraints)
    yield case("too-deep", "under-nested", sub=constraints)
    yield case("timestamp-root-as-signer", "stamp")
    yield case("self-signed", "self-signed", sub=constraints)
    yield case("root-itself", "public-root", sub=constraints)
    # An untrusted file cannot bring its own authorities, wherever it puts them.
    certificates = [der(kit.pki[name].certificate) for name in ("lookalike-root", "lookalike-ca", "foreign-root")]
    brought = signing.with_store(kit.signed("lookalike-an", stamp="stamp"), certificates=certificates)
    yield Case("authority/lookalike-in-store.pdf", brought, "authority", OPEN, missing)
    # And it cannot spoil a good signature with them.
    poisoned = signing.with_store(kit.b_t, certificates=certificates)
    yield Case("honest/lookalikes-in-store.pdf", poisoned)
    second = kit.signed("under-foreign", kit.b_b, field="La")
    yield Case("authority/second-signer-foreign.pdf", second, "authority", OPEN, missing, "honest/b-b.pdf")
    first = kit.signed("an", kit.signed("under-foreign"), field="La")
    yield Case("authority/first-signer-foreign.pdf", first, "authority", OPEN, missing)


def _usage(kit: Kit) -> Iterator[Case]:
    for by in ("server-only", "code-only", "stamp-purpose", "no-usage", "encipher-only"):
        yield kit.case(f"usage/{by}.pdf", by, group="usage", verdicts=OPEN, sub="CHAIN_CONSTRAINTS_FAILURE")


def _algorithms(kit: Kit) -> Iterator[Case]:
    weak: dict[str, Any] = {"group": "algorithm", "verdicts": OPEN, "sub": "CRYPTO_CONSTRAINTS_FAILURE"}
    yield kit.case("algorithm/sha1.pdf", "binh", signing={"digest": "sha1"}, **weak)
    yield kit.case("algorithm/sha1-pkcs7.pdf", "binh", signing={"digest": "sha1", "pades": False}, **weak)
    yield kit.case("algorithm/md5.pdf", "binh", signing={"digest": "md5"}, **weak)
    yield kit.case("algorithm/rsa1024.pdf", "short-key", **weak)
    yield kit.case("algorithm/sha1-certificate.pdf", "sha1-certificate", group="algorithm", verdicts=OPEN)
    yield kit.case("algorithm/sha1-authority.pdf", "under-sha1", group="algorithm", verdicts=OPEN)
    yield kit.case("algorithm/rsa1024-authority.pdf", "under-small", group="algorithm", verdicts=OPEN)


def _stamps(kit: Kit) -> Iterator[Case]:
    """A bad timestamp proves nothing; over the whole document it is refused."""

    def case(name: str, **more: Any) -> Case:
        stamp = more.pop("stamp")
        return kit.case(f"stamp/{name}.pdf", "an", signing={"stamp": stamp}, group="stamp", **more)

    yield case("foreign", stamp="foreign-stamp", level="B-B")
    yield case("purposeless", stamp="purposeless-stamp", level="B-B")
    yield case("ended", stamp="ended-stamp", level="B-B")
    for by in ("foreign-stamp", "purposeless-stamp", "binh"):
        data = signing.document_stamp(kit.b_b, kit.pki[by], at=SIGNED + timedelta(minutes=3))
        yield Case(f"stamp/document-by-{by}.pdf", data, "stamp", REFUSED, control="honest/b-b.pdf")
    only = signing.document_stamp(paper(), kit.pki["stamp"], at=SIGNED)
    yield Case("stamp/document-stamp-without-signature.pdf", only, "stamp", ("NO_SIGNATURE",))
