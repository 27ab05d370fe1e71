"""Office files of a rehearsal: the smallest document that a word processor opens, signed as Office does it."""

from __future__ import annotations

import io
import zipfile
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from deploy.rehearsal.authority import Token

_DS = "http://www.w3.org/2000/09/xmldsig#"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>{more}</Types>'
)
_RELS = (
    f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
    'Target="word/document.xml"/>{more}</Relationships>'
)


def document(text: str) -> bytes:
    """A word-processing document of one paragraph."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{word}"><w:body><w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p></w:body></w:document>'
    return packed(
        {
            "[Content_Types].xml": _TYPES.format(more="").encode(),
            "_rels/.rels": _RELS.format(more="").encode(),
            "word/document.xml": body.encode(),
        }
    )


def packed(parts: dict[str, bytes]) -> bytes:
    """A package of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(zipfile.ZipInfo(name, (2024, 3, 11, 9, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unpacked(package: bytes) -> dict[str, bytes]:
    """The parts of a package by name."""
    with zipfile.ZipFile(io.BytesIO(package)) as made:
        return {name: made.read(name) for name in made.namelist()}


def sign_document(package: bytes, token: Token, *, at: datetime) -> bytes:
    """Sign the main part and its relationship, as word processors do."""
    parts = unpacked(package)
    stated = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    relationships = (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Target="word/document.xml" '
        f'TargetMode="Internal" Type="{_OFFICE}/officeDocument"></Relationship></Relationships>'
    ).encode()
    manifest = _reference("/word/document.xml?ContentType=application/xml", sha256(parts["word/document.xml"]).digest())
    manifest += _reference(
        "/_rels/.rels?ContentType=application/vnd.openxmlformats-package.relationships+xml",
        sha256(relationships).digest(),
        f'<Transforms><Transform Algorithm="{_PACKAGE}/RelationshipTransform"><m:RelationshipReference '
        f'xmlns:m="{_PACKAGE}/digital-signature" SourceId="rId1"/></Transform>'
        f'<Transform Algorithm="{_C14N}"/></Transforms>',
    )
    covered = (
        f'<Object xmlns="{_DS}" Id="idPackageObject"><Manifest>{manifest}</Manifest><SignatureProperties>'
        f'<SignatureProperty Id="idSignatureTime" Target="#idPackageSignature"><t:SignatureTime '
        f'xmlns:t="{_PACKAGE}/digital-signature"><t:Format>YYYY-MM-DDThh:mm:ssTZD</t:Format><t:Value>{stated}</t:Value>'
        "</t:SignatureTime></SignatureProperty></SignatureProperties></Object>"
    )
    info = etree.fromstring(
        f'<SignedInfo xmlns="{_DS}"><CanonicalizationMethod Algorithm="{_C14N}"/>'
        f'<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#{_method(token)}-sha256"/>'
        f"{_reference('#idPackageObject', sha256(_canonical(etree.fromstring(covered))).digest())}</SignedInfo>"
    )
    value = b64encode(_signed(token, _canonical(info))).decode()
    der = b64encode(token.certificate.public_bytes(serialization.Encoding.DER)).decode()
    signature = (
        f'<Signature xmlns="{_DS}" Id="idPackageSignature">{etree.tostring(info).decode()}<SignatureValue>{value}'
        f"</SignatureValue><KeyInfo><X509Data><X509Certificate>{der}</X509Certificate></X509Data></KeyInfo>{covered}"
        "</Signature>"
    )
    origin = (
        f'<Relationship Id="rId9" Type="{_PACKAGE}/relationships/digital-signature/origin" '
        'Target="_xmlsignatures/origin.sigs"/>'
    )
    kinds = (
        '<Default Extension="sigs" ContentType="application/vnd.openxmlformats-package.digital-signature-origin"/>'
        '<Override PartName="/_xmlsignatures/sig1.xml" '
        'ContentType="application/vnd.openxmlformats-package.digital-signature-xmlsignature+xml"/>'
    )
    return packed(
        {
            **parts,
            "[Content_Types].xml": _TYPES.format(more=kinds).encode(),
            "_rels/.rels": _RELS.format(more=origin).encode(),
            "_xmlsignatures/origin.sigs": b"",
            "_xmlsignatures/_rels/origin.sigs.rels": (
                f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
                f'Type="{_PACKAGE}/relationships/digital-signature/signature" Target="sig1.xml"/></Relationships>'
            ).encode(),
            "_xmlsignatures/sig1.xml": signature.encode(),
        }
    )


def _reference(address: str, digest: bytes, transforms: str = "") -> str:
    return (
        f'<Reference URI="{address}">{transforms}<DigestMethod Algorithm="{_SHA256}"/>'
        f"<DigestValue>{b64encode(digest).decode()}</DigestValue></Reference>"
    )


def _canonical(element: Any) -> bytes:
    return bytes(etree.tostring(element, method="c14n"))


def _method(token: Token) -> str:
    return "ecdsa" if isinstance(token.key, ec.EllipticCurvePrivateKey) else "rsa"


def _signed(token: Token, data: bytes) -> bytes:
    if isinstance(token.key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(token.key.sign(data, ec.ECDSA(hashes.SHA256())))
        size = (token.key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return token.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
