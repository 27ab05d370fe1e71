"""Plays the responders of the certificate authorities: revocation lists, OCSP (RFC 6960), timestamps (RFC 3161).

    python -m services.signing.adapters.authority_simulator

    GET  /crl/<authority>.crl                          the authority's list, numbered, issued anew when it changes
    POST /ocsp/<authority>, GET /ocsp/<authority>/…    status of a certificate that the authority issued
    POST /tsa[?at=TIME]                                a timestamp; business time unless a time is asked for
    POST /revoke {"issuer", "serial", "at"}            the authority revokes: its next list says so
    POST /control {"down": true} | {"delay": 2.0} | {"withhold": ["public-ca"]} | {"wrong": "signature"} |
                  {"renew": true} | {}                     how it behaves from now on; {} heals it
    GET  /healthz/ready

Authorities are those of the rehearsal's test authority (MOTCUA_PKI), found when they are asked for. What it revoked and
how its lists are numbered outlives a restart. `wrong`: signature (another key's), old (a list that was replaced), stale
(its time for the next one is over), redirect, huge, broken.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp

from services.common.simulator_program import serve_until_told

LARGEST_BODY = 64 * 1024
LONGEST_DELAY = 60.0
HUGE = 40 * 1024 * 1024
WRONGS = ("signature", "old", "stale", "redirect", "huge", "broken")
NEXT_UPDATE = datetime(2032, 12, 30, tzinfo=UTC)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_DER = serialization.Encoding.DER
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Pki:
    """Certificates and keys of the test authority, read when they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def certificate(self, name: str, part: str = "authorities") -> x509.Certificate:
        """Raises FileNotFoundError."""
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(name)
        return x509.load_pem_x509_certificates((self.folder / part / f"{name}.pem").read_bytes())[0]

    def key(self, name: str, part: str = "authorities") -> PrivateKey:
        key = serialization.load_pem_private_key((self.folder / part / f"{name}.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        return key

    def revoked(self) -> list[dict[str, str]]:
        """What was revoked when the test authority was built: issuer, serial, at."""
        path = self.folder / "revoked.json"
        return list(json.loads(path.read_text())) if path.exists() else []

    def issued(self) -> Iterator[x509.Certificate]:
        for path in sorted(self.folder.glob("*/*.pem")):
            if path.parent.name in ("authorities", "tokens"):
                yield x509.load_pem_x509_certificates(path.read_bytes())[0]


class Responders:
    """What the authorities have revoked and which list each of them gave out last."""

    def __init__(self, pki: Pki, journal: Path | None, offset: float) -> None:
        self.pki, self.journal, self.offset = pki, journal, offset
        known = json.loads(journal.read_text()) if journal and journal.exists() else {}
        self.revocations: list[dict[str, str]] = known.get("revoked", [])
        self.numbers: dict[str, int] = known.get("numbers", {})
        self.lists: dict[str, tuple[str, bytes]] = {}
        self.replaced: dict[str, bytes] = {}
        self.lock = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def revoked_by(self, issuer: str) -> list[dict[str, str]]:
        return [row for row in (*self.pki.revoked(), *self.revocations) if row["issuer"] == issuer]

    def revoke(self, issuer: str, serial: int, at: datetime) -> None:
        with self.lock:
            self.revocations.append({"issuer": issuer, "serial": str(serial), "at": at.isoformat()})
            self._write()

    def renew(self) -> None:
        """Every authority issues its list anew when it is asked for next."""
        with self.lock:
            self.lists = {name: ("", der) for name, (_, der) in self.lists.items()}

    def list_of(self, issuer: str, wrong: str = "") -> bytes:
        """The authority's list. Raises FileNotFoundError."""
        above, key = self.pki.certificate(issuer), self.pki.key(issuer)
        rows = self.revoked_by(issuer)
        about = hashlib.sha256(json.dumps(rows).encode() + above.public_bytes(_DER)).hexdigest()
        with self.lock:
            if self.lists.get(issuer, ("", b""))[0] != about:
                if issuer in self.lists:
                    self.replaced[issuer] = self.lists[issuer][1]
                self.numbers[issuer] = self.numbers.get(issuer, 1) + 1
                self.lists[issuer] = about, self._made(above, key, rows, self.numbers[issuer])
                self._write()
            der = self.lists[issuer][1]
        if wrong == "old":
            return self.replaced.get(issuer, der)
        if wrong == "signature":
            return self._made(above, ec.generate_private_key(ec.SECP256R1()), [], self.numbers[issuer] + 1)
        if wrong == "stale":
            ended = self.now() - timedelta(days=1)
            return self._made(above, key, rows, self.numbers[issuer] + 1, ended - timedelta(days=7), ended)
        return der

    def _made(
        self, above: x509.Certificate, key: PrivateKey, rows: list[dict[str, str]], number: int,
        issued: datetime | None = None, next_update: datetime = NEXT_UPDATE,
    ) -> bytes:  # fmt: skip
        identifier = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(above.subject)
            .last_update((issued or self.now()).replace(microsecond=0))
            .next_update(next_update.replace(microsecond=0))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        for row in rows:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(int(row["serial"]))
                .revocation_date(datetime.fromisoformat(row["at"]))
                .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
                .build()
            )
        return builder.sign(key, hashes.SHA256()).public_bytes(_DER)

    def _write(self) -> None:
        if self.journal is not None:
            self.journal.parent.mkdir(parents=True, exist_ok=True)
            new = self.journal.with_suffix(".new")
            new.write_text(json.dumps({"revoked": self.revocations, "numbers": self.numbers}))
            new.replace(self.journal)

    def ocsp_answer(self, issuer: str, asked: bytes, wrong: str = "") -> bytes:
        """An answer about one certificate. Raises FileNotFoundError, ValueError for no question."""
        question = ocsp.load_der_ocsp_request(asked)
        above = self.pki.certificate(issuer)
        key, responder = self.pki.key(issuer), above
        if wrong == "signature":
            key, responder = _look_alike(above)
        row = next((r for r in self.revoked_by(issuer) if int(r["serial"]) == question.serial_number), None)
        known = any(c.serial_number == question.serial_number and c.issuer == above.subject for c in self.pki.issued())
        status = ocsp.OCSPCertStatus.REVOKED if row else ocsp.OCSPCertStatus.GOOD
        now = self.now().replace(microsecond=0) - (timedelta(days=30) if wrong == "stale" else timedelta())
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                issuer_name_hash=question.issuer_name_hash,
                issuer_key_hash=question.issuer_key_hash,
                serial_number=question.serial_number,
                algorithm=question.hash_algorithm,
                cert_status=status if row or known else ocsp.OCSPCertStatus.UNKNOWN,
                this_update=now,
                next_update=now + timedelta(days=1) if wrong == "stale" else NEXT_UPDATE,
                revocation_time=datetime.fromisoformat(row["at"]) if row else None,
                revocation_reason=x509.ReasonFlags.key_compromise if row else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
        )
        for extension in question.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(_DER)

    def timestamp(self, asked: bytes, at: datetime | None, wrong: str = "") -> bytes:
        """The answer to a request for a timestamp. Raises ValueError for no request."""
        request = tsp.TimeStampReq.load(asked, strict=True)
        imprint = request["message_imprint"]
        certificate = asn1_x509.Certificate.load(self.pki.certificate("timestamp", "tokens").public_bytes(_DER))
        key = self.pki.key("timestamp", "tokens")
        if wrong == "signature":
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        assert isinstance(key, rsa.RSAPrivateKey)
        moment = (at or self.now()).astimezone(UTC).replace(microsecond=0)
        info = {
            "version": "v1", "policy": "1.3.6.1.4.1.99999.1", "message_imprint": imprint,
            "serial_number": int.from_bytes(secrets.token_bytes(12), "big"), "gen_time": moment,
            "tsa": asn1_x509.GeneralName(name="directory_name", value=certificate.subject),
        }  # fmt: skip
        if request["nonce"].native is not None:
            info["nonce"] = request["nonce"]
        content = tsp.TSTInfo(info).dump()
        signer = tsp.SigningCertificateV2({"certs": [{"cert_hash": certificate.sha256}]})
        signed = cms.CMSAttributes([
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": core.UTCTime(moment)})]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [signer]}),
        ])  # fmt: skip
        digest = algos.DigestAlgorithm({"algorithm": "sha256"})
        who = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        data = cms.SignedData({
            "version": "v3", "digest_algorithms": [digest],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "certificates": [cms.CertificateChoices("certificate", certificate)],
            "signer_infos": [{
                "version": "v1", "sid": cms.SignerIdentifier("issuer_and_serial_number", who),
                "digest_algorithm": digest, "signature_algorithm": {"algorithm": "sha256_rsa"}, "signed_attrs": signed,
                "signature": key.sign(signed.untag().dump(), padding.PKCS1v15(), hashes.SHA256()),
            }],
        })  # fmt: skip
        token = cms.ContentInfo({"content_type": "signed_data", "content": data})
        answer: bytes = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
        return answer


