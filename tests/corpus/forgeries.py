"""Universal forgery, incremental saving, signature wrapping, shadow documents, tampered and borrowed signatures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.rehearsal import papers
from tests.corpus import writers
from tests.corpus.case import FAILED, NOT_VALID, REFUSED, Case
from tests.corpus.kit import Kit
from tests.corpus.later_changes import FORGED
from tests.corpus.pki import der
from tests.corpus.update import Update, stream, written

_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_CONTENTS = re.compile(rb"/Contents\s*<[0-9a-fA-F]+>")


def gap(signed: bytes) -> tuple[int, int, int]:
    """The last signature's hole: start, stop, and the end of the signed range."""
    start, stop, length = map(int, _RANGE.findall(signed)[-1])
    return start, stop, stop + length


def contents_of(signed: bytes) -> bytes:
    start, stop, _ = gap(signed)
    return bytes.fromhex(signed[start + 1 : stop - 1].decode())


def with_contents(signed: bytes, contents: bytes) -> bytes:
    start, stop, _ = gap(signed)
    digits = contents.hex().encode().ljust(stop - start - 2, b"0")
    assert len(digits) == stop - start - 2, "the container does not fit"
    return signed[: start + 1] + digits + signed[stop - 1 :]


def cases(kit: Kit) -> Iterator[Case]:
    yield from _universal(kit)
    yield from _incremental(kit)
    yield from _wrapped(kit)
    yield from _shadows(kit)
    yield from _tampered(kit)
    yield from _containers(kit)


def _universal(kit: Kit) -> Iterator[Case]:
    """The 14 of signing.md §3.2: a signature whose /ByteRange or /Contents says nothing, over a forged page."""
    ranges = {
        "missing": b"",
        "null": b"/ByteRange null",
        "empty": b"/ByteRange []",
        "zero": b"/ByteRange [0 0 0 0]",
        "negative": b"/ByteRange [0 -1 -1 -1]",
        "short": b"/ByteRange [0 1]",
        "words": b"/ByteRange [/a /b /c /d]",
    }
    contents = {
        "missing": b"",
        "null": b"/Contents null",
        "empty": b"/Contents <>",
        "zero": b"/Contents <00>",
        "zeros": b"/Contents <" + b"00" * 64 + b">",
        "number": b"/Contents 0",
        "elsewhere": b"/Contents 999 0 R",
    }
    for base in ("b-b", "b-t"):
        signed = kit.bases[base]
        for name, text in ranges.items():
            yield Case(f"universal/range-{name}-{base}.pdf", _swap(signed, _RANGE, text), "universal", NOT_VALID,
                       control=f"honest/{base}.pdf")  # fmt: skip
        for name, text in contents.items():
            yield Case(f"universal/contents-{name}-{base}.pdf", _swap(signed, _CONTENTS, text), "universal", NOT_VALID,
                       control=f"honest/{base}.pdf")  # fmt: skip


def _swap(signed: bytes, what: re.Pattern[bytes], text: bytes) -> bytes:
    """The key changed in a proper update, together with the page's content; the signed bytes stay."""
    found = what.findall(signed)
    assert found
    update = Update(signed)
    field = update.catalog["/AcroForm"]["/Fields"][0].get_object()
    signature = field["/V"]
    key = "ByteRange" if what is _RANGE else "Contents"
    value = text.split(b" ", 1)[1] if text else b""
    number = field.raw_get("/V").idnum
    update.put(number, update.changed(signature, **{key: value}))
    update.put(update.page.raw_get("/Contents").idnum, stream(FORGED))
    return update.data()


