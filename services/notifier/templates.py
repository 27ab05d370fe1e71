"""What people and units are told of each event, in both languages (domain reference §2.5).

A text is a row of sentences; one whose fact the event does not carry is left out, so the first needs no more than the
dossier's code. Facts are codes, times, amounts and fixed words: no name, number or phone has a way in.
"""

from __future__ import annotations

from services.notifier.filer_templates import TO_FILER
from services.notifier.template import Template, To

HOTLINE = "19001075"


def _owner(title_vi: str, title_en: str, vi: tuple[str, ...], en: tuple[str, ...], sms: bool = True) -> Template:
    return Template(To.OWNER, title_vi, title_en, vi, en, sms)


def _person(title_vi: str, title_en: str, vi: tuple[str, ...], en: tuple[str, ...], sms: bool = True) -> Template:
    return Template(To.PERSON, title_vi, title_en, vi, en, sms)


def _unit(title_vi: str, title_en: str, vi: tuple[str, ...], en: tuple[str, ...], to: To = To.UNIT) -> Template:
    return Template(to, title_vi, title_en, vi, en, sms=False)


_VIOLATION = (
    "Phiếu bị ghi nhận vi phạm",
    "A slip was recorded as a violation",
    ("Hồ sơ {code}: một phiếu bị ghi nhận vi phạm.", "Loại phiếu: {act_vi}, lần {round}.", "Căn cứ: {ground_vi}."),
    ("Dossier {code}: a slip was recorded as a violation.", "Kind: {act_en}, round {round}.", "Ground: {ground_en}."),
)

