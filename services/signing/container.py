"""Our own reading of a signature container (CMS SignedData): signer, certificates, timestamps, shape.

Always from a parse of its own: touching the PDF library's objects can re-encode what was signed and turn a good
signature into a bad one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, core

from services.signing import structure, trust

_STAND_ONCE = frozenset(
    {"content_type", "message_digest", "signing_time", "signing_certificate", "signing_certificate_v2"}
)


@dataclass(frozen=True, slots=True)
class SignedData:
    """One container; `signer` is the certificate that its only signer information names, if it is there."""

    asn1: Any
    signer: trust.Certificate | None
    others: tuple[trust.Certificate, ...]

    @classmethod
    def load(cls, contents: bytes) -> SignedData:
        return cls.of(cms.ContentInfo.load(contents)["content"])

    @classmethod
    def of(cls, signed: Any) -> SignedData:
        """From a parsed SignedData that is ours alone."""
        found = _certificates(signed)
        sid = signed["signer_infos"][0]["sid"]
        signer = next((c for c in found if _is_meant(sid, c)), None)
        return cls(signed, signer, tuple(c for c in found if c is not signer))

    def problem(self, size: int) -> str | None:
        """A finding about the container's shape, or None. PAdES: one signer, with signed attributes, detached."""
        if size > structure.LIMITS.contents_bytes:
            return "limit"
        if _certificate_count(self.asn1) > structure.LIMITS.certificates:
            return "limit"
        infos = self.asn1["signer_infos"]
        if len(infos) != 1 or isinstance(infos[0]["signed_attrs"], core.Void) or not len(infos[0]["signed_attrs"]):
            return "cms_shape"
        if any(len(values) != 1 for values in self._of_one_kind(infos[0]["signed_attrs"]).values()):
            return "cms_shape"
        return None if self.signer else "no_signer"

    @staticmethod
    def _of_one_kind(attributes: Any) -> dict[str, list[Any]]:
        """Values of the attributes that stand once only and say one thing (RFC 5652 §11): readers might take either."""
        found: dict[str, list[Any]] = {}
        for attribute in attributes:
            if attribute["type"].native in _STAND_ONCE:
                found.setdefault(attribute["type"].native, []).extend(attribute["values"])
        return found

    def stamps(self) -> list[Any]:
        """The signature timestamps in it (their SignedData)."""
        unsigned = self.asn1["signer_infos"][0]["unsigned_attrs"]
        if isinstance(unsigned, core.Void):
            return []
        return [
            token["content"]
            for attribute in unsigned
            if attribute["type"].native == "signature_time_stamp_token"
            for token in attribute["values"]
        ]

    def stamped_at(self) -> datetime:
        """The time that a timestamp states, if this is one."""
        time: datetime = self.asn1["encap_content_info"]["content"].parsed["gen_time"].native
        return time


def _certificate_count(signed: Any) -> int:
    certificates = signed["certificates"]
    return 0 if isinstance(certificates, core.Void) else len(certificates)


def _certificates(signed: Any) -> list[trust.Certificate]:
    if not 0 < _certificate_count(signed) <= structure.LIMITS.certificates:
        return []
    found = []
    for choice in signed["certificates"]:
        if choice.name != "certificate":
            continue
        try:
            found.append(trust.Certificate.load(choice.chosen.dump()))
        except (ValueError, TypeError):
            # Unreadable for one of the libraries: it cannot be part of a chain.
            continue
    return found


def _is_meant(sid: Any, certificate: trust.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        wanted = sid.chosen
        if wanted["serial_number"].native != certificate.asn1.serial_number:
            return False
        named = wanted["issuer"]
        return bool(named.dump() == certificate.asn1.issuer.dump() or named.hashable == certificate.issuer)
    return bool(sid.chosen.native == certificate.asn1.key_identifier)