def _look_alike(real: x509.Certificate) -> tuple[PrivateKey, x509.Certificate]:
    """A certificate of the same name with a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        real.subject, real.subject, key.public_key(), real.serial_number, real.not_valid_before_utc,
        real.not_valid_after_utc,
    )  # fmt: skip
    return key, builder.sign(key, hashes.SHA256())


class Simulator(ThreadingHTTPServer):
    """The responders with their present behaviour."""

    daemon_threads = True

    def __init__(self, port: int, responders: Responders) -> None:
        super().__init__((os.environ.get("MOTCUA_HTTP_HOST") or "127.0.0.1", port), _Handler)
        self.responders = responders
        self.down, self.delay, self.wrong = False, 0.0, ""
        self.withheld: list[str] = []
        self.asked: dict[str, int] = {}

    def control(self, order: dict[str, Any]) -> dict[str, Any]:
        """Takes an order: what it does not name goes back to normal. Raises ValueError."""
        down, delay, wrong = order.get("down", False), order.get("delay", 0.0), order.get("wrong", "")
        withheld = order.get("withhold", [])
        if not isinstance(down, bool) or not isinstance(delay, (int, float)) or not 0 <= delay <= LONGEST_DELAY:
            raise ValueError("an order is {down: bool, delay: seconds, withhold: names, wrong: word, renew: bool}")
        if (wrong and wrong not in WRONGS) or not isinstance(withheld, list):
            raise ValueError(f"wrong is one of {', '.join(WRONGS)}")
        self.down, self.delay, self.wrong, self.withheld = down, float(delay), wrong, [str(name) for name in withheld]
        if order.get("renew") is True:
            self.responders.renew()
        return {"down": self.down, "delay": self.delay, "wrong": self.wrong, "withhold": self.withheld,
                "asked": dict(self.asked)}  # fmt: skip

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Simulator

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        _, part, name, rest = (*path.split("/", 3), "", "", "", "")[:4]
        if path == "/healthz/ready":
            self._json(200, {"ready": True})
        elif part == "crl" and name.endswith(".crl") and not rest:
            self._serve(name.removesuffix(".crl"), "application/pkix-crl", self._list)
        elif part == "ocsp" and rest:
            self._serve(name, "application/ocsp-response", lambda n: self._ocsp(n, _unplain(rest)))
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            self._json(413, {"error": "length"})
            return
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        try:
            if parts.path == "/control":
                order = json.loads(body or b"{}")
                if not isinstance(order, dict):
                    raise ValueError("not an object")
                self._json(200, self.server.control(order))
            elif parts.path == "/revoke":
                row = json.loads(body)
                at = datetime.fromisoformat(row["at"]) if row.get("at") else self.server.responders.now()
                self.server.responders.revoke(str(row["issuer"]), int(row["serial"]), at)
                self._json(200, {"issuer": row["issuer"], "serial": str(row["serial"]), "at": at.isoformat()})
            elif parts.path == "/tsa":
                wanted = parse_qs(parts.query).get("at", [""])[0]
                moment = datetime.fromisoformat(wanted) if wanted else None
                stamp = lambda _: self.server.responders.timestamp(body, moment, self.server.wrong)  # noqa: E731
                self._serve("tsa", "application/timestamp-reply", stamp)
            elif parts.path.startswith("/ocsp/"):
                name = parts.path.removeprefix("/ocsp/").strip("/")
                self._serve(name, "application/ocsp-response", lambda n: self._ocsp(n, body))
            else:
                self._json(404, {})
        except (ValueError, KeyError, TypeError):
            self._json(400, {"error": "invalid"})

    def _list(self, name: str) -> bytes:
        return self.server.responders.list_of(name, self.server.wrong)

    def _ocsp(self, name: str, asked: bytes) -> bytes:
        try:
            return self.server.responders.ocsp_answer(name, asked, self.server.wrong)
        except ValueError:
            builder = ocsp.OCSPResponseBuilder
            return builder.build_unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST).public_bytes(_DER)

    def _serve(self, name: str, kind: str, make: Any) -> None:
        server = self.server
        server.asked[name] = server.asked.get(name, 0) + 1
        if server.delay:
            time.sleep(server.delay)
        if server.down or name in server.withheld:
            self._json(503, {"error": "temporarily_unavailable"})
        elif server.wrong == "redirect":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif server.wrong == "huge":
            self._answer(200, kind, bytes(HUGE))
        elif server.wrong == "broken":
            self._answer(200, kind, b"\x30\x03\x02\x01")
        else:
            try:
                self._answer(200, kind, make(name))
            except FileNotFoundError:
                self._json(404, {})

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(body).encode())

    def _answer(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""


def _unplain(text: str) -> bytes:
    try:
        return base64.b64decode(unquote(text), validate=True)
    except (binascii.Error, ValueError):
        return b""


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    state = os.environ.get("MOTCUA_STATE_DIR")
    journal = Path(state) / "data" / "simulators" / "authority.json" if state else None
    offset = float(os.environ.get("MOTCUA_CLOCK_OFFSET") or 0)
    responders = Responders(Pki(Path(os.environ["MOTCUA_PKI"])), journal, offset)
    return serve_until_told(Simulator(int(os.environ["MOTCUA_HTTP_PORT"]), responders))


if __name__ == "__main__":
    sys.exit(main())
