"""Files that must pass: every level, several signers, kinds of keys, producers and writers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pyhanko.sign.fields import MDPPerm

from tests.corpus import producers, signing, tools, writers
from tests.corpus.case import SIGNED, Case
from tests.corpus.kit import Kit
from tests.corpus.update import Update


def cases(kit: Kit, scratch: Path) -> Iterator[Case]:
    yield from _levels(kit)
    yield from _signers(kit)
    yield from _keys(kit)
    yield from _by_writer(kit)
    yield from _by_producer(kit, scratch)


def _honest(name: str, data: bytes, **more: Any) -> Case:
    return Case(f"honest/{name}.pdf", data, **more)


def _levels(kit: Kit) -> Iterator[Case]:
    yield _honest("b-b", kit.b_b, level="B-B")
    yield _honest("b-t", kit.b_t, level="B-T")
    yield _honest("b-lt", kit.b_lt, level="B-LT")
    yield _honest("b-lta", kit.b_lta, level="B-LTA")
    again = signing.document_stamp(kit.b_lta, kit.pki["stamp"], at=SIGNED + timedelta(minutes=9), field="Dau2")
    yield _honest("b-lta-twice", again, level="B-LTA")
    yield _honest("two", kit.two)
    yield _honest("empty-update", Update(kit.b_b).data())
    yield _honest("pkcs7", kit.signed(pades=False), level="B-B")
    yield _honest("pkcs7-stamped", kit.signed("binh", pades=False, stamp="stamp"), level="B-T")
    yield _honest("document-stamp-only", signing.document_stamp(kit.b_b, kit.pki["stamp"], at=SIGNED))
    # The authority's data are nowhere in the trust folder: the file itself brings them.
    silent = kit.signed("under-silent", stamp="stamp")
    yield _honest("data-only-in-the-file", signing.with_store(silent, **kit.data_of("silent-ca", "public-root")))


def _signers(kit: Kit) -> Iterator[Case]:
    three = kit.signed("agency", kit.two, field="CoQuan", at=SIGNED + timedelta(minutes=30))
    yield _honest("three", three)
    stamped = kit.signed("officer", kit.b_t, field="CanBo", stamp="stamp", at=SIGNED + timedelta(minutes=5))
    yield _honest("two-stamped", stamped)
    yield _honest(
        "second-behind-store", kit.signed("officer", kit.b_lt, field="CanBo", at=SIGNED + timedelta(minutes=5))
    )
    late = kit.signed("officer", kit.b_lta, field="CanBo", at=SIGNED + timedelta(minutes=5))
    yield _honest("second-behind-document-stamp", late)
    both = signing.with_store(stamped, **kit.data_of("rsa-ca", "second-root", "government-ca", "government-root"))
    yield _honest("two-with-store", both)
    yield _honest("two-long-term", signing.document_stamp(both, kit.pki["stamp"], at=SIGNED + timedelta(minutes=9)))
    prepared = signing.with_field(signing.with_field(writers.paper(), "A"), "B", (220, 60, 380, 100))
    first = kit.signed("an", prepared, field="A")
    yield _honest("prepared-field", first)
    yield _honest("prepared-fields-both", kit.signed("officer", first, field="B", at=SIGNED + timedelta(minutes=5)))
    yield _honest("form-filled-before", kit.signed("an", writers.filled(writers.form())))
    yield _honest("visible", kit.signed("an", box=(300, 40, 500, 100), reason="Đồng ý"))
    yield _honest("certified-closed", kit.signed("agency", certify=MDPPerm.NO_CHANGES))
    certified = kit.signed("agency", certify=MDPPerm.FILL_FORMS)
    yield _honest("certified-open", certified)
    yield _honest("certified-then-signed", kit.signed("an", certified, field="Them"))
    yield _honest("certified-annotations", kit.signed("agency", certify=MDPPerm.ANNOTATE))


def _keys(kit: Kit) -> Iterator[Case]:
    for by in (
        "chi", "p384", "p521", "rsa3072", "agency", "bare", "plain-usage", "commitment-only", "no-identifiers",
        "under-unnamed", "twin-a", "twin-b", "twin-a-unnamed", "crossed", "ocsp-good", "ocsp-responder-good",
    ):  # fmt: skip
        yield _honest(f"signer-{by}", kit.signed(by))
    yield _honest("pss", kit.signed("binh", pss=True))
    for digest in ("sha384", "sha512"):
        yield _honest(digest, kit.signed("binh", digest=digest))
    yield _honest("much-room", kit.signed(room=60_000))


def _by_writer(kit: Kit) -> Iterator[Case]:
    later = kit.clock + timedelta(minutes=5)
    for name, pdf in writers.all_of_them().items():
        yield _honest(f"writer-{name}", kit.signed("an", pdf))
        signed = kit.signed("officer", kit.signed("an", pdf), field="CanBo", at=SIGNED + timedelta(minutes=5))
        yield _honest(f"writer-{name}-two", signed)
        own = producers.sign(pdf, producers.by_cryptography(kit.pki["binh"]), at=kit.clock)
        yield _honest(f"writer-{name}-own", own, producer="cryptography", received=later)


def _by_producer(kit: Kit, scratch: Path) -> Iterator[Case]:
    later, pki = kit.clock + timedelta(minutes=5), kit.pki

    def own(name: str, producer: str, container: producers.Container, **options: Any) -> Case:
        data = producers.sign(options.pop("pdf", writers.paper()), container, at=kit.clock, **options)
        return _honest(name, data, producer=producer, received=later)

    for by in ("an", "p384", "agency"):
        yield own(f"cryptography-{by}", "cryptography", producers.by_cryptography(pki[by]))
    yield own("cryptography-sha512", "cryptography", producers.by_cryptography(pki["binh"], digest="sha512"))
    first = producers.sign(writers.paper(), producers.by_cryptography(pki["an"]), at=kit.clock)
    yield own("cryptography-two", "cryptography", producers.by_cryptography(pki["officer"]), pdf=first, field="Hai")
    yield own("cryptography-behind-pyhanko", "cryptography", producers.by_cryptography(pki["officer"]), pdf=kit.b_b,
              field="Hai")  # fmt: skip
    mixed = signing.sign(first, pki["officer"], field="CanBo", at=kit.clock + timedelta(minutes=1))
    yield _honest("pyhanko-behind-cryptography", mixed, producer="cryptography", received=later)
    if tools.has_openssl():
        for by in ("an", "binh", "p521"):
            yield own(f"openssl-{by}", "openssl", producers.by_openssl(pki[by]))
        for name, options in {"pss": ("-keyopt", "rsa_padding_mode:pss"), "key-identifier": ("-keyid",)}.items():
            yield own(f"openssl-{name}", "openssl", producers.by_openssl(pki["binh"], *options))
        yield own(
            "openssl-cades", "openssl", producers.by_openssl(pki["binh"], "-cades"), subfilter="ETSI.CAdES.detached"
        )
    if not tools.why():
        nss = producers.nss_folder(scratch / "nss", [pki["binh"], pki["rsa3072"]], [pki["second-root"]])
        for name, pdf in writers.all_of_them().items():
            data = producers.by_pdfsig(pdf, pki["binh"], nss)
            yield _honest(f"pdfsig-{name}", data, producer="pdfsig", received=later)
        data = producers.by_pdfsig(kit.b_b, pki["rsa3072"], nss)
        yield _honest("pdfsig-behind-pyhanko", data, producer="pdfsig", received=later)
