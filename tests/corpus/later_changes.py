"""Changes after signing: what may follow a signature (LTA updates, another signature) and what may not."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta

from pyhanko.sign.fields import MDPPerm

from tests.corpus import signing, writers
from tests.corpus.case import FAILED, REFUSED, SIGNED, Case
from tests.corpus.kit import Kit
from tests.corpus.update import Update, stream, written

FORGED = b"BT /F1 24 Tf 72 700 Td (FORGED) Tj ET"


def cases(kit: Kit) -> Iterator[Case]:
    yield from _updates(kit)
    yield from _fields(kit)
    yield from _certified(kit)
    yield from _appended(kit)
    yield from _between(kit)


def page_replaced(signed: bytes) -> bytes:
    """A proper update that gives the page another content."""
    update = Update(signed)
    content = update.new(stream(FORGED))
    update.put(update.page_number, update.changed(update.page, Contents=b"%d 0 R" % content))
    return update.data()


def content_replaced(signed: bytes) -> bytes:
    """The content's own object written anew."""
    update = Update(signed)
    contents = update.page.raw_get("/Contents")
    update.put(contents.idnum, stream(FORGED))
    return update.data()


def annotated(signed: bytes, subtype: str) -> bytes:
    """An annotation over the page (evil annotation attack)."""
    update = Update(signed)
    look = update.new(stream(FORGED, b"/Type/XObject/Subtype/Form/BBox[0 0 340 90]"))
    note = update.new(
        b"<</Type/Annot/Subtype/%s/Rect[60 700 400 790]/Contents(FORGED)/DA(/Helv 12 Tf)/F 4/AP<</N %d 0 R>>>>"
        % (subtype.encode(), look)
    )
    marks = b" ".join(written(m) for m in update.page.get("/Annots", ()))
    update.put(update.page_number, update.changed(update.page, Annots=b"[%s %d 0 R]" % (marks, note)))
    return update.data()


def page_added(signed: bytes) -> bytes:
    update = Update(signed)
    tree = update.number(update.catalog, "/Pages")
    content = update.new(stream(FORGED))
    page = update.new(
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents %d 0 R>>" % (tree, content)
    )
    pages = update.catalog["/Pages"]
    kids = b" ".join(written(kid) for kid in pages["/Kids"])
    count = b"%d" % (int(pages["/Count"]) + 1)
    update.put(tree, update.changed(pages, Kids=b"[%s %d 0 R]" % (kids, page), Count=count))
    return update.data()


def page_removed(signed: bytes) -> bytes:
    update = Update(signed)
    pages = update.catalog["/Pages"]
    update.put(
        update.number(update.catalog, "/Pages"),
        update.changed(pages, Kids=b"[%s]" % written(pages["/Kids"][0].indirect_reference), Count=b"1"),
    )
    return update.data()


def catalog_changed(signed: bytes, **more: bytes) -> bytes:
    update = Update(signed)
    update.put(update.root, update.changed(update.catalog, **more))
    return update.data()


_CATALOG = {
    "script": {"OpenAction": b"<</S/JavaScript/JS(app.alert\\(1\\))>>"},
    "attachment": {"Names": b"<</EmbeddedFiles<</Names[]>>>>"},
    "layers": {"OCProperties": b"<</OCGs[]/D<<>>>>"},
    "permissions": {"Perms": b"<<>>"},
    "nothing-visible": {"Lang": b"(vi)"},
}


def _updates(kit: Kit) -> Iterator[Case]:
    for base, signed in (kit.bases | {"b-lta": kit.b_lta}).items():
        control = f"honest/{base}.pdf"
        for name, make in {
            "page-replaced": page_replaced,
            "content-replaced": content_replaced,
            "page-added": page_added,
            "page-removed": page_removed,
        }.items():
            yield Case(f"later/{name}-{base}.pdf", make(signed), "later-change", FAILED, "FORMAT_FAILURE", control)
    for name, keys in _CATALOG.items():
        yield Case(f"later/catalog-{name}.pdf", catalog_changed(kit.b_b, **keys), "later-change", FAILED,
                   "FORMAT_FAILURE", "honest/b-b.pdf")  # fmt: skip
    empty = Update(kit.b_b)
    empty.new(b"<</Unused true>>")
    yield Case("later/unreferenced-object.pdf", empty.data(), "later-change", REFUSED, control="honest/b-b.pdf")
    hidden_file = Update(kit.b_lta)
    hidden_file.new(stream(b"MZ anything"))
    yield Case("later/hidden-file.pdf", hidden_file.data(), "later-change", REFUSED, control="honest/b-lta.pdf")
    # A file inside the security store: allowed keys only.
    store = Update(kit.b_b)
    hidden = store.new(stream(b"PK\x03\x04 not a certificate"))
    listed = store.new(b"<</Type/DSS/Certs[%d 0 R]>>" % hidden)
    store.put(store.root, store.changed(store.catalog, DSS=b"%d 0 R" % listed))
    yield Case("later/file-in-store.pdf", store.data(), "later-change", REFUSED, control="honest/b-b.pdf")