_TEMPLATES: dict[str, tuple[Template, ...]] = {
    "dossier.filed": (
        _owner(
            "Hồ sơ đã được gửi",
            "Your dossier was filed",
            (
                "Hồ sơ {code} đã được gửi.",
                "Thời điểm gửi: {filed_at}.",
                "Dự kiến trả lời tiếp nhận trước {intake_due}.",
            ),
            ("Dossier {code} was filed.", "Time: {filed_at}.", "The desk is to answer by {intake_due}."),
        ),
    ),
    "dossier.guided": (
        _owner(
            "Hồ sơ cần hoàn thiện",
            "Your dossier needs completion",
            (
                "Hồ sơ {code} có phiếu hướng dẫn hoàn thiện.",
                "Đây là lần {round}.",
                "Xem nội dung và bổ sung trên cổng.",
            ),
            (
                "Dossier {code} has guidance.",
                "This is round {round}.",
                "Read it and complete the dossier on the portal.",
            ),
        ),
    ),
    "dossier.amended": (
        _owner(
            "Đã nhận bổ sung hồ sơ",
            "Your amendment arrived",
            ("Bộ phận một cửa đã nhận nội dung bổ sung của hồ sơ {code}.",),
            ("The desk has received your amendment of dossier {code}.",),
        ),
        _unit(
            "Hồ sơ đã được bổ sung",
            "A dossier was amended",
            ("Người nộp đã bổ sung hồ sơ {code}.",),
            ("The applicant has amended dossier {code}.",),
        ),
    ),
    "dossier.accepted": (
        _owner(
            "Hồ sơ đã được tiếp nhận",
            "Your dossier was accepted",
            ("Hồ sơ {code} đã được tiếp nhận.", "Hẹn trả kết quả: {appointment}."),
            ("Dossier {code} was accepted.", "The result is promised for {appointment}."),
        ),
    ),
    "dossier.refused": (
        _owner(
            "Hồ sơ không được tiếp nhận",
            "Your dossier was refused",
            ("Hồ sơ {code} không được tiếp nhận.", "Xem lý do trên cổng; bạn có quyền khiếu nại."),
            ("Dossier {code} was refused.", "The reasons stand on the portal; you may complain."),
        ),
    ),
    "dossier.withdrawn": (
        _owner(
            "Hồ sơ đã được rút",
            "Your dossier was withdrawn",
            ("Hồ sơ {code} đã được rút theo yêu cầu.",),
            ("Dossier {code} was withdrawn as you asked.",),
        ),
        _unit(
            "Hồ sơ đã được rút",
            "A dossier was withdrawn",
            ("Người nộp đã rút hồ sơ {code}.",),
            ("The applicant has withdrawn dossier {code}.",),
        ),
    ),
    "dossier.returned": (
        _owner(
            "Đã trả kết quả hồ sơ",
            "Your result was returned",
            ("Kết quả của hồ sơ {code} đã được trả.", "Xem trong kho dữ liệu điện tử của bạn."),
            ("The result of dossier {code} was returned.", "It lies in your electronic store."),
        ),
    ),
    "case.opened": (
        _owner(
            "Hồ sơ đang được xử lý",
            "Your dossier is being processed",
            ("Hồ sơ {code} đã được chuyển đến đơn vị xử lý.", "Hẹn trả kết quả: {appointment}."),
            ("Dossier {code} was forwarded for processing.", "The result is promised for {appointment}."),
            sms=False,
        ),
    ),
    "supplement.requested": (
        _owner(
            "Hồ sơ cần chỉnh sửa, bổ sung",
            "Your dossier needs a supplement",
            ("Hồ sơ {code} có phiếu yêu cầu bổ sung.", "Đây là lần {round}.", "Xem nội dung và bổ sung trên cổng."),
            ("Dossier {code} has a supplement request.", "This is round {round}.", "Read and answer it on the portal."),
        ),
    ),
    "case.resumed": (
        _owner(
            "Hồ sơ được tiếp tục xử lý",
            "Work on your dossier goes on",
            ("Hồ sơ {code} được tiếp tục xử lý.", "Hẹn trả kết quả: {appointment}."),
            ("Work on dossier {code} goes on.", "The result is promised for {appointment}."),
        ),
    ),
    "case.rescheduled": (
        _owner(
            "Xin lỗi và hẹn lại ngày trả kết quả",
            "Our apologies: a new date for your result",
            ("Hồ sơ {code} chưa thể trả đúng hẹn.", "Hẹn trước: {appointment_before}.", "Hẹn lại: {appointment}."),
            (
                "Dossier {code} cannot be returned as promised.",
                "It was {appointment_before}.",
                "It is now {appointment}.",
            ),
        ),
    ),
    "case.stopped": (
        _owner(
            "Dừng giải quyết hồ sơ",
            "Processing of your dossier has stopped",
            ("Hồ sơ {code} đã dừng giải quyết.", "Xem lý do trên cổng; bạn có quyền khiếu nại."),
            ("Processing of dossier {code} has stopped.", "The reasons stand on the portal; you may complain."),
        ),
    ),
    "result.ready": (
        _owner(
            "Hồ sơ đã có kết quả",
            "Your result is ready",
            ("Hồ sơ {code} đã có kết quả được ký số, chờ trả.",),
            ("Dossier {code} has its signed result, about to be returned.",),
        ),
    ),
    "result.asked": (
        _unit(
            "Đề nghị cung cấp kết quả đã ký số",
            "A signed result is asked for",
            ("Bộ phận một cửa đề nghị kết quả đã ký số của hồ sơ {code}.",),
            ("The desk asks for the signed result of dossier {code}.",),
        ),
    ),
    "payment.ordered": (
        _owner(
            "Hồ sơ có khoản phải nộp",
            "A fee is due",
            ("Hồ sơ {code} có khoản phí, lệ phí cần thanh toán.", "Số tiền: {amount_vi}.", "Thanh toán trên cổng."),
            ("Dossier {code} has a fee to be paid.", "Amount: {amount_en}.", "Pay on the portal."),
        ),
    ),
    "payment.settled": (
        _owner(
            "Đã nhận thanh toán",
            "Your payment arrived",
            ("Đã nhận thanh toán cho hồ sơ {code}.", "Số tiền: {amount_vi}.", "Số biên lai: {receipt_no}."),
            ("The payment for dossier {code} was received.", "Amount: {amount_en}.", "Receipt number: {receipt_no}."),
        ),
    ),
    "payment.failed": (
        _owner(
            "Thanh toán không thành công",
            "Your payment failed",
            ("Thanh toán cho hồ sơ {code} không thành công; bạn có thể thử lại trên cổng.",),
            ("The payment for dossier {code} failed; you may try again on the portal.",),
        ),
    ),
    "payment.refunded": (
        _owner(
            "Hoàn trả phí, lệ phí",
            "Your fee is refunded",
            ("Khoản phí của hồ sơ {code} được hoàn trả.", "Số tiền: {amount_vi}."),
            ("The fee of dossier {code} is refunded.", "Amount: {amount_en}."),
        ),
    ),
    "owndata.refused": (
        _person(
            "Dữ liệu tự số hóa không được đưa vào kho",
            "Your own data were not taken into your store",
            ("Tệp bạn đưa vào kho không có chữ ký số hợp lệ của bạn.",),
            ("The file that you put in does not carry your own valid digital signature.",),
            sms=False,
        ),
    ),
    "holding.added": (
        _person(
            "Kho dữ liệu điện tử có nội dung mới",
            "Something new lies in your electronic store",
            (
                "Kho dữ liệu điện tử của bạn có nội dung mới.",
                "Hồ sơ: {code}.",
            ),
            (
                "Your electronic store has something new.",
                "Dossier: {code}.",
            ),
            sms=False,
        ),
    ),
    "postal.registered": (
        _owner(
            "Kết quả được gửi qua bưu chính",
            "Your result goes by post",
            ("Kết quả hồ sơ {code} được gửi qua bưu chính công ích.", "Số hiệu bưu gửi: {waybill}."),
            ("The result of dossier {code} goes by the public postal service.", "Waybill: {waybill}."),
        ),
    ),
    "postal.collected": (
        _owner(
            "Bưu chính đã nhận kết quả",
            "The post has collected your result",
            ("Nhân viên bưu chính đã nhận kết quả hồ sơ {code}.", "Số hiệu bưu gửi: {waybill}."),
            ("The post has collected the result of dossier {code}.", "Waybill: {waybill}."),
            sms=False,
        ),
    ),
    "postal.attempted": (
        _owner(
            "Chưa phát được bưu gửi",
            "A delivery was attempted",
            ("Bưu chính chưa phát được kết quả hồ sơ {code}.", "Số hiệu bưu gửi: {waybill}."),
            ("The post could not deliver the result of dossier {code}.", "Waybill: {waybill}."),
        ),
    ),
    "postal.delivered": (
        _owner(
            "Đã phát kết quả",
            "Your result was delivered",
            ("Bưu chính đã phát kết quả hồ sơ {code}.", "Số hiệu bưu gửi: {waybill}."),
            ("The post has delivered the result of dossier {code}.", "Waybill: {waybill}."),
        ),
    ),
    "postal.returned": (
        _owner(
            "Bưu gửi được chuyển hoàn",
            "Your result goes back to the desk",
            ("Bưu gửi của hồ sơ {code} được chuyển hoàn về bộ phận một cửa.",),
            ("The parcel of dossier {code} goes back to the desk.",),
        ),
    ),
    "account.registered": (
        _person(
            "Đã tạo tài khoản",
            "Your account was made",
            ("Tài khoản đã được tạo.", "Vui lòng chuẩn hóa tài khoản theo thẻ căn cước."),
            ("Your account was made.", "Please normalize it with your identity card."),
            sms=False,
        ),
    ),
    "account.normalized": (
        _person(
            "Tài khoản đã được chuẩn hóa",
            "Your account is normalized",
            ("Tài khoản của bạn đã được chuẩn hóa theo dữ liệu dân cư.",),
            ("Your account now matches the population data.",),
        ),
    ),
    "account.vneid_announced": (
        _person(
            "Đăng nhập bằng VNeID",
            "Signing in with VNeID",
            ("Tài khoản đã chuẩn hóa được đăng nhập bằng VNeID.", "Thời điểm mở: {active_from}."),
            ("A normalized account can be opened with VNeID.", "From {active_from} on."),
            sms=False,
        ),
    ),
    "account.locked": (
        _person(
            "Tài khoản bị khóa",
            "Your account is locked",
            ("Tài khoản của bạn bị khóa.", "Lý do: {lock_vi}.", f"Liên hệ tổng đài {HOTLINE}."),
            ("Your account is locked.", "Reason: {lock_en}.", f"Call {HOTLINE}."),
        ),
    ),
    "account.unlocked": (
        _person(
            "Tài khoản đã được mở khóa",
            "Your account is unlocked",
            ("Tài khoản của bạn đã được mở khóa, có thể đăng nhập lại.",),
            ("Your account is unlocked, you can sign in again.",),
        ),
    ),
    "account.suspended": (
        _person(
            "Tài khoản tạm dừng",
            "Your account is suspended",
            ("Tài khoản của bạn đã tạm dừng theo yêu cầu.", f"Nếu không phải bạn, gọi ngay {HOTLINE}."),
            ("Your account was suspended as asked.", f"If it was not you, call {HOTLINE} at once."),
        ),
    ),
    "account.resumed": (
        _person(
            "Tài khoản được mở lại",
            "Your account is resumed",
            ("Tài khoản của bạn đã được mở lại.", f"Nếu không phải bạn, gọi ngay {HOTLINE}."),
            ("Your account is in use again.", f"If it was not you, call {HOTLINE} at once."),
        ),
    ),
    "account.cancelled": (
        _person(
            "Tài khoản đã hủy",
            "Your account is cancelled",
            ("Tài khoản đã bị hủy.", "Hồ sơ được giữ, đăng ký và chuẩn hóa lại để xem tiếp.", f"Tổng đài {HOTLINE}."),
            (
                "The account is cancelled.",
                "Dossiers are kept: register and normalize again to see them.",
                f"Hotline {HOTLINE}.",
            ),
            # Its phone is free for another person by now.
            sms=False,
        ),
    ),
    "account.blocked": (
        _person(
            "Tài khoản bị chặn",
            "Your account is blocked",
            ("Tài khoản của bạn bị chặn.", f"Liên hệ tổng đài {HOTLINE}."),
            ("Your account is blocked.", f"Call {HOTLINE}."),
        ),
    ),
    "account.unblocked": (
        _person(
            "Tài khoản được bỏ chặn",
            "The block of your account ended",
            ("Tài khoản của bạn đã được bỏ chặn.",),
            ("The block of your account has ended.",),
        ),
    ),
    "slip.violated": (_unit(*_VIOLATION), _unit(*_VIOLATION, to=To.CENTRE)),
    "slip.confirmed": (
        _unit(
            "Phiếu được xác nhận hợp lệ",
            "A slip was confirmed",
            ("Hồ sơ {code}: một phiếu được xác nhận hợp lệ.", "Loại phiếu: {act_vi}, lần {round}."),
            ("Dossier {code}: a slip was confirmed.", "Kind: {act_en}, round {round}."),
        ),
    ),
    "slips.blocked": (
        _unit(
            "Chức năng gửi phiếu bị chặn",
            "Slips are blocked",
            ("Hồ sơ {code}: chức năng gửi phiếu bị chặn do vi phạm.", "Loại phiếu: {act_vi}."),
            ("Dossier {code}: further slips are blocked after a violation.", "Kind: {act_en}."),
        ),
    ),
    "slips.unblocked": (
        _unit(
            "Chức năng gửi phiếu được mở lại",
            "Slips are allowed again",
            ("Hồ sơ {code}: chức năng gửi phiếu được mở lại.", "Loại phiếu: {act_vi}."),
            ("Dossier {code}: slips are allowed again.", "Kind: {act_en}."),
        ),
    ),
    "intake.late": (
        _unit(
            "Hồ sơ quá hạn trả lời tiếp nhận",
            "A dossier waits beyond the intake limit",
            ("Hồ sơ {code} đã quá hạn trả lời tiếp nhận.", "Hạn: {due}."),
            ("Dossier {code} waits beyond the intake limit.", "It was {due}."),
        ),
    ),
}

TEMPLATES: dict[str, tuple[Template, ...]] = {
    name: rows + ((TO_FILER[name],) if name in TO_FILER else ()) for name, rows in _TEMPLATES.items()
}