def _incremental(kit: Kit) -> Iterator[Case]:
    """The five of the incremental saving attack: from a whole update down to objects without any table."""
    for base, signed in kit.bases.items():
        control = f"honest/{base}.pdf"
        update = Update(signed)
        number = update.page.raw_get("/Contents").idnum
        table = b"startxref\n%d\n%%%%EOF\n" % update.previous
        loose = b"\n%d 0 obj\n%s\nendobj\n" % (number, stream(FORGED))
        update.put(number, stream(FORGED))
        whole = update.data()
        signature = update.catalog["/AcroForm"]["/Fields"][-1].get_object().raw_get("/V").idnum
        update.put(signature, written(update.reader.get_object(signature)))
        variants = {
            "whole": whole,
            "no-table": signed + loose,
            "old-table": signed + loose + table,
            "no-end": whole[: whole.rindex(b"startxref")],
            "with-signature": update.data(),
        }
        for name, data in variants.items():
            yield Case(f"incremental/{name}-{base}.pdf", data, "incremental-saving", REFUSED, control=control)


def _wrapped(kit: Kit) -> Iterator[Case]:
    for base, signed in kit.bases.items():
        for how in ("hex", "literal", "object-stream"):
            yield Case(f"wrapping/{how}-{base}.pdf", papers.wrapped(signed, how), "wrapping", FAILED, "FORMAT_FAILURE",
                       f"honest/{base}.pdf")  # fmt: skip
    # The hole is wider than the contents, and what is between says another thing.
    start, stop, _ = gap(kit.b_b)
    wide = kit.b_b[: start - 20] + b" " * 20 + kit.b_b[start:]
    yield Case("wrapping/hole-before.pdf", wide, "wrapping", REFUSED, control="honest/b-b.pdf")
    yield Case("wrapping/hole-shifted.pdf", _numbers(kit.b_b, start - 1, stop + 1), "wrapping", REFUSED,
               control="honest/b-b.pdf")  # fmt: skip
    yield Case("wrapping/hole-wide.pdf", _numbers(kit.b_b, start - 40, stop), "wrapping", REFUSED,
               control="honest/b-b.pdf")  # fmt: skip
    from_one = kit.b_b.replace(b"/ByteRange [0 ", b"/ByteRange [1 ")
    yield Case("wrapping/range-from-one.pdf", from_one, "wrapping", REFUSED, control="honest/b-b.pdf")


def _numbers(signed: bytes, start: int, stop: int) -> bytes:
    found = list(_RANGE.finditer(signed))[-1]
    text = b"/ByteRange [0 %d %d %d]" % (start, stop, gap(signed)[2] - stop)
    room = found.end() - found.start()
    return signed[: found.start()] + text.ljust(room)[:room] + signed[found.end() :]


def _shadows(kit: Kit) -> Iterator[Case]:
    """Shadow attacks: the signed file already holds the forged content, an update brings it to light."""
    prepared = Update(writers.paper())
    hidden = prepared.new(stream(FORGED))
    shown = prepared.page.raw_get("/Contents").idnum
    cover = prepared.new(stream(b"1 g 0 0 595 842 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]"))
    prepared.put(hidden + 100, b"<</Hidden %d 0 R/Cover %d 0 R>>" % (hidden, cover))
    prepared.size = hidden + 101
    signed = kit.signed("an", prepared.data())
    variants = {}
    hide = Update(signed)
    hide.put(shown, stream(b""))
    variants["hide"] = hide.data()
    replace = Update(signed)
    replace.put(replace.page_number, replace.changed(replace.page, Contents=b"%d 0 R" % hidden))
    variants["replace"] = replace.data()
    # Only the table is new: the old number shows the prepared object.
    both = Update(signed)
    place = signed.index(b"%d 0 obj" % hidden)
    text = both.data()
    rows = b"xref\n0 1\n0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (shown, place)
    head, tail = text[: text.rindex(b"xref\n0 1")], text[text.rindex(b"trailer") :]
    variants["hide-and-replace"] = head + rows + tail
    free = b"xref\n0 1\n0000000000 65535 f \n%d 1\n0000000000 00001 f \n" % shown
    variants["freed"] = head + free + tail
    for name, data in variants.items():
        yield Case(f"shadow/{name}.pdf", data, "shadow", REFUSED)


