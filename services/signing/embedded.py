"""What a signed file brings along to prove its signatures: certificates, revocation lists, OCSP answers.

They lie in the security store (/DSS and its /VRI), in Adobe's signed attribute, in the container's own list of
revocation data and in the attributes of CAdES. All of it is only offered: what counts was signed by the right key
(see `revocation`), and the rest says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms, core, ocsp, x509
from asn1crypto import crl as asn1_crl

from services.signing import structure
from services.signing.certificates import Certificate
from services.signing.revocation import Answer, RevocationList

_OCSP_FORMAT = "1.3.6.1.5.5.7.16.2"  # an OCSP answer among a container's revocation data, RFC 5940
_CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23"
_REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24"


class _Lists(core.SequenceOf):
    _child_spec = asn1_crl.CertificateList


class _Basics(core.SequenceOf):
    _child_spec = ocsp.BasicOCSPResponse


class _RevocationValues(core.Sequence):
    _fields = [
        ("crls", _Lists, {"explicit": 0, "optional": True}),
        ("ocsps", _Basics, {"explicit": 1, "optional": True}),
        ("others", core.Any, {"explicit": 2, "optional": True}),
    ]


class _Certificates(core.SequenceOf):
    _child_spec = x509.Certificate


@dataclass(frozen=True, slots=True)
class Brought:
    """Offered data, each once."""

    certificates: tuple[Certificate, ...] = ()
    lists: tuple[RevocationList, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def speaks_of_revocation(self) -> bool:
        return bool(self.lists or self.answers)

    def __add__(self, other: Brought) -> Brought:
        return Brought(
            _distinct((*self.certificates, *other.certificates)),
            _distinct((*self.lists, *other.lists)),
            _distinct((*self.answers, *other.answers)),
        )


def _distinct(items: Iterable[Any]) -> tuple[Any, ...]:
    return tuple({item.der: item for item in items}.values())


def of_container(signed: Any) -> Brought:
    """The revocation data and further certificates of one container (a parse of our own). Never raises ValueError."""
    lists: list[RevocationList] = []
    answers: list[Answer] = []
    certificates: list[Certificate] = []
    for kind, der in _items(signed):
        if len(lists) + len(answers) + len(certificates) == structure.LIMITS.brought:
            break
        _load(kind, der, lists, answers, certificates)
    return Brought(tuple(certificates), tuple(lists), tuple(answers))


def _load(
    kind: str, der: bytes, lists: list[RevocationList], answers: list[Answer], certificates: list[Certificate]
) -> None:
    try:
        if kind == "crl":
            lists.append(RevocationList.load(der))
        elif kind == "certificate":
            certificates.append(Certificate.load(der))
        else:
            found = Answer.load(der) if kind == "ocsp" else Answer(der, ocsp.BasicOCSPResponse.load(der, strict=True))
            if found is not None:
                answers.append(found)
    except (ValueError, TypeError, KeyError):
        return  # unreadable: it can prove nothing


def _items(signed: Any) -> Iterator[tuple[str, bytes]]:
    for source in (_own, _adobe, _cades):
        try:
            yield from source(signed)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue


def _own(signed: Any) -> Iterator[tuple[str, bytes]]:
    choices = signed["crls"]
    for choice in () if isinstance(choices, core.Void) else choices:
        if choice.name == "certificate_list":
            yield "crl", choice.chosen.dump()
        elif choice.chosen["other_rev_info_format"].dotted == _OCSP_FORMAT:
            yield "ocsp", choice.chosen["other_rev_info"].dump()


def _adobe(signed: Any) -> Iterator[tuple[str, bytes]]:
    for attribute in _attributes(signed, "signed_attrs"):
        if attribute["type"].native != "adobe_revocation_info_archival":
            continue
        for value in attribute["values"]:
            for name, kind in (("crl", "crl"), ("ocsp", "ocsp")):
                for item in () if isinstance(value[name], core.Void) else value[name]:
                    yield kind, item.dump()


def _cades(signed: Any) -> Iterator[tuple[str, bytes]]:
    for attribute in _attributes(signed, "unsigned_attrs"):
        number = attribute["type"].dotted
        for value in attribute["values"] if number in _CADES else ():
            yield from _CADES[number](value.dump())


def _revocation_values(der: bytes) -> Iterator[tuple[str, bytes]]:
    values = _RevocationValues.load(der)
    for name, kind in (("crls", "crl"), ("ocsps", "basic")):
        for item in () if isinstance(values[name], core.Void) else values[name]:
            yield kind, item.dump()


def _certificate_values(der: bytes) -> Iterator[tuple[str, bytes]]:
    for item in _Certificates.load(der):
        yield "certificate", item.dump()


_CADES: dict[str, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
    _CERTIFICATE_VALUES: _certificate_values,
    _REVOCATION_VALUES: _revocation_values,
}


def _attributes(signed: Any, part: str) -> Iterable[cms.CMSAttribute]:
    attributes = signed["signer_infos"][0][part]
    return () if isinstance(attributes, core.Void) else attributes
