"""Electronic forms of a rehearsal: XML files, signed with soft tokens as the tools in use do it.

XAdES-B (the default) states the time and names the certificate; plain XMLDSig does neither unless `stated` is asked
for. With a timestamp token the level is XAdES-T.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from pyhanko.sign import timestamps
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signxml import CanonicalizationMethod, SignatureMethod, SignatureReference, XMLSigner
from signxml.xades import XAdESSigner

from deploy.rehearsal.authority import Token
from deploy.rehearsal.papers import _certificate, _key

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
SPACE = "urn:motcua:rehearsal:form:1"


def form(title: str, values: Mapping[str, str], *, id: str | None = None) -> bytes:
    """An e-form with named values; the same arguments give the same bytes."""
    root = etree.Element(f"{{{SPACE}}}ToKhai", nsmap={None: SPACE}, attrib={"Id": id} if id else {})
    etree.SubElement(root, f"{{{SPACE}}}TieuDe").text = title
    for name, value in values.items():
        etree.SubElement(root, f"{{{SPACE}}}TruongDuLieu", ten=name).text = value
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def sign_form(
    xml: bytes,
    token: Token,
    *,
    at: datetime | None,
    timestamp: Token | None = None,
    exclusive: bool = False,
    reference: str | None = None,
    all_but_signatures: bool = False,
    stated: datetime | None = None,
) -> bytes:
    """Put an enveloped signature into the form, as the last child of its root.

    `at` (aware) is the time that XAdES states; None makes a plain XMLDSig without any time. `reference` is the root's
    Id where the signature should point at it rather than at the whole document; `exclusive` is for plain XMLDSig (the
    library does not say in XAdES references that it used that form). With `all_but_signatures` a plain signature leaves
    out every signature, as forms need that several people sign; with `stated` it states that time in a signed property,
    as e-invoices do.
    """
    root = etree.fromstring(xml)
    method = SignatureMethod.RSA_SHA256 if isinstance(token.key, rsa.RSAPrivateKey) else SignatureMethod.ECDSA_SHA256
    canonical = (
        CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
        if exclusive
        else CanonicalizationMethod.CANONICAL_XML_1_1
    )
    options: dict[str, Any] = {"signature_algorithm": method, "c14n_algorithm": canonical}
    signer = _Stated(at, **options) if at is not None else (_Among if all_but_signatures else _Exact)(**options)
    if stated is not None and at is None:
        signer.signature_annotators.append(lambda sig_root, signing_settings: _property(signer, sig_root, stated))
    earlier = [_taken_out(item) for item in root.findall(f"{{{DS}}}Signature")] if all_but_signatures else []
    signed = signer.sign(
        root,
        key=token.key,
        cert=[token.certificate, *token.chain],
        reference_uri=[SignatureReference(URI=reference or "")],
        always_add_key_value=False,
    )
    for item in earlier:
        signed[-1].addprevious(item)
    if timestamp is not None and at is not None:
        _stamp(signed, timestamp, at)
    return bytes(etree.tostring(signed, xml_declaration=True, encoding="UTF-8"))


class _Exact(XMLSigner):
    """A signer that points at exactly what it is told: the library turns the whole document ("") into "#"."""

    def _get_c14n_inputs_from_references(self, doc_root: Any, references: Any) -> Any:
        if [reference.URI for reference in references] == [""]:
            return [self.get_root(doc_root)], references
        return super()._get_c14n_inputs_from_references(doc_root, references)


class _Stated(_Exact, XAdESSigner):
    """A signer whose clock stands at `at`: the library asks the machine's otherwise."""

    def __init__(self, at: datetime, **options: Any) -> None:
        super().__init__(**options)
        self._at = at

    def add_signing_time(self, signed_signature_properties: Any, sig_root: Any, signing_settings: Any) -> None:
        stated = etree.SubElement(signed_signature_properties, f"{{{XADES}}}SigningTime")
        stated.text = self._at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class _Among(_Exact):
    """A signer that leaves out every signature of the form, by the filter that says so."""

    def _build_transforms_for_reference(self, **named: Any) -> None:
        super()._build_transforms_for_reference(**named)
        enveloped = named["transforms_node"][0]
        enveloped.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
        etree.SubElement(enveloped, f"{{{DS}}}XPath", nsmap={"ds": DS}).text = "not(ancestor-or-self::ds:Signature)"


def _property(signer: Any, signature: Any, stated: datetime) -> None:
    item = etree.SubElement(signature, f"{{{DS}}}Object", Id="thoiGianKy")
    listed = etree.SubElement(item, f"{{{DS}}}SignatureProperties")
    own = etree.SubElement(listed, f"{{{DS}}}SignatureProperty", Target="#thoiGianKy")
    etree.SubElement(own, "SigningTime").text = stated.isoformat()
    XAdESSigner._add_reference_to_signed_info(signer, signature, item)


def _taken_out(signature: Any) -> Any:
    signature.getparent().remove(signature)
    return signature


def _stamp(signed: Any, token: Token, at: datetime) -> None:
    signature = signed.find(f"{{{DS}}}Signature")
    canonical = "http://www.w3.org/2001/10/xml-exc-c14n#"
    value = signature.find(f"{{{DS}}}SignatureValue")
    covered = etree.tostring(value, method="c14n", exclusive=True, with_tail=False)
    stamper = timestamps.DummyTimeStamper(
        _certificate(token.certificate), _key(token.key), SimpleCertificateStore(), fixed_dt=at
    )
    answer = asyncio.run(stamper.async_timestamp(sha256(covered).digest(), "sha256"))
    properties = signature.find(f".//{{{XADES}}}QualifyingProperties")
    unsigned = etree.SubElement(properties, f"{{{XADES}}}UnsignedProperties")
    listed = etree.SubElement(unsigned, f"{{{XADES}}}UnsignedSignatureProperties")
    stamp = etree.SubElement(listed, f"{{{XADES}}}SignatureTimeStamp")
    etree.SubElement(stamp, f"{{{DS}}}CanonicalizationMethod", Algorithm=canonical)
    etree.SubElement(stamp, f"{{{XADES}}}EncapsulatedTimeStamp").text = b64encode(answer.dump()).decode()
