import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.exchange.messages import (
    ApplicantKind,
    Attachment,
    Channel,
    DossierView,
    Fee,
    FiledAt,
    IdKind,
    OnlinePayment,
    ProgressView,
    ResultPaper,
    SupplementRound,
    dossier_record,
    dossiers_envelope,
    progress_envelope,
    progress_record,
    stamp,
    succeeded,
)
from services.exchange.status_codes import Code

FILED = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
VIEW = DossierView(
    code="000.05.07.H57-240311-0001",
    procedure_code="1.001193",
    procedure_name="Đăng ký khai sinh",
    sector_code="H57-HT",
    sector_name="Hộ tịch",
    status=Code.REGISTERED,
    owner_name="Nguyễn Thị Thử",
    owner_kind=ApplicantKind.CITIZEN,
    owner_id="046190000001",
    owner_id_kind=IdKind.CCCD,
    channel=Channel.ONLINE,
    filed_on=FiledAt.OWN_PORTAL,
    unit="000.05.07.H57",
    filed_at=FILED,
)

#: The fields of DongBoHoSoMC as connectors in use send them.
FIELDS = [
    "MaHoSo",
    "MaTTHC",
    "TenTTHC",
    "MaLinhVuc",
    "TenLinhVuc",
    "ChuHoSo",
    "LoaiDoiTuong",
    "MaDoiTuong",
    "ThongTinKhac",
    "Email",
    "Fax",
    "SoDienThoai",
    "TrichYeuHoSo",
    "NgayTiepNhan",
    "NgayHenTra",
    "TrangThaiHoSo",
    "NgayTra",
    "ThongTinTra",
    "HinhThuc",
    "NgayKetThucXuLy",
    "DonViXuLy",
    "GhiChu",
    "TaiLieuNop",
    "DanhSachLePhi",
    "DanhSachTepDinhKemKhac",
    "DanhSachHoSoBoSung",
    "DanhSachGiayToKetQua",
    "NoiNopHoSo",
    "HoSoCoThanhPhanSoHoa",
    "TaiKhoanDuocXacThucVoiVNeID",
    "DuocThanhToanTrucTuyen",
    "NgayTuChoi",
    "NgayNopHoSo",
    "LoaiDinhDanh",
    "SoDinhDanh",
    "MaCSDL",
    "KenhThucHien",
    "HinhThucTra",
]


def test_times_are_local_stamps() -> None:
    assert stamp(FILED) == "20240311090000" and stamp(None) == ""
    with pytest.raises(ValueError, match="without a zone"):
        stamp(datetime(2024, 3, 11, 9))


@pytest.mark.req("SY-02")
def test_a_dossier_just_filed() -> None:
    record = dossier_record(VIEW)
    assert set(record) == set(FIELDS)
    assert record["MaHoSo"] == VIEW.code and record["TrangThaiHoSo"] == "1"
    assert record["NgayNopHoSo"] == "20240311090000" and record["NgayTiepNhan"] == ""
    assert (record["KenhThucHien"], record["NoiNopHoSo"], record["LoaiDinhDanh"]) == ("2", "2", "1")
    assert json.loads(json.dumps(record)) == record


def test_a_dossier_with_everything() -> None:
    view = replace(
        VIEW,
        status=Code.RETURNED,
        return_by_post=True,
        vneid=True,
        online_payment=OnlinePayment.LOCAL_GATEWAY,
        attachments=(Attachment("f1", "to-khai.pdf", "KS-1", "https://x.test/f1", digitised=1),),
        fees=(Fee("P1", "Lệ phí", 8000, "Thu sau", "2"),),
        supplements=(SupplementRound("s1", "Cán bộ", "Bổ sung", FILED, None, ["KS-1"], FILED, None),),
        results=(ResultPaper("r1", "Giấy khai sinh", "KQ-1", "https://x.test/r1"),),
    )
    record = dossier_record(view)
    assert (record["HinhThucTra"], record["TaiKhoanDuocXacThucVoiVNeID"]) == ("1", "1")
    assert (record["DuocThanhToanTrucTuyen"], record["HoSoCoThanhPhanSoHoa"]) == ("2", "1")
    assert record["TaiLieuNop"][0]["MaThanhPhanHoSo"] == "KS-1" and record["DanhSachLePhi"][0]["Gia"] == "8000"
    supplement = record["DanhSachHoSoBoSung"][0]
    assert (supplement["TrangThaiBoSung"], supplement["NgayTiepNhanBoSung"]) == ("0", "")
    assert (supplement["NgayHenTraTruoc"], supplement["NgayHenTraMoi"]) == ("20240311090000", "")
    assert record["DanhSachGiayToKetQua"][0]["DuongDanTepTinKetQua"] == "https://x.test/r1"


def test_the_status_of_a_supplement_follows_its_answer() -> None:
    answered = SupplementRound("s1", "Cán bộ", "Bổ sung", FILED, FILED, ["KS-1"])
    assert answered.to_dict()["TrangThaiBoSung"] == "1"


def test_a_step() -> None:
    view = ProgressView(VIEW.code, "Cán bộ", "Chuyên viên", FILED, "Tư pháp", "Thẩm định", Code.PROCESSING)
    assert progress_record(view) == {
        "MaHoSo": VIEW.code,
        "NguoiXuLy": "Cán bộ",
        "ChucDanh": "Chuyên viên",
        "ThoiDiemXuLy": "20240311090000",
        "PhongBanXuLy": "Tư pháp",
        "NoiDungXuLy": "Thẩm định",
        "TrangThai": "4",
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    }


@pytest.mark.req("SY-02")
def test_envelopes() -> None:
    first = dossiers_envelope("sid", "H57", [dossier_record(VIEW)], updating=False)
    assert {name: first[name] for name in ("session", "madonvi", "service", "isUpdating")} == {
        "session": "sid",
        "madonvi": "H57",
        "service": "DongBoHoSoMC",
        "isUpdating": "False",
    }
    assert dossiers_envelope("sid", "H57", first["data"], updating=True)["isUpdating"] == "True"
    progress = progress_envelope("sid", "H57", [{"MaHoSo": VIEW.code}])
    assert progress["service"] == "CapNhatTienDoHoSoMC" and "isUpdating" not in progress
    with pytest.raises(ValueError, match="at least one"):
        progress_envelope("sid", "H57", [])


@pytest.mark.parametrize(
    ("reply", "taken"),
    [
        ({"error_code": "00"}, True),
        ({"error_code": 0}, True),
        ({"error_code": "0"}, True),
        ({"error_code": "01"}, False),
        ({"error_code": None}, False),
        ({"error_code": False}, False),
        ({"error_code": ""}, False),
        ({}, False),
    ],
)
def test_only_a_plain_success_is_a_success(reply: dict[str, Any], taken: bool) -> None:
    assert succeeded(reply) is taken
