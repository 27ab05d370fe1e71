"""XML e-forms and Office files as citizens send them, and what is refused at the door, seen from outside."""

from __future__ import annotations

import io
import itertools
import zipfile
import zlib
from typing import Any

import pytest
from lxml import etree

from deploy.demo.people import COPY, refused, verdict_of
from deploy.rehearsal import forms, office_files
from tests.journeys.scenes import Scenes

_numbers = itertools.count(1)


@pytest.fixture
def form() -> bytes:
    """A form that no other dossier carries: reports are kept by content."""
    return forms.form("Đơn đề nghị cấp bản sao", {"Họ và tên": "Nguyễn Minh Chi", "Số": str(next(_numbers))})


def filed(scenes: Scenes, data: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """A dossier whose form is that file, and its component once checked."""
    citizen = scenes.citizen
    stored = citizen.upload(data, name)
    components = {**scenes.papers(citizen, COPY), "don": stored["file_id"]}
    code = str(citizen.file(COPY, components)["code"])
    return code, verdict_of(citizen.client, code, "don")


def demand_paper(scenes: Scenes, code: str) -> Any:
    """The desk asks for the paper of the form."""
    return scenes.desk.on_dossier(code, "paper-requests", component="don", reason="Nộp bản giấy")


@pytest.mark.req("SG-01")
@pytest.mark.req("SG-07")
@pytest.mark.parametrize("stated", [True, False])
def test_a_signed_xml_form_is_a_signed_component(scenes: Scenes, world, form, stated):
    token = world.token_of(scenes.citizen.person)
    code, component = filed(scenes, forms.sign_form(form, token, at=world.now() if stated else None), "don.xml")
    assert component["verdict"] == "TOTAL_PASSED"
    report = scenes.desk.client.get(f"/dossiers/{code}/files/{component['file_id']}/report")
    assert (report["format"], report["verdict_vi"]) == ("xml", "HOP_LE")
    (signature,) = report["signatures"]
    assert signature["time_basis"] == ("claimed+receipt" if stated else "receipt")
    assert refused(lambda: demand_paper(scenes, code)).rule == "IN-03"
    accepted = scenes.desk.on_dossier(code, "acceptance")
    assert (accepted["status"], accepted["paper_asked"]) == ("accepted", [])


def moved_aside(data: bytes) -> bytes:
    """The signed form hidden in a forged one."""
    genuine = etree.fromstring(data)
    forged = etree.fromstring(data)
    forged.remove(forged.find(f"{{{forms.DS}}}Signature"))
    forged[1].text = "Kẻ giả mạo"
    forged.append(genuine)
    return bytes(etree.tostring(forged, encoding="UTF-8", xml_declaration=True))


@pytest.mark.req("SG-07")
@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [
        ("tampered", "TOTAL_FAILED", "hash"),
        ("wrapped", "INDETERMINATE", "partial"),
        ("unsigned", "NO_SIGNATURE", "no_signature"),
        ("revoked", "TOTAL_FAILED", "revoked"),
        ("unknown-ca", "INDETERMINATE", "no_chain"),
    ],
)
def test_forged_broken_and_unsigned_forms_are_not(scenes: Scenes, world, form, change, verdict, code):
    token = world.token_of(scenes.citizen.person)
    signed = forms.sign_form(form, token, at=world.now())
    match change:
        case "tampered":
            data = signed.replace(b"Minh Chi", b"Minh Tri")
        case "wrapped":
            data = moved_aside(signed)
        case "unsigned":
            data = form
        case "revoked":
            data = forms.sign_form(form, world.token("agency-revoked"), at=world.now())
        case _:
            data = forms.sign_form(form, world.token("foreign-quang-thai"), at=world.now())
    dossier, component = filed(scenes, data, "don.xml")
    assert component["verdict"] == verdict
    report = scenes.desk.client.get(f"/dossiers/{dossier}/files/{component['file_id']}/report")
    assert (report["format"], report["code"]) == ("xml", code)
    # A plain copy at best: its paper may be asked for.
    assert [row["component"] for row in demand_paper(scenes, dossier)["paper_asked"]] == ["don"]


@pytest.mark.req("SG-07")
def test_a_signed_office_file_is_shown_and_never_counts(scenes: Scenes, world):
    token = world.token_of(scenes.citizen.person)
    document = office_files.document(f"Đơn đề nghị số {next(_numbers)}")
    code, component = filed(scenes, office_files.sign_document(document, token, at=world.now()), "don.docx")
    assert component["verdict"] == "INDETERMINATE"
    report = scenes.desk.client.get(f"/dossiers/{code}/files/{component['file_id']}/report")
    assert (report["format"], report["code"]) == ("ooxml", "office_information")
    assert report["signatures"][0]["integrity_ok"] is True
    assert report["signatures"][0]["signer"]["common_name"]
    assert [row["component"] for row in demand_paper(scenes, code)["paper_asked"]] == ["don"]
    assert filed(scenes, document, "don.docx")[1]["verdict"] == "NO_SIGNATURE"


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("META-INF/MANIFEST.MF", "Main-Class: A")
    return out.getvalue()


@pytest.mark.req("SE-04")
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("program", "don.pdf"),
        ("script", "don.txt"),
        ("page", "don.xml"),
        ("pdf-and-archive", "don.pdf"),
        ("pdf-with-script", "don.pdf"),
        ("pdf-with-packed-script", "don.pdf"),
        ("macro", "don.docx"),
        ("test-virus", "don.pdf"),
        ("named-program", "don.exe"),
    ],
)
def test_what_runs_is_refused_by_its_content(resident, world, kind, name):
    pdf = world.paper("Bản chụp", "sạch")
    data = {
        "program": b"MZ" + b"\0" * 4_000,
        "script": b"@echo off\r\ndel /q *.*\r\n",
        "page": b"<html xmlns='http://www.w3.org/1999/xhtml'><script>1</script></html>",
        "pdf-and-archive": pdf + archive(),
        "pdf-with-script": pdf + b"9 0 obj << /S /JavaScript /JS (app.alert(1)) >> endobj",
        "pdf-with-packed-script": pdf
        + b"9 0 obj << /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode >>\nstream\n"
        + zlib.compress(b"5 0 << /S /JavaScript /JS (app.alert(1)) >>"),
        "macro": office_files.packed(
            {**office_files.unpacked(office_files.document("x")), "word/vbaProject.bin": b"x"}
        ),
        "test-virus": pdf + b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*",
        "named-program": pdf,
    }[kind]
    refusal = refused(lambda: resident.upload(data, name))
    assert (refusal.status, refusal.rule) == (422, "SE-04")
    assert refusal.problem["errors"][0]["field"] == ("filename" if kind == "named-program" else "content")
    assert refusal.problem["title"] and refusal.problem["citation"]
    honest = {"don.txt": "Đơn".encode(), "don.xml": b"<don/>", "don.docx": office_files.document("x")}.get(name, pdf)
    assert resident.upload(honest, "don.pdf" if kind == "named-program" else name)["file_id"]
