"""Files that are meant to exhaust whoever reads them: signing.md §3.5 and inventions of our own.

Each is made at the size that hurts. None may pass, whatever it costs; what it may cost is bounded by the worker.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import timedelta

from asn1crypto import cms

from tests.corpus import writers
from tests.corpus.case import SIGNED
from tests.corpus.forgeries import contents_of
from tests.corpus.kit import Kit
from tests.corpus.pki import der
from tests.corpus.update import Update, stream

Maker = Callable[[Kit], bytes]


def whole(objects: dict[int, bytes], *, size: int | None = None, trailer: bytes = b"") -> bytes:
    """A PDF of these objects; 1 is the catalog."""
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, text in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    target = len(out)
    rows = b"".join(b"%d 1\n%010d 00000 n \n" % pair for pair in sorted(places.items()))
    out += b"xref\n0 1\n0000000000 65535 f \n" + rows
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        size or max(objects) + 1, trailer, target,
    )  # fmt: skip
    return bytes(out)


_PAGES = {2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>", 3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"}


def field_dag(levels: int = 30) -> bytes:
    """A form whose fields share their kids: two to the power of `levels` paths in 1.5 KB."""
    objects = {1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[10 0 R]>>>>", **_PAGES}
    for level in range(levels):
        kid = 11 + level
        objects[10 + level] = b"<</T(f)/Kids[%d 0 R %d 0 R]>>" % (kid, kid)
    objects[10 + levels] = b"<</T(f)/FT/Tx>>"
    return whole(objects)


def field_chain(depth: int) -> bytes:
    objects = {1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[10 0 R]>>>>", **_PAGES}
    for level in range(depth):
        objects[10 + level] = b"<</T(f)/Kids[%d 0 R]>>" % (11 + level)
    objects[10 + depth] = b"<</T(f)/FT/Tx>>"
    return whole(objects)


def field_ring() -> bytes:
    objects = {1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[10 0 R]>>>>", **_PAGES}
    return whole(objects | {10: b"<</T(a)/Kids[11 0 R]>>", 11: b"<</T(b)/Kids[10 0 R]/Parent 11 0 R>>"})


def nested(opening: bytes, closing: bytes, depth: int, signed: bytes | None = None) -> bytes:
    """Arrays or dictionaries in each other; behind a signed file where one is given."""
    text = opening * depth + closing * depth
    if signed is None:
        return whole({1: b"<</Type/Catalog/Pages 2 0 R/Deep 4 0 R>>", **_PAGES, 4: text})
    update = Update(signed)
    deep = update.new(text)
    update.put(update.root, update.changed(update.catalog, DSS=b"%d 0 R" % deep))
    return update.data()


def bomb_in(where: str, size: int) -> bytes:
    """Zeros that deflate a thousandfold: in the table's stream, in an object stream, or deflated twice."""
    squeezed = zlib.compress(bytes(size), 9)
    filters = b"/Filter/FlateDecode"
    if where == "double":
        squeezed, filters = zlib.compress(squeezed, 9), b"/Filter[/FlateDecode/FlateDecode]"
    out = bytearray(b"%PDF-1.7\n")
    if where == "object-stream":
        place = len(out)
        out += b"5 0 obj\n%s\nendobj\n" % stream(squeezed, b"/Type/ObjStm/N 2/First 8" + filters)
        rows = b"\2\0\0\0\5\0" + b"\2\0\0\0\5\1" + b"\1" + place.to_bytes(4, "big") + b"\0"
        target = len(out)
        head = b"/Type/XRef/W[1 4 1]/Index[1 2 5 1]/Size 9/Root 1 0 R"
        out += b"8 0 obj\n%s\nendobj\n" % stream(rows, head)
    else:
        target = len(out)
        head = b"/Type/XRef/W[1 4 1]/Size %d/Root 1 0 R%s" % (size // 6, filters)
        out += b"8 0 obj\n%s\nendobj\n" % stream(squeezed, head)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % target


def bomb_behind(kit: Kit, size: int) -> bytes:
    """A signed file with a bomb in its security store."""
    update = Update(kit.b_b)
    bomb = update.new(stream(zlib.compress(bytes(size), 9), b"/Filter/FlateDecode"))
    store = update.new(b"<</Type/DSS/Certs[%d 0 R]/CRLs[%d 0 R]>>" % (bomb, bomb))
    update.put(update.root, update.changed(update.catalog, DSS=b"%d 0 R" % store))
    return update.data()


def revisions(kit: Kit, count: int) -> bytes:
    """Empty updates, one behind the other."""
    out = bytearray(kit.b_b)
    update = Update(kit.b_b)
    previous, size, root = update.previous, update.size, update.root
    for _ in range(count):
        target = len(out)
        out += b"xref\n0 0\ntrailer\n<</Size %d/Root %d 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
            size, root, previous, target,
        )  # fmt: skip
        previous = target
    return bytes(out)


