"""The shape that an XML signature must have before its value says anything.

Signatures in XML say themselves what they cover and how it is to be transformed, and most forgeries live there: a
signed part is moved aside and a forged one put in its place. So exactly one shape counts:

    <form [Id="x"]> … <ds:Signature> … </ds:Signature></form>

one reference to the whole document (URI="" or the root's own Id) less its signature, canonicalised at most once; beside
it only references to the signature's own key information and XAdES properties. Anything else is another signature than
ours: it is not judged, and never called absent.

Pure; raises Shape with the code of a finding.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod

from services.signing.xml_reading import DS, SIGNATURE

XADES = "http://uri.etsi.org/01903/v1.3.2#"
ENVELOPED = f"{DS}enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
# Known by heart, never evaluated: "all but the signatures", which several signers of one form need.
_ALL_BUT_SIGNATURES = "not(ancestor-or-self::ds:Signature)"
# What signatures are written in; anything else inside one must be signed by it.
_OWN_SPACES = (
    DS,
    "http://www.w3.org/2009/xmldsig11#",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://uri.etsi.org/01903/",
)
_CANONICAL = frozenset(m.value for m in CanonicalizationMethod if "WithComments" not in m.value)
_METHODS = frozenset(m.value for m in SignatureMethod if "HMAC" not in m.name and not m.name.startswith("DSA"))
_DIGESTS = frozenset(d.value for d in DigestAlgorithm)
_OBJECTS = frozenset({f"{{{XADES}}}QualifyingProperties", f"{{{DS}}}SignatureProperties"})


class Shape(Exception):
    """The signature has not the one shape that counts; `code` is the finding."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Shaped:
    """A signature of the right shape: how many references, and which of them tell what."""

    references: int
    document: int
    properties: int | None
    stated: tuple[int, ...]
    without_all_signatures: bool


def shape(root: Any, signature: Any) -> Shaped:
    """What the references of `signature` (a child of `root`) cover. Raises Shape."""
    _nothing_beside(root, signature)
    info = _only(signature, "SignedInfo")
    _method(info)
    references = info.findall(f"{{{DS}}}Reference")
    if not 1 <= len(references) <= 4:
        raise Shape("unsupported")
    ids = _ids(root)
    found: dict[str, list[int]] = {"document": [], "properties": [], "stated": [], "key": []}
    everything = False
    targets = []
    for number, reference in enumerate(references):
        kind, target = _target(root, signature, reference, ids)
        found[kind].append(number)
        targets.append(target)
        everything |= _transforms(reference, whole=kind == "document")
        _digest(reference)
    if len(found["document"]) != 1:
        raise Shape("partial" if not found["document"] else "unsupported")
    if len(found["properties"]) > 1 or len(found["key"]) > 1:
        raise Shape("unsupported")
    if not found["properties"] and signature.find(f".//{{{XADES}}}SignedProperties") is not None:
        # Properties that nobody signed must not tell the time, or whose certificate it is.
        raise Shape("unsupported")
    _nothing_foreign(signature, targets)
    return Shaped(
        references=len(references),
        document=found["document"][0],
        properties=found["properties"][0] if found["properties"] else None,
        stated=tuple(found["stated"]),
        without_all_signatures=everything,
    )


