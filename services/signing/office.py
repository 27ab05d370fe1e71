"""Signatures in Office files (docx, xlsx, pptx): shown as information, never a gate.

An Office signature lists the parts that it covers; content types and document properties are never among them, so such
a file is not "unchanged as a whole", and most tools still sign with SHA-1. So a signed Office file is INDETERMINATE
whatever its signatures say (code office_information, or office_changed where a signed part was changed), and its report
names the signers. NO_SIGNATURE only for a whole package without any signature part, relationship or content type.
"""

from __future__ import annotations

import io
import zipfile
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives import hashes
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod
from signxml.algorithms import digest_algorithm_implementations

from services.signing import at_time, structure, trust
from services.signing.certificates import Certificate
from services.signing.description import certificate, iso, revocation
from services.signing.findings import FINDINGS, NO_SIGNATURE
from services.signing.pdf import Result
from services.signing.verdict import SignatureReport
from services.signing.xml_forms import certificates_of, moment_of
from services.signing.xml_reading import DS, SIGNATURE, Unreadable, parser, tree
from services.signing.xml_value import Verifier

_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_RELATIONSHIP_TRANSFORM = "http://schemas.openxmlformats.org/package/2006/RelationshipTransform"
_SIGNING = "http://schemas.openxmlformats.org/package/2006/digital-signature"
_TRACES = (b"digital-signature", b"xmlsignatures")
_CANONICAL = ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11")


@dataclass(frozen=True, slots=True)
class OfficeLimits:
    """Above these nothing is looked at: INDETERMINATE, code limit."""

    parts: int = 5_000
    unpacked_bytes: int = 128 * 1024 * 1024


OFFICE_LIMITS = OfficeLimits()


def check_office(data: bytes, *, snapshot: trust.Snapshot, received: datetime, now: datetime) -> Result:
    """What can be said of the signatures of an Office file; the verdict is never TOTAL_PASSED."""
    try:
        package = _Package(data)
        if not package.may_be_signed():
            return Result((NO_SIGNATURE,), parser="strict")
        names = [n for n in package.names() if n.lower().startswith("_xmlsignatures/") and n.lower().endswith(".xml")]
        if not names:
            return Result((FINDINGS["unsupported"],), parser="strict")
        if len(names) > structure.LIMITS.signatures:
            return Result((FINDINGS["limit"],), parser="strict")
        reports = tuple(_report(package, name, snapshot, received, now) for name in sorted(names))
        code = "office_information" if all(r.integrity_ok for r in reports) else "office_changed"
        return Result((FINDINGS[code],), reports, "strict")
    except Unreadable as problem:
        return Result((FINDINGS[problem.code],), parser="strict")
    except (RecursionError, MemoryError):
        return Result((FINDINGS["limit"],), parser="strict")
    except Exception:  # hostile input raises anything; whatever it is, nothing was verified
        return Result((FINDINGS["unsupported"],), parser="strict")