def _fields(kit: Kit) -> Iterator[Case]:
    for base, signed in kit.bases.items():
        control = f"honest/{base}.pdf"
        for subtype in ("FreeText", "Stamp", "Text"):
            yield Case(f"later/{subtype.lower()}-{base}.pdf", annotated(signed, subtype), "overlay", FAILED,
                       "FORMAT_FAILURE", control)  # fmt: skip
        covering = signing.with_field(signed, "Them", (60, 700, 400, 790))
        yield Case(f"later/empty-field-{base}.pdf", covering, "overlay", FAILED, "FORMAT_FAILURE", control)
    form = kit.signed("an", writers.form())
    yield Case("honest/form.pdf", form)
    yield Case(
        "later/form-filled.pdf", writers.filled(form), "later-change", FAILED, "FORMAT_FAILURE", "honest/form.pdf"
    )
    # The signed field gets a new face.
    seen = kit.signed("an", box=(300, 40, 500, 100))
    update = Update(seen)
    look = update.new(stream(FORGED, b"/Type/XObject/Subtype/Form/BBox[0 0 200 60]"))
    mark = update.page["/Annots"][0]
    update.put(mark.indirect_reference.idnum, update.changed(mark.get_object(), AP=b"<</N %d 0 R>>" % look))
    yield Case("later/appearance-swapped.pdf", update.data(), "overlay", FAILED, "FORMAT_FAILURE", "honest/visible.pdf")
    moved = Update(seen)
    mark = moved.page["/Annots"][0]
    moved.put(mark.indirect_reference.idnum, moved.changed(mark.get_object(), Rect=b"[0 0 595 842]"))
    yield Case("later/field-moved.pdf", moved.data(), "overlay", FAILED, "FORMAT_FAILURE", "honest/visible.pdf")


def _certified(kit: Kit) -> Iterator[Case]:
    """Attacks on certified documents: evil annotations, and signature fields used as overlays."""
    for word, permission in (("closed", MDPPerm.NO_CHANGES), ("open", MDPPerm.FILL_FORMS), ("notes", MDPPerm.ANNOTATE)):
        certified = kit.signed("agency", certify=permission)
        control = f"honest/certified-{'annotations' if word == 'notes' else word}.pdf"
        for subtype in ("FreeText", "Stamp"):
            noted = annotated(certified, subtype)
            yield Case(
                f"certified/{subtype.lower()}-{word}.pdf", noted, "certification", FAILED, "FORMAT_FAILURE", control
            )
        covering = signing.with_field(certified, "Them", (60, 700, 400, 790))
        yield Case(f"certified/field-{word}.pdf", covering, "certification", FAILED, "FORMAT_FAILURE", control)
        yield Case(f"certified/content-{word}.pdf", content_replaced(certified), "certification", FAILED,
                   "FORMAT_FAILURE", control)  # fmt: skip
    # A visible signature of nobody, drawn over the text.
    certified = kit.signed("agency", certify=MDPPerm.FILL_FORMS)
    own = kit.signed("self-signed", certified, field="Them", box=(60, 700, 400, 790))
    yield Case("certified/visible-self-signed.pdf", own, "certification", REFUSED, control="honest/certified-open.pdf")


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("[Content_Types].xml"), b"<Types/>")
    return out.getvalue()


#: Bytes behind a signed file: comments, other formats, objects without a table.
APPENDED = {
    "comment": b"\n% added after signing\n",
    "zip": _zip(),
    "html": b"\n<html><script>alert(1)</script></html>\n",
    "loose-object": b"\n4 0 obj\n" + stream(FORGED) + b"\nendobj\n",
    "end": b"%%EOF\n",
    "startxref": b"startxref\n0\n%%EOF\n",
    "zeros": b"\0" * 64,
    "words": b"hidden",
    "pdf": writers.paper("Another"),
}


def _appended(kit: Kit) -> Iterator[Case]:
    for base, signed in kit.bases.items():
        for name, more in APPENDED.items():
            # Zeros are white space for a PDF: a file with them behind its end may be refused, but says nothing else.
            refused = (*REFUSED, "TOTAL_PASSED") if name == "zeros" else REFUSED
            yield Case(f"appended/{name}-{base}.pdf", signed + more, "appended", refused, control=f"honest/{base}.pdf")
    for name, more in {
        "zip": _zip(),
        "html": b"<html></html>\n",
        "shell": b"#!/bin/sh\nexit\n",
        "gif": b"GIF89a",
    }.items():
        yield Case(f"appended/{name}-before.pdf", more + kit.b_b, "appended", REFUSED, control="honest/b-b.pdf")


def _between(kit: Kit) -> Iterator[Case]:
    """The first signer signed one text, the second another: every signature must stand for the whole."""
    for name, make in {"content": content_replaced, "page": page_replaced, "added": page_added}.items():
        later = kit.signed("officer", make(kit.b_b), field="CanBo", at=SIGNED + timedelta(minutes=20))
        yield Case(f"between/{name}.pdf", later, "later-change", FAILED, "FORMAT_FAILURE", "honest/two.pdf")
    noted = kit.signed("officer", annotated(kit.b_b, "FreeText"), field="CanBo", at=SIGNED + timedelta(minutes=20))
    yield Case("between/note.pdf", noted, "later-change", FAILED, "FORMAT_FAILURE", "honest/two.pdf")
    loose = kit.b_b + APPENDED["loose-object"]
    later = kit.signed("officer", loose, field="CanBo", at=SIGNED + timedelta(minutes=20))
    yield Case("between/loose-object.pdf", later, "later-change", REFUSED, control="honest/two.pdf")
    stamped = signing.document_stamp(content_replaced(kit.b_t), kit.pki["stamp"], at=SIGNED + timedelta(minutes=9))
    yield Case("between/stamp-over-change.pdf", stamped, "later-change", FAILED, "FORMAT_FAILURE", "honest/b-t.pdf")
