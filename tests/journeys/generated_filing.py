"""Files a dossier with the generated client alone; a program of its own that imports nothing of the system.

    python generated_filing.py GATEWAY SMS FORM.pdf SCAN.pdf

Registers with a code from the phone, signs in, uploads two files, files and reads; prints what it was told as JSON.
"""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
import re
import sys
import time
import urllib.request
import uuid
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import motcua_client
from motcua_client import api, models, types


def operations() -> dict[str, ModuleType]:
    """Every generated operation by its id; the folders are named after Vietnamese tags."""
    found = {}
    for module in pkgutil.walk_packages(api.__path__, "motcua_client.api."):
        if not module.ispkg:
            found[module.name.rpartition(".")[2]] = importlib.import_module(module.name)
    return found


DO = operations()


def done(name: str, status: int, **given: Any) -> Any:
    """The parsed answer of one operation, which must have this status."""
    answer = DO[name].sync_detailed(**given)
    if answer.status_code != status:
        raise SystemExit(f"{name}: {answer.status_code} {answer.content.decode()[:500]}")
    return answer.parsed


def key() -> str:
    return uuid.uuid4().hex


def code_on(sms: str, phone: str, reference: str) -> str:
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        with urllib.request.urlopen(f"{sms}/messages?to={phone}&after=0") as got:
            messages = json.load(got)["messages"]
        for message in messages:
            found = re.search(r"\b(\d{6})\b", message["text"])
            if message["reference"] == f"code-{reference}" and found:
                return found[1]
        time.sleep(0.1)
    raise SystemExit("no code came")


def stored(client: Any, path: str, filename: str) -> str:
    body = types.File(payload=io.BytesIO(Path(path).read_bytes()), file_name=filename)
    answer = done(
        "vault_open_upload", 201, client=client, body=body, filename=filename, idempotency_key=key(),
        purpose=models.VaultOpenUploadPurpose.COMPONENT,
    )  # fmt: skip
    return str(answer.file_id)


def main(gateway: str, sms: str, form: str, scan: str) -> None:
    anybody = motcua_client.Client(base_url=gateway, timeout=30)
    phone, password = f"09{uuid.uuid4().int % 10**8:08d}", "Máy khách sinh ra 2024"
    person = models.IdentityRegister(
        phone=phone, password=password, full_name="Người Dùng Máy Khách", birth_date=date(1990, 2, 3)
    )
    asked = done("identity_register", 201, client=anybody, body=person)
    confirmation = models.IdentityConfirmRegistrationBody(code=code_on(sms, phone, asked.registration_id))
    done("identity_confirm_registration", 200, client=anybody, registration_id=asked.registration_id, body=confirmation,
         idempotency_key=key())  # fmt: skip
    session = done("identity_sign_in", 201, client=anybody, body=models.IdentitySignIn(phone=phone, password=password))
    client = motcua_client.AuthenticatedClient(base_url=gateway, token=session.access_token, timeout=30)
    files = {"to-khai": stored(client, form, "to-khai.pdf"), "giay-chung-sinh": stored(client, scan, "chung-sinh.pdf")}
    body = models.IntakeFile.from_dict({
        "procedure": "1.001193", "desk": "000.05.07.H57", "pickup": "online", "statement": True,
        "components": [{"component": name, "file_id": file_id} for name, file_id in files.items()],
    })  # fmt: skip
    filed = done("intake_file", 201, client=client, body=body, idempotency_key=key())
    read = done("intake_dossier", 200, client=client, code=filed.code).to_dict()
    listed = done("intake_mine", 200, client=client).to_dict()
    told = {"code": filed.code, "status": read["status"], "components": read["components"],
            "listed": [row["code"] for row in listed["items"]]}  # fmt: skip
    print(json.dumps(told, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
