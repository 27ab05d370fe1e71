"""Messages of the national portal: the envelope, `DongBoHoSoMC` (dossiers) and `CapNhatTienDoHoSoMC` (one step each).

Field names, order of codes and the date form are the portal's. Pure; who may see a person's data is decided by the
room before it fills these views: exchange stores them encrypted at most (X-26).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from services.common.calendar import local
from services.exchange.status_codes import Code

SERVICE_DOSSIERS = "DongBoHoSoMC"
SERVICE_PROGRESS = "CapNhatTienDoHoSoMC"


class Channel(IntEnum):
    """KenhThucHien."""

    DIRECT = 1
    ONLINE = 2
    BCCI = 3


class ApplicantKind(IntEnum):
    """LoaiDoiTuong."""

    CITIZEN = 1
    BUSINESS = 2


class IdKind(IntEnum):
    """LoaiDinhDanh."""

    CCCD = 1
    CMND = 2


class FiledAt(IntEnum):
    """NoiNopHoSo."""

    NATIONAL_PORTAL = 1
    OWN_PORTAL = 2


class OnlinePayment(IntEnum):
    """DuocThanhToanTrucTuyen."""

    NONE = 0
    NATIONAL_GATEWAY = 1
    LOCAL_GATEWAY = 2


def stamp(moment: datetime | None) -> str:
    """`yyyyMMddHHmmss` in Vietnamese time; empty for what has not happened."""
    return "" if moment is None else local(moment).strftime("%Y%m%d%H%M%S")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One entry of TaiLieuNop. `digitised` 0–3 and `reused` 0–2 as the portal counts them."""

    id: str
    name: str
    component: str
    url: str
    digitised: int = 0
    reused: int = 0
    from_national_store: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "TepDinhKemId": self.id,
            "TenTepDinhKem": self.name,
            "IsDeleted": "False",
            "MaThanhPhanHoSo": self.component,
            "DuongDanTaiTepTin": self.url,
            "DuocSoHoa": str(self.digitised),
            "DuocTaiSuDung": str(self.reused),
            "DuocLayTuKhoDMQG": "1" if self.from_national_store else "0",
            "MaKetQuaThayThe": "",
        }


@dataclass(frozen=True, slots=True)
class Fee:
    """One entry of DanhSachLePhi; amount in đồng."""

    code: str
    name: str
    amount_vnd: int
    when: str
    kind: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "TenPhiLePhi": self.name,
            "MaPhiLePhi": self.code,
            "HinhThucThu": self.when,
            "Gia": str(self.amount_vnd),
            "LoaiPhiLePhi": self.kind,
        }


@dataclass(frozen=True, slots=True)
class SupplementRound:
    """One entry of DanhSachHoSoBoSung; both appointments, before and after the wait, are told."""

    id: str
    asked_by: str
    text: str
    asked_at: datetime
    answered_at: datetime | None
    components: Sequence[str]
    due_before: datetime | None = None
    due_after: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "HoSoBoSungId": self.id,
            "NguoiYeuCauBoSung": self.asked_by,
            "NoiDungBoSung": self.text,
            "NgayBoSung": stamp(self.asked_at),
            "NgayTiepNhanBoSung": stamp(self.answered_at),
            "TrangThaiBoSung": "0" if self.answered_at is None else "1",
            "DanhSachGiayToBoSung": [{"MaThanhPhanHoSo": component} for component in self.components],
            "DanhSachLePhiBoSung": [],
            "NgayHenTraTruoc": stamp(self.due_before),
            "NgayHenTraMoi": stamp(self.due_after),
        }


@dataclass(frozen=True, slots=True)
class ResultPaper:
    """One entry of DanhSachGiayToKetQua."""

    id: str
    name: str
    component: str
    url: str
    code: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "TenGiayTo": self.name,
            "MaThanhPhanHoSo": self.component,
            "GiayToId": self.id,
            "DuongDanTepTinKetQua": self.url,
            "MaGiayToKetQua": self.code,
        }


@dataclass(frozen=True, slots=True)
class DossierView:
    """What the portal is told of a dossier. Moments are aware; None = has not happened."""

    code: str
    procedure_code: str
    procedure_name: str
    sector_code: str
    sector_name: str
    status: Code
    owner_name: str
    owner_kind: ApplicantKind
    owner_id: str
    owner_id_kind: IdKind | None  # None: a tax number, which is no personal number
    channel: Channel
    filed_on: FiledAt
    unit: str
    filed_at: datetime
    received_at: datetime | None = None
    due_at: datetime | None = None
    done_at: datetime | None = None
    returned_at: datetime | None = None
    refused_at: datetime | None = None
    subject: str = ""
    email: str = ""
    phone: str = ""
    note: str = ""
    return_by_post: bool = False
    vneid: bool = False
    online_payment: OnlinePayment = OnlinePayment.NONE
    attachments: Sequence[Attachment] = ()
    fees: Sequence[Fee] = ()
    supplements: Sequence[SupplementRound] = ()
    results: Sequence[ResultPaper] = ()


