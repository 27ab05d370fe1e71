"""What whoever filed for somebody else is told of the dossier (DF-03): what he may see, and no more."""

from __future__ import annotations

from services.notifier.template import Template, To

#: By event; each beside what its owner is told.
TO_FILER: dict[str, Template] = {
    "dossier.guided": Template(
        To.FILER,
        "Hồ sơ bạn nộp cho người khác cần hoàn thiện",
        "A dossier that you filed for somebody needs completion",
        ("Hồ sơ {code} bạn nộp cho người khác có phiếu hướng dẫn hoàn thiện.",),
        ("Dossier {code}, which you filed for somebody else, has guidance.",),
    ),
    "dossier.accepted": Template(
        To.FILER,
        "Hồ sơ bạn nộp cho người khác đã được tiếp nhận",
        "A dossier that you filed for somebody was accepted",
        ("Hồ sơ {code} bạn nộp cho người khác đã được tiếp nhận.", "Hẹn trả kết quả: {appointment}."),
        ("Dossier {code}, which you filed for somebody else, was accepted.", "Result promised for {appointment}."),
    ),
    "dossier.refused": Template(
        To.FILER,
        "Hồ sơ bạn nộp cho người khác không được tiếp nhận",
        "A dossier that you filed for somebody was refused",
        ("Hồ sơ {code} bạn nộp cho người khác không được tiếp nhận.", "Xem lý do trên cổng."),
        ("Dossier {code}, which you filed for somebody else, was refused.", "The reasons stand on the portal."),
    ),
    "dossier.returned": Template(
        To.FILER,
        "Đã trả kết quả hồ sơ bạn nộp cho người khác",
        "The result of a dossier that you filed for somebody was returned",
        ("Kết quả của hồ sơ {code} đã được trả vào kho dữ liệu điện tử của chủ hồ sơ.",),
        ("The result of dossier {code} lies in its owner's electronic store.",),
    ),
    "supplement.requested": Template(
        To.FILER,
        "Hồ sơ bạn nộp cho người khác cần chỉnh sửa, bổ sung",
        "A dossier that you filed for somebody needs a supplement",
        ("Hồ sơ {code} bạn nộp cho người khác có phiếu yêu cầu bổ sung.",),
        ("Dossier {code}, which you filed for somebody else, has a supplement request.",),
    ),
}
