"""The value of one XML signature: does it fit the document, by the library and by a second reckoning of our own.

Only what the library hands back as signed counts (`signed_xml`), and it must be the document itself, less the
signature. Inclusive canonical XML of a part of a tree comes out of lxml with `xmlns=""` that nobody wrote, so that good
signatures of other tools fail; signxml's remedy is to strike those letters from the text, which would also let them be
slipped into a signed text. Here each part is parsed anew before it is canonicalised, and nothing is struck.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier
from signxml.exceptions import InvalidDigest, InvalidInput, InvalidSignature, SignXMLException

from services.signing.certificates import Certificate
from services.signing.findings import FINDINGS, PASSED, Finding
from services.signing.xml_reading import DS, parser, signature_elements
from services.signing.xml_shape import Shaped

_XML = "{http://www.w3.org/XML/1998/namespace}"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_SIGNED_INFO = f"{{{DS}}}SignedInfo"
_SHORTEST_RSA = 2048
_SHORTEST_CURVE = 256
STRONG_DIGESTS = frozenset(d for d in DigestAlgorithm if "SHA1" not in d.name)
STRONG_METHODS = frozenset(
    m for m in SignatureMethod if "SHA1" not in m.name and not m.name.startswith(("HMAC_", "DSA_"))
)


@dataclass(frozen=True, slots=True)
class Value:
    """What was found: PASSED, hash, crypto, weak or unparsable; and the signed parts, one by reference."""

    finding: Finding
    signed: tuple[Any, ...] = ()
    algorithm: str | None = None

    @property
    def intact(self) -> bool:
        return self.finding is PASSED or self.finding.code == "weak"


class Verifier(XMLVerifier):
    """The library's verifier for one signature among several, and with our canonical form."""

    def __init__(self, number: int = 0, *, without_all: bool = False) -> None:
        super().__init__()
        self._number = number
        self._without_all = without_all
        self._around: dict[str, str] = {}

    def _get_signature(self, root: Any) -> Any:
        found = signature_elements(root)[self._number]
        self._around = _xml_attributes(found)
        return found

    def _tostring(self, xml_node: Any, **options: Any) -> Any:
        return super()._tostring(xml_node, with_tail=False, **options)

    def _c14n(self, nodes: Any, algorithm: Any, inclusive_ns_prefixes: Any = None) -> bytes:
        fresh = etree.fromstring(etree.tostring(nodes, with_tail=False), parser=parser())
        if nodes.tag == _SIGNED_INFO and nodes.getparent() is not None:
            _take_over(fresh, self._around, algorithm.value)
        return bytes(super()._c14n(fresh, algorithm, inclusive_ns_prefixes))

    def _apply_transforms(self, payload: Any, *, transforms_node: Any, signature: Any) -> Any:
        if payload.getparent() is not None:
            listed = [] if transforms_node is None else list(transforms_node)
            algorithm = listed[-1].get("Algorithm") if listed else self.config.default_reference_c14n_method.value
            _take_over(payload, _xml_attributes(payload), algorithm)
        elif self._without_all:
            for each in signature_elements(payload):
                take_out(each)
        return super()._apply_transforms(payload, transforms_node=transforms_node, signature=signature)


def _xml_attributes(element: Any) -> dict[str, str]:
    """xml:lang and the like that an element has from those around it: inclusive canonical XML repeats them."""
    found: dict[str, str] = {}
    for above in element.iterancestors():
        found = {n: v for n, v in above.attrib.items() if n.startswith(_XML)} | found
    return found


def _take_over(element: Any, attributes: dict[str, str], algorithm: str) -> None:
    if algorithm.startswith(_EXCLUSIVE):
        return
    for name, value in attributes.items():
        if name not in element.attrib and not (algorithm.endswith("c14n11") and name == f"{_XML}id"):
            element.set(name, value)


def verified(root: Any, number: int, shaped: Shaped, leaf: Certificate) -> Value:
    """Verify signature `number` of the tree, whose shape was found good, with the key of `leaf`."""
    info = signature_elements(root)[number]
    method = info.find("./{*}SignedInfo/{*}SignatureMethod").get("Algorithm")
    algorithm = SignatureMethod(method).name.lower()
    try:
        results: Any = Verifier(number, without_all=shaped.without_all_signatures).verify(
            root,
            x509_cert=leaf.native,
            parser=parser(),
            expect_config=SignatureConfiguration(
                # Whether the certificate was good is judged elsewhere, at the time that counts.
                verification_time=leaf.native.not_valid_before_utc,
                expect_references=shaped.references,
                signature_methods=STRONG_METHODS,
                digest_algorithms=STRONG_DIGESTS,
                default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
            ),
        )
    except InvalidDigest:
        return Value(FINDINGS["hash"], algorithm=algorithm)
    except InvalidInput:
        return Value(FINDINGS["unparsable"], algorithm=algorithm)
    except InvalidSignature:
        return Value(FINDINGS["crypto"], algorithm=algorithm)
    except etree.DocumentInvalid:
        return Value(FINDINGS["cms_shape"], algorithm=algorithm)
    except (SignXMLException, ValueError, TypeError, KeyError, NotImplementedError):
        return Value(FINDINGS["unparsable"], algorithm=algorithm)
    found = [results] if shaped.references == 1 else list(results)
    signed = tuple(result.signed_xml for result in found)
    if len(signed) != shaped.references or not _is_document(signed[shaped.document], root, number, shaped):
        return Value(FINDINGS["byte_range"], algorithm=algorithm)
    return Value(PASSED if _is_strong(leaf) else FINDINGS["weak"], signed, algorithm)


def _is_document(signed: Any, root: Any, number: int, shaped: Shaped) -> bool:
    """Whether what the library calls signed is the document itself, less the signature."""
    if signed is None or signed.tag != root.tag:
        return False
    own = etree.fromstring(etree.tostring(root), parser=parser())
    signatures = signature_elements(own)
    for each in signatures if shaped.without_all_signatures else [signatures[number]]:
        take_out(each)
    return bool(_exclusive(own) == _exclusive(signed))


def take_out(element: Any) -> None:
    """Remove an element and leave the text behind it where it is."""
    parent, before = element.getparent(), element.getprevious()
    tail = element.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _exclusive(element: Any) -> bytes:
    return bytes(etree.tostring(element, method="c14n", exclusive=True, with_comments=False))


def _is_strong(leaf: Certificate) -> bool:
    key = leaf.native.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _SHORTEST_RSA
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _SHORTEST_CURVE


def canonical(element: Any, algorithm: str) -> bytes:
    """An element in a canonical form that the shape allows. Raises ValueError for others."""
    return Verifier()._c14n(element, CanonicalizationMethod(algorithm))
