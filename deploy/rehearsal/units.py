"""The units of a rehearsal: a believable Huế. Identifiers below level 1 (H57) are invented; the agencies are those of
the years before two-level government. Standard library only."""

from __future__ import annotations

ROOT = "H57"
#: The province became a centrally run city on that day (X-11).
CITY_SINCE = "2025-01-01"
_ROOT_NAMES = [
    {"vi": "Tỉnh Thừa Thiên Huế", "en": "Thừa Thiên Huế province", "since": None},
    {"vi": "Thành phố Huế", "en": "Huế city", "since": CITY_SINCE},
]

# identifier, kind, parent, Vietnamese, English
_ROWS = (
    ("000.00.01.H57", "ioc", ROOT, "Trung tâm Giám sát, điều hành đô thị thông minh",
     "Smart-city monitoring and operation centre (IOC)"),
    ("000.00.02.H57", "office", ROOT, "Văn phòng Ủy ban nhân dân", "Office of the People's Committee"),
    ("000.00.11.H57", "department", ROOT, "Sở Thông tin và Truyền thông", "Department of information"),
    ("000.00.12.H57", "department", ROOT, "Sở Tư pháp", "Department of justice"),
    ("000.00.13.H57", "department", ROOT, "Sở Lao động - Thương binh và Xã hội", "Department of labour"),
    ("000.00.14.H57", "department", ROOT, "Sở Y tế", "Department of health"),
    ("000.00.15.H57", "department", ROOT, "Sở Xây dựng", "Department of construction"),
    ("000.00.16.H57", "department", ROOT, "Sở Kế hoạch và Đầu tư", "Department of planning and investment"),
    ("000.00.17.H57", "department", ROOT, "Sở Tài nguyên và Môi trường", "Department of natural resources"),
    ("000.00.18.H57", "department", ROOT, "Sở Giáo dục và Đào tạo", "Department of education"),
    ("000.00.19.H57", "department", ROOT, "Sở Giao thông vận tải", "Department of transport"),
    ("000.00.20.H57", "board", ROOT, "Ban Quản lý Khu kinh tế, công nghiệp", "Board of economic and industrial zones"),
    ("000.00.21.H57", "service", "000.00.17.H57", "Văn phòng Đăng ký đất đai", "Land registration office"),
    ("000.00.22.H57", "service", "000.00.14.H57", "Trung tâm Kiểm soát bệnh tật", "Centre for disease control"),
    ("000.00.23.H57", "vertical", ROOT, "Cục Thuế", "Tax department"),
    ("000.00.24.H57", "vertical", ROOT, "Bảo hiểm xã hội", "Social insurance"),
    ("000.00.25.H57", "vertical", ROOT, "Cục Hải quan", "Customs department"),
    ("000.00.40.H57", "police", ROOT, "Công an", "Police"),
    ("000.00.06.H57", "centre", ROOT, "Trung tâm Phục vụ hành chính công tỉnh", "Provincial administration centre"),
    ("000.00.30.H57", "postal", ROOT, "Bưu điện thành phố Huế", "Post office of Huế"),
    ("000.00.31.H57", "postal", "000.00.30.H57", "Bưu điện huyện A Lưới", "Post office of A Lưới"),
    ("000.01.00.H57", "district", ROOT, "UBND thành phố Huế (thuộc tỉnh)", "People's Committee of Huế town"),
    ("000.02.00.H57", "district", ROOT, "UBND thị xã Hương Thủy", "People's Committee of Hương Thủy"),
    ("000.03.00.H57", "district", ROOT, "UBND thị xã Hương Trà", "People's Committee of Hương Trà"),
    ("000.04.00.H57", "district", ROOT, "UBND huyện Phong Điền", "People's Committee of Phong Điền"),
    ("000.05.00.H57", "district", ROOT, "UBND huyện Quảng Điền", "People's Committee of Quảng Điền"),
    ("000.06.00.H57", "district", ROOT, "UBND huyện Phú Vang", "People's Committee of Phú Vang"),
    ("000.07.00.H57", "district", ROOT, "UBND huyện Phú Lộc", "People's Committee of Phú Lộc"),
    ("000.08.00.H57", "district", ROOT, "UBND huyện Nam Đông", "People's Committee of Nam Đông"),
    ("000.09.00.H57", "district", ROOT, "UBND huyện A Lưới", "People's Committee of A Lưới"),
    ("000.00.07.H57", "centre", "000.05.00.H57", "Trung tâm Phục vụ hành chính công huyện Quảng Điền",
     "Public-administration centre of Quảng Điền"),
    ("000.05.07.H57", "commune", "000.05.00.H57", "UBND xã Quảng Thái", "People's Committee of Quảng Thái commune"),
    ("000.05.08.H57", "commune", "000.09.00.H57", "UBND xã A Ngo", "People's Committee of A Ngo commune"),
    ("000.05.09.H57", "commune", "000.05.00.H57", "UBND xã Quảng Lợi", "People's Committee of Quảng Lợi commune"),
    ("000.05.10.H57", "commune", "000.05.00.H57", "UBND thị trấn Sịa", "People's Committee of Sịa town"),
)  # fmt: skip


def rows() -> list[dict[str, object]]:
    """Units as identity's seed has them, parents first."""
    root: dict[str, object] = {"unit": ROOT, "kind": "province", "parent": None, "names": _ROOT_NAMES}
    return [root] + [
        {"unit": unit, "kind": kind, "parent": parent, "names": [{"vi": vi, "en": en, "since": None}]}
        for unit, kind, parent, vi, en in _ROWS
    ]
