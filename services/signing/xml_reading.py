"""Reading an XML file that nobody trusts: bounded, without document type, and the same for two parsers.

The first parser stops at the limits and at the first `<!DOCTYPE`, before anything of it counts; the second builds the
tree that is judged. What they see differently is read by nobody. Signature elements are found by what they are called,
in whatever prefix or encoding, and by traces of them in text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE = f"{{{DS}}}Signature"
# Words that only signatures use, in whatever namespace.
_SIGNATURE_WORDS = frozenset(
    {"signature", "signedinfo", "signaturevalue", "x509data", "x509certificate", "encryptedsignature"}
)
# A signature as text: escaped XML, or a container in letters.
_TRACES = ("xmldsig", "signaturevalue", "-----begin")
_ENCODINGS = frozenset({"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1"})


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What lies above is answered INDETERMINATE (code limit); libxml2's own depth limit is 256."""

    file_bytes: int = 8 * 1024 * 1024
    depth: int = 100
    elements: int = 200_000
    attributes: int = 128
    # Each signature costs a few readings of the whole form.
    judged_bytes: int = 16 * 1024 * 1024


XML_LIMITS = XmlLimits()


class Unreadable(Exception):
    """No XML that both parsers read alike; `code` is the finding."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def tree(data: bytes, limits: XmlLimits = XML_LIMITS) -> Any:
    """The root element. Raises Unreadable: limit, xml_dtd, or unparsable."""
    if len(data) > limits.file_bytes:
        raise Unreadable("limit")
    counted = _first_look(data, limits)
    try:
        root = etree.fromstring(data, parser=parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("unparsable") from error
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.externalDTD is not None or next(root.iter(etree.Entity), None) is not None:
        raise Unreadable("xml_dtd")
    if sum(1 for _ in root.iter(etree.Element)) != counted:
        raise Unreadable("ambiguous")
    return root


def parser() -> Any:
    """A parser that fetches nothing, expands nothing and keeps libxml2's own limits."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, collect_ids=False)


def _first_look(data: bytes, limits: XmlLimits) -> int:
    """Counts elements; raises Unreadable at the first limit that is crossed."""
    depth = elements = 0
    looking = expat.ParserCreate()

    def begin(_name: str, attributes: list[str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > limits.depth or elements > limits.elements or len(attributes) > 2 * limits.attributes:
            raise Unreadable("limit")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: Any) -> None:
        raise Unreadable("xml_dtd")

    def declaration(_version: str, encoding: str | None, _alone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise Unreadable("unparsable")

    looking.ordered_attributes = True
    looking.StartElementHandler = begin
    looking.EndElementHandler = end
    looking.StartDoctypeDeclHandler = doctype
    looking.XmlDeclHandler = declaration
    try:
        looking.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable("unparsable") from error
    return elements


def signature_elements(root: Any) -> list[Any]:
    """All ds:Signature elements, in document order."""
    return list(root.iter(SIGNATURE))


def may_be_signed(root: Any) -> bool:
    """Whether a tree without ds:Signature may carry a signature all the same: of another kind, or as text."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            if _traced(element.text):
                return True
            continue
        name = etree.QName(element)
        if name.localname.lower() in _SIGNATURE_WORDS or "xmldsig" in (name.namespace or "").lower():
            return True
        if _traced(element.text) or _traced(element.tail) or any(_traced(value) for value in element.attrib.values()):
            return True
        # A container in base64 begins with SEQUENCE and a long length: "MII".
        if element.text and len(element.text) > 500 and element.text.lstrip().startswith("MI"):
            return True
    return False


def _traced(text: str | None) -> bool:
    return bool(text) and any(trace in text.lower() for trace in _TRACES)  # type: ignore[union-attr]