def signatures(kit: Kit, count: int) -> bytes:
    """As many signature fields; the first of the file is genuine, all others borrow its container."""
    update = Update(kit.b_b)
    digits = contents_of(kit.b_b).rstrip(b"\0").hex().encode()
    widgets = []
    for number in range(count):
        value = update.new(
            b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange [0 9 99 9]/Contents <%s>>>"
            % digits
        )
        widgets.append(update.new(b"<</FT/Sig/T(S%d)/V %d 0 R>>" % (number, value)))
    listed = b" ".join(b"%d 0 R" % n for n in widgets)
    update.put(update.root, update.changed(update.catalog, AcroForm=b"<</SigFlags 3/Fields[%s]>>" % listed))
    return update.data()


def signed_often(kit: Kit, count: int) -> bytes:
    """Genuine signatures one behind the other."""
    data = kit.b_b
    for number in range(count - 1):
        data = kit.signed("officer", data, field=f"Lan{number}", at=SIGNED + timedelta(minutes=1))
    return data


def certificates(kit: Kit, count: int) -> bytes:
    """A container with look-alike authorities: one name, ever another key identifier's certificate."""
    signer, one = kit.pki["lookalike-an"], kit.pki["lookalike-ca"]
    data = kit.signed("lookalike-an", room=1_000 * count + 20_000)
    container = cms.ContentInfo.load(contents_of(data))
    more = []
    for number in range(count):
        copy = cms.CertificateChoices.load(der(one.certificate)).copy()
        copy.chosen["tbs_certificate"]["serial_number"] = number + 1
        more.append(copy)
    own = cms.CertificateChoices.load(der(signer.certificate))
    container["content"]["certificates"] = [own, *more]
    from tests.corpus.forgeries import with_contents

    return with_contents(data, container.dump(force=True))


def store_of(kit: Kit, count: int) -> bytes:
    """A security store that names one list very often, and many certificates once each."""
    update = Update(kit.b_b)
    one = update.new(stream(kit.pki.revocation_list("public-ca")))
    many = [update.new(stream(b"%d" % n)) for n in range(count)]
    store = update.new(
        b"<</Type/DSS/CRLs[%s]/Certs[%s]>>" % (b"%d 0 R " % one * count, b" ".join(b"%d 0 R" % n for n in many))
    )
    update.put(update.root, update.changed(update.catalog, DSS=b"%d 0 R" % store))
    return update.data()


def many_objects(kit: Kit, count: int, *, twice: bool = False) -> bytes:
    """A large honest paper with one signature, or with two: then revisions must be compared."""
    update = Update(writers.paper())
    for number in range(count):
        update.new(b"<</N %d/Next %d 0 R>>" % (number, update.size + 1))
    signed = kit.signed("an", update.data())
    return kit.signed("officer", signed, field="CanBo", at=SIGNED + timedelta(minutes=5)) if twice else signed