def _nothing_beside(root: Any, signature: Any) -> None:
    """No hiding places: the signature's own parts are covered by no digest of the document."""
    if signature.getparent() is not root:
        raise Shape("partial")
    # Instructions around the root change what is shown, and the library leaves them out of the digest.
    around = [*root.itersiblings(preceding=True), *root.itersiblings()]
    if any(node.tag is etree.ProcessingInstruction for node in around):
        raise Shape("ambiguous")
    if next(signature.iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
        raise Shape("ambiguous")
    # No digest covers comments. One within a text parts it, and a reader that takes the first part sees another value.
    if any(_text_of(comment.getparent()) for comment in root.iter(etree.Comment)):
        raise Shape("ambiguous")
    for item in signature.findall(f"{{{DS}}}Object"):
        if (item.text or "").strip() or len(item) != 1 or item[0].tag not in _OBJECTS:
            raise Shape("unsupported")


def _text_of(element: Any) -> str:
    """What stands in an element beside its children."""
    return "".join([element.text or "", *(child.tail or "" for child in element)]).strip()


def _nothing_foreign(signature: Any, signed: list[Any]) -> None:
    """Fields of a form that stand inside the signature, and that it does not sign, are nobody's. Raises Shape."""
    for element in signature.iter(etree.Element):
        if element.tag.startswith(tuple(f"{{{space}" for space in _OWN_SPACES)):
            continue
        inside = itertools.takewhile(lambda above: above is not signature, element.iterancestors())
        if not any(above in signed for above in inside):
            raise Shape("unsupported")


def _method(info: Any) -> None:
    canonical, method = _only(info, "CanonicalizationMethod"), _only(info, "SignatureMethod")
    if canonical.get("Algorithm") not in _CANONICAL:
        raise Shape("unsupported")
    if method.get("Algorithm") not in _METHODS:
        raise Shape("unsupported")
    if _is_sha1(method.get("Algorithm")):
        raise Shape("weak")


def _digest(reference: Any) -> None:
    algorithm = _only(reference, "DigestMethod").get("Algorithm")
    if _is_sha1(algorithm):
        raise Shape("weak")
    if algorithm not in _DIGESTS:
        raise Shape("unsupported")


def _is_sha1(algorithm: str) -> bool:
    return algorithm.lower().endswith(("sha1", "md5"))


def _target(root: Any, signature: Any, reference: Any, ids: dict[str, list[Any]]) -> tuple[str, Any]:
    """What a reference points at: the document, or a part of this very signature. Raises Shape for anything else."""
    address = reference.get("URI")
    if address == "":
        return "document", root
    if address is None or not address.startswith("#") or address.startswith("#xpointer"):
        raise Shape("unsupported")
    named = ids.get(address[1:], [])
    if len(named) != 1:
        # Two elements of one Id: readers may take the one, signers meant the other.
        raise Shape("ambiguous" if named else "hash")
    target = named[0]
    if target is root:
        return "document", root
    if signature not in target.iterancestors():
        raise Shape("partial")
    if target.getparent() is signature and target.tag == f"{{{DS}}}KeyInfo":
        return "key", target
    if target.tag == f"{{{XADES}}}SignedProperties" and target.getparent().getparent().getparent() is signature:
        return "properties", target
    if target.tag in (f"{{{DS}}}Object", f"{{{DS}}}SignatureProperties", f"{{{DS}}}SignatureProperty"):
        return "stated", target
    raise Shape("unsupported")


def _transforms(reference: Any, *, whole: bool) -> bool:
    """Whether the reference leaves out all signatures (else its own only). Raises Shape for foreign transforms."""
    listed = reference.findall(f"{{{DS}}}Transforms/{{{DS}}}Transform")
    algorithms = [item.get("Algorithm") for item in listed]
    taken_out = [a for a in algorithms if a not in _CANONICAL]
    canonical = algorithms[len(taken_out) :]
    if algorithms[: len(taken_out)] != taken_out or len(canonical) > 1 or not set(canonical) <= _CANONICAL:
        raise Shape("unsupported")
    if not whole:
        if taken_out:
            raise Shape("unsupported")
        return False
    if taken_out == [ENVELOPED]:
        return False
    known = XPATH in taken_out and set(taken_out) <= {ENVELOPED, XPATH} and len(set(taken_out)) == len(taken_out)
    if known and _is_all_but_signatures(listed[taken_out.index(XPATH)]):
        return True
    raise Shape("unsupported")


def _is_all_but_signatures(transform: Any) -> bool:
    paths = list(transform)
    return (
        len(paths) == 1
        and paths[0].tag == f"{{{DS}}}XPath"
        and len(paths[0]) == 0
        and (paths[0].text or "").strip() == _ALL_BUT_SIGNATURES
        and paths[0].nsmap.get("ds") == DS
    )


def _ids(root: Any) -> dict[str, list[Any]]:
    """Elements by each of their Ids, however the attribute is written."""
    found: dict[str, list[Any]] = {}
    for element in root.iter(etree.Element):
        names = {v for n, v in element.attrib.items() if etree.QName(n).localname.lower() == "id"}
        for value in names:
            found.setdefault(value, []).append(element)
    return found


def _only(parent: Any, name: str) -> Any:
    found = parent.findall(f"{{{DS}}}{name}")
    if len(found) != 1:
        raise Shape("cms_shape")
    return found[0]


def nested(signatures: list[Any]) -> bool:
    """Whether one signature stands inside another: a countersignature, or a place to hide one."""
    return any(next(item.iterancestors(SIGNATURE), None) is not None for item in signatures)