def dossier_record(view: DossierView) -> dict[str, Any]:
    """One entry of DongBoHoSoMC's `data`."""
    return {
        "MaHoSo": view.code,
        "MaTTHC": view.procedure_code,
        "TenTTHC": view.procedure_name,
        "MaLinhVuc": view.sector_code,
        "TenLinhVuc": view.sector_name,
        "ChuHoSo": view.owner_name,
        "LoaiDoiTuong": str(int(view.owner_kind)),
        "MaDoiTuong": view.owner_id,
        "LoaiDinhDanh": str(int(view.owner_id_kind)) if view.owner_id_kind else "",
        "SoDinhDanh": view.owner_id if view.owner_id_kind else "",
        "ThongTinKhac": "",
        "Email": view.email,
        "Fax": "",
        "SoDienThoai": view.phone,
        "TrichYeuHoSo": view.subject,
        "NgayNopHoSo": stamp(view.filed_at),
        "NgayTiepNhan": stamp(view.received_at),
        "NgayHenTra": stamp(view.due_at),
        "NgayTuChoi": stamp(view.refused_at),
        "NgayKetThucXuLy": stamp(view.done_at),
        "NgayTra": stamp(view.returned_at),
        "TrangThaiHoSo": str(int(view.status)),
        "ThongTinTra": "",
        "HinhThuc": "1" if view.return_by_post else "0",
        "HinhThucTra": "1" if view.return_by_post else "0",
        "DonViXuLy": view.unit,
        "GhiChu": view.note,
        "NoiNopHoSo": str(int(view.filed_on)),
        "KenhThucHien": str(int(view.channel)),
        "HoSoCoThanhPhanSoHoa": "1" if any(paper.digitised for paper in view.attachments) else "0",
        "TaiKhoanDuocXacThucVoiVNeID": "1" if view.vneid else "0",
        "DuocThanhToanTrucTuyen": str(int(view.online_payment)),
        "MaCSDL": "",
        "TaiLieuNop": [paper.to_dict() for paper in view.attachments],
        "DanhSachLePhi": [fee.to_dict() for fee in view.fees],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [supplement.to_dict() for supplement in view.supplements],
        "DanhSachGiayToKetQua": [paper.to_dict() for paper in view.results],
    }


@dataclass(frozen=True, slots=True)
class ProgressView:
    """One step of a dossier as the portal is told it."""

    code: str
    officer: str
    position: str
    at: datetime
    unit: str
    text: str
    status: Code
    started_at: datetime | None = None
    due_at: datetime | None = None


def progress_record(view: ProgressView) -> dict[str, Any]:
    """One entry of CapNhatTienDoHoSoMC's `data`: one message per step."""
    return {
        "MaHoSo": view.code,
        "NguoiXuLy": view.officer,
        "ChucDanh": view.position,
        "ThoiDiemXuLy": stamp(view.at),
        "PhongBanXuLy": view.unit,
        "NoiDungXuLy": view.text,
        "TrangThai": str(int(view.status)),
        "NgayBatDau": stamp(view.started_at),
        "NgayKetThucTheoQuyDinh": stamp(view.due_at),
    }


def dossiers_envelope(
    session: str, unit: str, records: Sequence[Mapping[str, Any]], *, updating: bool
) -> dict[str, Any]:
    """DongBoHoSoMC; `updating` tells whether the portal has these dossiers already (TraCuuHoSo)."""
    envelope = _envelope(session, unit, SERVICE_DOSSIERS, records)
    return {**envelope, "isUpdating": "True" if updating else "False"}


def progress_envelope(session: str, unit: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """CapNhatTienDoHoSoMC."""
    return _envelope(session, unit, SERVICE_PROGRESS, records)


def _envelope(session: str, unit: str, service: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not records:
        raise ValueError("an envelope carries at least one record")
    return {"session": session, "madonvi": unit, "service": service, "data": [dict(record) for record in records]}


def succeeded(reply: Mapping[str, Any]) -> bool:
    """Tell whether the portal took a message: `error_code` "00", "0" or 0; anything else, or none, is a failure."""
    code = reply.get("error_code")
    return not isinstance(code, bool) and code in ("00", "0", 0)
