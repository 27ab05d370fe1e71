"""The receipt: its content, and the PDF that the worker draws."""

import base64
import io
from datetime import timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from deploy.local import bootstrap
from services.common.worker_program import Refused
from services.intake import acceptance, catalogue, receipt, worker
from tests.unit.intake.conftest import MONDAY

#: Where set-up finds or unpacks the fonts.
FONTS = bootstrap.fonts()
AN = {"full_name": "Nguyễn Thị An", "id_number": "046190000123", "phone": "0914000123"}


def content_of(dossier: dict[str, Any], **changes: Any) -> dict[str, Any]:
    due = acceptance.promise(catalogue.calendar_of("hue-centres"), dossier["fixed"], MONDAY).due
    return receipt.content(
        dossier,
        **({"person": AN, "officer": None, "accepted_at": MONDAY, "appointment": due,
            "public_url": "https://dichvucong.hue.gov.vn/"} | changes),
    )  # fmt: skip


@pytest.mark.req("IN-15")
def test_the_receipt_says_what_form_01_asks(dossier: dict[str, Any]) -> None:
    content = content_of(dossier)
    fields, terms = dict(content["fields"]), dict(content["terms"])
    assert content["code"] == "000.05.07.H57-240311-0001"
    assert content["url"] == "https://dichvucong.hue.gov.vn/tra-cuu/000.05.07.H57-240311-0001"
    assert fields["Tiếp nhận hồ sơ của"] == "Nguyễn Thị An"
    assert fields["Nội dung yêu cầu giải quyết"] == "Cấp bản sao có xác nhận (9.000001)"
    assert [row[1] for row in content["components"]] == ["Đơn đề nghị", "Bản chụp giấy tờ"]
    assert terms["Thời gian nhận hồ sơ"] == "09 giờ 00 phút, ngày 11 tháng 03 năm 2024"
    assert terms["Thời gian trả kết quả"] == "09 giờ 00 phút, ngày 14 tháng 03 năm 2024"
    assert terms["Thời gian giải quyết theo quy định"] == "3 ngày làm việc"
    assert terms["Phí, lệ phí"] == "20.000 đồng (thu sau khi tiếp nhận)"
    assert terms["Số lượng hồ sơ"] == "01 bộ"


def test_an_unverified_number_is_marked_and_an_unknown_person_left_blank(dossier: dict[str, Any]) -> None:
    dossier["number_verified"] = False
    assert dict(content_of(dossier)["fields"])["Số định danh cá nhân"] == "046190000123 (chưa xác thực)"
    assert dict(content_of(dossier, person=None)["fields"])["Số định danh cá nhân"] == ""


@pytest.mark.req("ID-28")
def test_an_organisation_is_named_by_its_tax_number(dossier: dict[str, Any]) -> None:
    organisation = {
        "kind": "organisation",
        "full_name": "Công ty TNHH An",
        "id_number": None,
        "tax_number": "0100109106",
    }
    fields = dict(content_of(dossier, person=organisation)["fields"])
    assert (fields["Tiếp nhận hồ sơ của"], fields["Mã số thuế"]) == ("Công ty TNHH An", "0100109106")
    assert "Số định danh cá nhân" not in fields


def test_a_file_name_for_each_minute(dossier: dict[str, Any]) -> None:
    code = dossier["_id"]
    assert receipt.file_name(code, MONDAY) == receipt.file_name(code, MONDAY + timedelta(seconds=59))
    assert receipt.file_name(code, MONDAY) != receipt.file_name(code, MONDAY + timedelta(seconds=60))


@pytest.mark.req("IN-15")
def test_the_pdf_carries_the_code_and_every_text(dossier: dict[str, Any]) -> None:
    content = content_of(dossier)
    answer = worker.handle({"receipt": content, "fonts": str(FONTS)})
    pdf = base64.b64decode(answer["pdf"])
    assert worker.handle({"receipt": content, "fonts": str(FONTS)}) == answer
    pages = PdfReader(io.BytesIO(pdf)).pages
    text = " ".join("".join(page.extract_text() for page in pages).split())
    assert content["code"] in text
    for expected in ("GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ", "Nguyễn Thị An", "20.000 đồng", "Bản chụp giấy tờ"):
        assert expected in text
    assert len(pages) == 1


def test_texts_of_people_cannot_become_markup(dossier: dict[str, Any]) -> None:
    content = content_of(dossier, person={"full_name": "<b>An & <font size=90>Bình</b>"})
    pdf = base64.b64decode(worker.handle({"receipt": content, "fonts": str(FONTS)})["pdf"])
    text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert "<b>An & <font size=90>Bình</b>" in " ".join(text.split())


def test_a_job_that_is_none_is_refused() -> None:
    for job in ({}, {"receipt": {}, "fonts": 1}, {"receipt": {}, "fonts": str(FONTS)}, {"receipt": 1, "fonts": "x"}):
        with pytest.raises(Refused, match="bad_job"):
            worker.handle(job)
    with pytest.raises(Refused, match="fonts_missing"):
        worker.handle({"fonts": str(FONTS / "nowhere")})
    assert worker.handle({"fonts": str(FONTS)}) == {"ready": True}