class _Package:
    """The parts of a ZIP that is whole: from its first byte to its last, each name once. Raises Unreadable."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise Unreadable("unsupported") from error
        listed = self._zip.infolist()
        if len(listed) > OFFICE_LIMITS.parts or sum(i.file_size for i in listed) > OFFICE_LIMITS.unpacked_bytes:
            raise Unreadable("limit")
        small = [item.filename.lower().lstrip("/") for item in listed]
        end = data.rfind(b"PK\x05\x06")
        whole = min((i.header_offset for i in listed), default=-1) == 0 and end + 22 + len(self._zip.comment) == len(
            data
        )
        if len(set(small)) != len(small) or not whole or any(item.flag_bits & 1 for item in listed):
            raise Unreadable("ambiguous")
        self._items = {item.filename.lstrip("/"): item for item in listed}

    def names(self) -> list[str]:
        return list(self._items)

    def read(self, name: str) -> bytes:
        """A part as it is unpacked. Raises Unreadable where it is not as large as it says, KeyError."""
        item = self._items[name]
        with self._zip.open(item) as source:
            data = source.read(item.file_size + 1)
        if len(data) != item.file_size:
            raise Unreadable("ambiguous")
        return data

    def may_be_signed(self) -> bool:
        if any(trace in name.lower().encode() for name in self._items for trace in (*_TRACES, b"signature")):
            return True
        told = [n for n in self._items if n.lower() == "[content_types].xml" or n.lower().endswith(".rels")]
        if "[content_types].xml" not in (name.lower() for name in told):
            return True
        return any(trace in etree.tostring(tree(self.read(name))).lower() for name in told for trace in _TRACES)


def _report(
    package: _Package, name: str, snapshot: trust.Snapshot, received: datetime, now: datetime
) -> SignatureReport:
    leaf, judged, intact, stated, method = None, at_time.Judged(FINDINGS["no_signer"]), False, None, None
    try:
        root = tree(package.read(name))
        if root.tag != SIGNATURE:
            return SignatureReport(FINDINGS["office_changed"])
        leaf, others = certificates_of(root)
        method = SignatureMethod(root.find(f"{{{DS}}}SignedInfo/{{{DS}}}SignatureMethod").get("Algorithm")).name.lower()
        if leaf is not None:
            stated = _stated(root)
            judged = at_time.judged(
                leaf, snapshot=snapshot, received=received, now=now, claimed=stated or received, offered=others
            )
            intact = _value_fits(root, leaf) and _parts_fit(package, root)
    except (RecursionError, MemoryError):
        raise
    except Exception:  # see check_office
        intact = False
    return SignatureReport(
        finding=FINDINGS["office_information" if intact else "office_changed"],
        **certificate(leaf, judged.chain),
        signing_time=iso(stated),
        time_basis="claimed+receipt" if stated else "receipt",
        integrity_ok=intact,
        chain_ok=judged.chain is not None,
        **revocation(judged),
        covers_whole_document=False,
        algorithm=method,
    )


def _value_fits(root: Any, leaf: Certificate) -> bool:
    """Whether the value and each reference to the signature's own objects fit. Raises what the library raises."""
    Verifier().verify(
        root,
        x509_cert=leaf.native,
        parser=parser(),
        validate_schema=False,
        expect_config=SignatureConfiguration(
            verification_time=leaf.native.not_valid_before_utc,
            expect_references=True,
            # For information SHA-1 will do: it is what most of these files carry.
            signature_methods=frozenset(m for m in SignatureMethod if "HMAC" not in m.name),
            digest_algorithms=frozenset(DigestAlgorithm),
        ),
    )
    covered = {r.get("URI") for r in root.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")}
    manifests = root.findall(f"{{{DS}}}Object/{{{DS}}}Manifest")
    return len(manifests) == 1 and f"#{manifests[0].getparent().get('Id')}" in covered


def _parts_fit(package: _Package, root: Any) -> bool:
    """Whether every listed part is as it was, and every part of the document is listed."""
    listed = set()
    for reference in root.findall(f"{{{DS}}}Object/{{{DS}}}Manifest/{{{DS}}}Reference"):
        name = unquote(reference.get("URI").partition("?")[0]).lstrip("/")
        algorithm = DigestAlgorithm(reference.find(f"{{{DS}}}DigestMethod").get("Algorithm"))
        digest = hashes.Hash(digest_algorithm_implementations[algorithm]())
        digest.update(_transformed(package.read(name), reference))
        if b64decode(reference.find(f"{{{DS}}}DigestValue").text) != digest.finalize():
            return False
        listed.add(name)
    body = {n for n in package.names() if n.startswith(("word/", "xl/", "ppt/")) and not n.endswith("/")}
    return bool(listed) and {n for n in body if "/_rels/" not in n} <= listed


def _transformed(part: bytes, reference: Any) -> bytes:
    for transform in reference.findall(f"{{{DS}}}Transforms/{{{DS}}}Transform"):
        algorithm = transform.get("Algorithm")
        if algorithm == _RELATIONSHIP_TRANSFORM:
            part = _relationships(part, transform)
        elif algorithm in _CANONICAL:
            part = etree.tostring(tree(part), method="c14n", with_comments=False)
        else:
            raise Unreadable("unsupported")
    return part


def _relationships(part: bytes, transform: Any) -> bytes:
    """The relationships that the signature names, sorted, with their defaults (ECMA-376-2 §13.2.4.24)."""
    root = tree(part)
    ids = {i.get("SourceId") for i in transform.findall(f"{{{_SIGNING}}}RelationshipReference")}
    types = {i.get("SourceType") for i in transform.findall(f"{{{_SIGNING}}}RelationshipsGroupReference")}
    kept = [r for r in root if isinstance(r.tag, str) and (r.get("Id") in ids or r.get("Type") in types)]
    out = etree.Element(f"{{{_RELATIONSHIPS}}}Relationships", nsmap={None: _RELATIONSHIPS})
    for item in sorted(kept, key=lambda r: r.get("Id") or ""):
        plain = etree.SubElement(out, f"{{{_RELATIONSHIPS}}}Relationship", dict(item.attrib))
        plain.set("TargetMode", item.get("TargetMode") or "Internal")
    return bytes(etree.tostring(out, method="c14n"))


def _stated(root: Any) -> datetime | None:
    found = [e.text for e in root.iter(f"{{{_SIGNING}}}Value")]
    return moment_of(found[0]) if len(found) == 1 else None