def table_ring() -> bytes:
    out = bytearray(b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n")
    first = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 3/Root 1 0 R/Prev %010d>>\n"
    second = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 3/Root 1 0 R/Prev %d>>\n" % first
    data = bytes(out).replace(b"%010d", b"%010d" % second)
    return data + b"startxref\n%d\n%%%%EOF\n" % second


def claims(index: bytes, size: int) -> bytes:
    """A table that says that it has very many rows."""
    start = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    return start + b"xref\n%s\n0000000000 65535 f \ntrailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        index, size, len(start),
    )  # fmt: skip


def brackets(kit: Kit, count: int) -> bytes:
    """A signed file whose page is one long run of what begins but never ends: strings, names, hex."""
    update = Update(writers.paper())
    update.new(b"(" * count)
    update.new(b"<" * count)
    return kit.signed("an", update.data())


def ranges(count: int) -> bytes:
    return whole({1: b"<</Type/Catalog/Pages 2 0 R>>", **_PAGES}) + b"/ByteRange [0 1 2 3]\n" * count


def page_tree(levels: int) -> bytes:
    """Pages that share their kids, as `field_dag` does with fields; signed by a signature of zeros."""
    objects = {1: b"<</Type/Catalog/Pages 10 0 R/AcroForm<</SigFlags 3/Fields[4 0 R]>>>>"}
    objects[4] = b"<</FT/Sig/T(S)/V 5 0 R>>"
    objects[5] = b"<</Type/Sig/Filter/A/SubFilter/ETSI.CAdES.detached/ByteRange [0 10 20 30]/Contents <00>>>"
    for level in range(levels):
        kid = 11 + level
        objects[10 + level] = b"<</Type/Pages/Count 9/Kids[%d 0 R %d 0 R]>>" % (kid, kid)
    objects[10 + levels] = b"<</Type/Page/MediaBox[0 0 9 9]>>"
    return whole(objects)


#: Cheap to make: the normal run takes them all.
SMALL: dict[str, Maker] = {
    "field-tree": lambda kit: field_dag(),
    "field-chain": lambda kit: field_chain(5_000),
    "field-ring": lambda kit: field_ring(),
    "page-tree": lambda kit: page_tree(40),
    "signatures-200": lambda kit: signatures(kit, 200),
    "signatures-40": lambda kit: signatures(kit, 40),
    "revisions-20000": lambda kit: revisions(kit, 20_000),
    "certificates-500": lambda kit: certificates(kit, 500),
    "certificates-5000": lambda kit: certificates(kit, 5_000),
    "bomb-table": lambda kit: bomb_in("table", 1 << 27),
    "bomb-object-stream": lambda kit: bomb_in("object-stream", 1 << 27),
    "bomb-double": lambda kit: bomb_in("double", 1 << 27),
    "bomb-store": lambda kit: bomb_behind(kit, 1 << 27),
    "arrays": lambda kit: nested(b"[", b"]", 100_000),
    "dictionaries": lambda kit: nested(b"<</A ", b">>", 20_000),
    "arrays-in-store": lambda kit: nested(b"[", b"]", 100_000, kit.b_b),
    "dictionaries-in-store": lambda kit: nested(b"<</VRI ", b">>", 20_000, kit.b_b),
    "table-ring": lambda kit: table_ring(),
    "huge-size": lambda kit: claims(b"0 1", 1 << 31),
    "huge-section": lambda kit: claims(b"0 2147483647", 1 << 31),
    "store-crowded": lambda kit: store_of(kit, 2_000),
    "ranges": lambda kit: ranges(100_000),
}
#: Dear to make or to check: the long run only.
LARGE: dict[str, Maker] = {
    "signed-40-times": lambda kit: signed_often(kit, 40),
    "bomb-table-1g": lambda kit: bomb_in("table", 1 << 30),
    "bomb-double-1g": lambda kit: bomb_in("double", 1 << 30),
    "objects-25000-two": lambda kit: many_objects(kit, 25_000, twice=True),
    "arrays-500000": lambda kit: nested(b"[", b"]", 500_000),
    "field-chain-50000": lambda kit: field_chain(50_000),
    "brackets": lambda kit: brackets(kit, 2_000_000),
}