def _tampered(kit: Kit) -> Iterator[Case]:
    for base, signed in (kit.bases | {"b-lta": kit.b_lta, "b-lt": kit.b_lt}).items():
        control = f"honest/{base}.pdf"
        yield Case(f"tampered/page-{base}.pdf", papers.tampered(signed), "tampered", FAILED, "HASH_FAILURE", control)
        start, stop, end = gap(signed)
        behind = signed.index(b"trailer", stop) if b"trailer" in signed[stop:end] else stop + 2
        changed = signed[:behind] + bytes([signed[behind] ^ 1]) + signed[behind + 1 :]
        yield Case(f"tampered/behind-the-hole-{base}.pdf", changed, "tampered", REFUSED, control=control)
        yield Case(f"tampered/cut-{base}.pdf", signed[: len(signed) // 2], "tampered", NOT_VALID, control=control)
        yield Case(f"tampered/last-byte-{base}.pdf", signed.rstrip()[:-1], "tampered", REFUSED, control=control)
    # Signed at nine, cut back to what was before the second signature: that is the first file again.
    yield Case("honest/two-cut-back.pdf", kit.two[: len(kit.b_b)])


def _containers(kit: Kit) -> Iterator[Case]:
    """Signature containers: another file's, another certificate, none of the parts that bind them."""
    control, signed = "honest/b-b.pdf", kit.b_b
    other = kit.signed("an", writers.paper("Another paper"))
    yield Case("container/of-another-file.pdf", with_contents(signed, contents_of(other)), "container", REFUSED,
               control=control)  # fmt: skip

    def changed(name: str, container: cms.ContentInfo) -> Case:
        data = with_contents(signed, container.dump(force=True))
        return Case(f"container/{name}.pdf", data, "container", REFUSED, control=control)

    def fresh() -> cms.ContentInfo:
        return cms.ContentInfo.load(contents_of(signed))

    key = kit.pki["an"].key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    start, stop, end = gap(signed)
    container = fresh()
    info = container["content"]["signer_infos"][0]
    bare = cms.SignerInfo({k: info[k] for k in ("version", "sid", "digest_algorithm", "signature_algorithm")})
    bare["signature"] = key.sign(signed[:start] + signed[stop:end], ec.ECDSA(hashes.SHA256()))
    container["content"]["signer_infos"] = [bare]
    yield changed("no-signed-attributes", container)
    container = fresh()
    info = container["content"]["signer_infos"][0]
    info["signature"] = key.sign(b"something else", ec.ECDSA(hashes.SHA256()))
    yield changed("wrong-value", container)
    container = fresh()
    infos = container["content"]["signer_infos"]
    container["content"]["signer_infos"] = [infos[0], infos[0].copy()]
    yield changed("two-signers", container)
    container = fresh()
    container["content"]["signer_infos"] = []
    yield changed("no-signers", container)
    container = fresh()
    container["content"]["certificates"] = []
    yield changed("no-certificates", container)
    container = fresh()
    container["content"]["encap_content_info"]["content"] = b"inside"
    yield changed("content-inside", container)
    twin = kit.pki.make("same-key", kit.pki["chi"].certificate.subject, issuer="public-ca", key=key)
    swapped = cms.CertificateChoices.load(der(twin.certificate))
    container = fresh()
    certificates = list(container["content"]["certificates"])
    container["content"]["certificates"] = [swapped, *certificates[1:]]
    info = container["content"]["signer_infos"][0]
    info["sid"] = cms.SignerIdentifier(
        "issuer_and_serial_number",
        cms.IssuerAndSerialNumber(
            {
                "issuer": swapped.chosen.issuer,
                "serial_number": swapped.chosen["tbs_certificate"]["serial_number"].native,
            }
        ),
    )
    yield changed("same-key-other-certificate", container)
    padded = bytearray(contents_of(signed))
    padded[-1] = 1
    yield Case(
        "container/bytes-behind.pdf", with_contents(signed, bytes(padded)), "container", REFUSED, control=control
    )
    unknown = signed.replace(b"/ETSI.CAdES.detached", b"/ETSI.CAdES.detachee")
    yield Case("container/unknown-make.pdf", unknown, "container", REFUSED, control=control)
    dropped = Update(signed)
    dropped.put(dropped.root, dropped.changed(dropped.catalog, AcroForm=b""))
    yield Case("container/field-dropped.pdf", dropped.data(), "container", REFUSED, control=control)
