"""The table of routes: every method of a room that people may call, and where its parameters come from.

Parameters are taken by name from the path (`{code}`), from the query (only names listed here) and from the JSON body
(all its fields; the room's schema refuses unknown ones). Who may call what stands in services/common/permissions.py;
the contract tests hold both tables, and the rooms, together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

API = "/api/v1"


class Audience(StrEnum):
    PUBLIC = "public"
    SIGNED_IN = "signed-in"


class Kind(StrEnum):
    """How a route is answered."""

    JSON = "json"
    DOWNLOAD = "download"  # the room answers {url, ticket}; the bytes are streamed from the vault
    UPLOAD = "upload"  # the body is streamed to the vault
    PROVIDER = "provider"  # the payment provider's own protocol
    CLOCK = "clock"  # the gateway's own clock
    RETURN_PAGE = "return-page"  # a page that only displays
    HELP = "help"  # the gateway's own index of guides


class Limit(StrEnum):
    """Which bucket a request draws from beside the general one (limits.py)."""

    GENERAL = "general"
    SIGN_IN = "sign-in"
    CODE = "code"
    LOOKUP = "lookup"


@dataclass(frozen=True, slots=True)
class Route:
    """One row. `query`: names, with `:int` where the value is a whole number, `:bool` where it is true or false.
    `also`: who is asked where that room knows no such thing. `location`: filled from the answer. `hidden`: inputs of
    the method that are for rooms, refused from people. `deadline` in seconds."""

    method: str
    path: str
    rpc: str
    summary_vi: str
    summary_en: str
    audience: Audience = Audience.SIGNED_IN
    idempotent: bool = False
    query: tuple[str, ...] = ()
    status: int = 200
    tag: str = ""
    kind: Kind = Kind.JSON
    limit: Limit = Limit.GENERAL
    location: str = ""
    also: str = ""
    hidden: tuple[str, ...] = ()
    deadline: float = 10.0

    @property
    def has_body(self) -> bool:
        return self.method == "POST" and self.kind is Kind.JSON

    @property
    def pattern(self) -> str:
        return API + self.path


PUBLIC = Audience.PUBLIC
PAGE = ("cursor", "limit:int")
_POPULATION = ("since", "until", "agency", "officer", "purpose", "outcome")

_GROUPS: dict[str, tuple[Route, ...]] = {
    "Tài khoản / Accounts": (
        Route("POST", "/registrations", "identity.register",
              "Đăng ký tài khoản; mã xác nhận gửi về điện thoại", "Register; a code goes to the phone",
              PUBLIC, status=201, limit=Limit.CODE, deadline=15),
        Route("POST", "/organisation-registrations", "identity.register_organisation",
              "Đăng ký tài khoản tổ chức theo mã số thuế; xác nhận như công dân",
              "Register an organisation by its tax number; confirmed as a citizen's",
              PUBLIC, status=201, limit=Limit.CODE, deadline=15),
        Route("POST", "/registrations/{registration_id}/confirmation", "identity.confirm_registration",
              "Xác nhận đăng ký bằng mã", "Confirm a registration by its code",
              PUBLIC, idempotent=True, limit=Limit.SIGN_IN),
        Route("POST", "/sessions", "identity.sign_in",
              "Đăng nhập của công dân", "Citizen signs in", PUBLIC, status=201, limit=Limit.SIGN_IN),
        Route("POST", "/sessions/vneid", "identity.vneid_sign_in",
              "Bắt đầu đăng nhập qua VNeID", "Begin to sign in through VNeID",
              PUBLIC, status=201, limit=Limit.SIGN_IN, deadline=15),
        Route("POST", "/sessions/vneid/{sign_in_id}/completion", "identity.vneid_complete",
              "Hoàn tất đăng nhập qua VNeID", "Complete a sign-in through VNeID",
              PUBLIC, limit=Limit.SIGN_IN, deadline=20),
        Route("POST", "/sessions/refresh", "identity.refresh",
              "Gia hạn phiên đăng nhập", "Renew a session", PUBLIC, limit=Limit.SIGN_IN),
        Route("DELETE", "/sessions/current", "identity.sign_out", "Đăng xuất", "Sign out"),
        Route("GET", "/sessions", "identity.sessions",
              "Các phiên đăng nhập đang mở của tôi", "My open sessions"),
        Route("DELETE", "/sessions", "identity.sign_out_everywhere",
              "Đăng xuất khỏi mọi thiết bị", "Sign out everywhere"),
        Route("POST", "/officer-sessions", "identity.officer_sign_in",
              "Đăng nhập của cán bộ, bước mật khẩu", "Officer signs in, the password",
              PUBLIC, status=201, limit=Limit.CODE, deadline=15),
        Route("POST", "/officer-sessions/{challenge_id}/confirmation", "identity.officer_confirm",
              "Đăng nhập của cán bộ, bước mã", "Officer signs in, the code", PUBLIC, limit=Limit.SIGN_IN),
        Route("GET", "/account", "identity.home",
              "Tài khoản của tôi và mẫu chuẩn hóa", "My account and the normalization form"),
        Route("POST", "/account/normalization/code", "identity.request_normalization_code",
              "Xin mã để chuẩn hóa tài khoản", "Ask for the code to normalize the account",
              limit=Limit.CODE, deadline=15),
        Route("POST", "/account/normalization", "identity.normalize",
              "Chuẩn hóa tài khoản với CSDL quốc gia về dân cư",
              "Normalize the account against the population database", idempotent=True, limit=Limit.SIGN_IN,
              deadline=20),
        Route("POST", "/account/organisation-normalization", "identity.normalize_organisation",
              "Chuẩn hóa tài khoản tổ chức với CSDL quốc gia về đăng ký doanh nghiệp",
              "Normalize an organisation's account against the business register", idempotent=True, limit=Limit.SIGN_IN,
              deadline=20),
        Route("POST", "/account/recovery", "identity.request_recovery",
              "Xin mã lấy lại mật khẩu", "Ask for a recovery code", PUBLIC, limit=Limit.CODE, deadline=15),
        Route("POST", "/account/recovery/confirmation", "identity.recover",
              "Đặt lại mật khẩu bằng mã", "Set a new password by the code", PUBLIC, limit=Limit.SIGN_IN),
        Route("POST", "/account/codes", "identity.request_own_code",
              "Xin mã để tạm dừng, hủy tài khoản hoặc đổi mật khẩu",
              "Ask for the code to suspend or cancel the account, or to change the password",
              limit=Limit.CODE, deadline=15),
        Route("POST", "/account/password", "identity.change_password",
              "Đổi mật khẩu bằng mã", "Change the password by the code", limit=Limit.SIGN_IN),
        Route("POST", "/account/suspension", "identity.suspend",
              "Tạm dừng tài khoản của mình", "Suspend one's account", idempotent=True, limit=Limit.SIGN_IN),
        Route("POST", "/account/resumption", "identity.request_resumption",
              "Xin mã để mở lại tài khoản đã tạm dừng", "Ask for the code to resume a suspended account",
              PUBLIC, status=201, limit=Limit.CODE, deadline=15),
        Route("POST", "/account/resumption/{resumption_id}/confirmation", "identity.resume",
              "Mở lại tài khoản bằng mã", "Resume the account by the code", PUBLIC, limit=Limit.SIGN_IN),
        Route("POST", "/account/cancellation", "identity.cancel",
              "Hủy tài khoản của mình", "Cancel one's account", idempotent=True, limit=Limit.SIGN_IN),
        Route("POST", "/account/certificates/challenge", "identity.request_certificate",
              "Xin tệp để ký và mã, nhằm đăng ký chứng thư số", "Ask for the file to sign and the code, to register a "
              "certificate", limit=Limit.CODE, deadline=15),
        Route("POST", "/account/certificates", "identity.register_certificate",
              "Đăng ký hoặc thay chứng thư số của mình", "Register or replace a certificate of one's own",
              idempotent=True, limit=Limit.SIGN_IN, deadline=30),
        Route("GET", "/account/certificates", "identity.certificates",
              "Chứng thư số tôi đã đăng ký", "Certificates that I registered"),
        Route("POST", "/account/certificates/{certificate_id}/removal", "identity.remove_certificate",
              "Gỡ chứng thư số đã đăng ký", "Remove a registered certificate", idempotent=True),
        Route("GET", "/account/disclosures", "identity.disclosures",
              "Ai đã đọc dữ liệu cá nhân của tôi, để làm gì, theo căn cứ nào",
              "Who read my personal data, for what, on what legal ground", query=PAGE),
        Route("GET", "/account/activity", "oversight.activity",
              "Giao dịch của tài khoản: thời gian, kênh", "Transactions of my account: time, channel", query=PAGE),
    ),
    "Quản lý tài khoản / Accounts of others": (
        Route("POST", "/accounts/{account_id}/activity", "oversight.account_activity",
              "IOC xem giao dịch của một tài khoản, có lý do", "IOC reads an account's transactions, with a reason"),
        Route("POST", "/accounts/{account_id}/lock", "identity.lock",
              "Khóa tài khoản", "Lock an account"),
        Route("POST", "/accounts/{account_id}/block", "identity.block",
              "Chặn tài khoản gây hại", "Block an account that harms the system", idempotent=True),
        Route("POST", "/accounts/{account_id}/unblock", "identity.unblock",
              "Bỏ chặn tài khoản", "End the block of an account", idempotent=True),
        Route("POST", "/support/lookups", "identity.find_accounts",
              "Tìm tài khoản theo số điện thoại hoặc số định danh (dữ liệu được che, có ghi nhật ký)",
              "Find accounts by phone or personal number (masked, logged)", limit=Limit.LOOKUP),
        Route("GET", "/support/incomplete-accounts", "identity.incomplete_accounts",
              "Tài khoản đã chuẩn hóa nhưng thiếu số điện thoại hoặc ngày sinh",
              "Normalized accounts that lack phone or birth date", query=PAGE),
        Route("POST", "/support/cases", "identity.open_support_case",
              "Mở một vụ việc hỗ trợ (trường hợp 1–5)", "Open a support case (1 to 5)",
              idempotent=True, status=201, location="/support/cases/{case_id}"),
        Route("GET", "/support/cases", "identity.support_cases",
              "Các vụ việc hỗ trợ", "Support cases", query=(*PAGE, "state", "case:int", "account_id")),
        Route("GET", "/support/cases/{case_id}", "identity.support_case",
              "Một vụ việc hỗ trợ và hướng dẫn", "One support case with its guidance"),
        Route("POST", "/support/cases/{case_id}/contact", "identity.support_contact",
              "Xem số điện thoại của tài khoản để xác minh (có ghi nhật ký)",
              "The account's phone, to verify by it (logged)", limit=Limit.LOOKUP),
        Route("POST", "/support/cases/{case_id}/verification", "identity.verify_support_case",
              "Ghi kết quả xác minh", "Record what was verified", idempotent=True),
        Route("POST", "/support/cases/{case_id}/decision", "identity.decide_support_case",
              "Kết luận: hủy, mở khóa, khôi phục, hướng dẫn", "Decide: cancel, unlock, restore, guide",
              idempotent=True),
        Route("POST", "/support/cases/{case_id}/closure", "identity.close_support_case",
              "Đóng vụ việc", "Close a case", idempotent=True),
        Route("GET", "/account-log", "identity.account_log",
              "Nhật ký thao tác trên tài khoản", "Log of what was done to accounts",
              query=(*PAGE, "account_id", "case_id", "case:int")),
    ),
    "Đơn vị và cán bộ / Units and officers": (
        Route("GET", "/units", "identity.units",
              "Các đơn vị đang hoạt động, theo ngày", "Units that are open, on a day", PUBLIC,
              query=("on", "kind", "parent")),
        Route("GET", "/units/{unit}", "identity.unit", "Một đơn vị", "One unit", PUBLIC, query=("on",)),
        Route("POST", "/units", "identity.open_unit", "Lập đơn vị", "Open a unit",
              idempotent=True, status=201, location="/units/{unit}"),
        Route("POST", "/units/{unit}/changes", "identity.change_unit",
              "Đổi tên, chuyển, đóng đơn vị từ một ngày", "Rename, move or close a unit from a day on",
              idempotent=True),
        Route("GET", "/units/{unit}/officers", "identity.officers",
              "Cán bộ được cấp quyền tại đơn vị", "Officers with grants in a unit", query=PAGE),
        Route("POST", "/officers", "identity.open_officer",
              "Mở tài khoản cán bộ với quyền đầu tiên", "Open an officer's account with its first grant",
              idempotent=True, status=201, limit=Limit.CODE, deadline=20),
        Route("POST", "/officers/{account_id}/grants", "identity.grant", "Cấp quyền", "Grant a role", idempotent=True),
        Route("POST", "/officers/{account_id}/grants/removal", "identity.ungrant",
              "Thu hồi quyền", "Take a role away", idempotent=True),
    ),
    "Thủ tục / Procedures": (
        Route("GET", "/procedures", "intake.procedures",
              "Danh mục thủ tục hành chính", "Catalogue of procedures", PUBLIC, query=(*PAGE, "q")),
        Route("GET", "/procedures/{code}", "intake.procedure",
              "Một thủ tục: thành phần, thời hạn, phí", "One procedure: components, time limit, fees", PUBLIC),
        Route("GET", "/lookups/{code}", "intake.lookup",
              "Tra cứu trạng thái hồ sơ theo mã", "Status of a dossier by its code", PUBLIC, limit=Limit.LOOKUP),
    ),
    "Tệp / Files": (
        Route("POST", "/uploads", "vault.open_upload",
              "Tải một tệp lên (nội dung tệp là thân yêu cầu, tối đa 20 MB)",
              "Upload one file (the body is the file, at most 20 MB)",
              query=("purpose", "filename"), status=201, kind=Kind.UPLOAD, hidden=("person_id",)),
        Route("GET", "/files/{file_id}/content", "vault.open_download",
              "Tải tệp của mình về", "Download a file of one's own", kind=Kind.DOWNLOAD,
              hidden=("reason", "on_behalf")),
    ),
    "Hồ sơ / Dossiers": (
        Route("POST", "/dossiers", "intake.file",
              "Nộp hồ sơ", "File a dossier", idempotent=True, status=201, location="/dossiers/{code}", deadline=20),
        Route("GET", "/dossiers", "intake.mine", "Hồ sơ của tôi", "My dossiers", query=PAGE),
        Route("GET", "/filed-for-others", "intake.filed_for",
              "Hồ sơ tôi đã nộp cho người khác", "Dossiers that I filed for others", query=PAGE),
        Route("GET", "/dossiers/{code}", "intake.dossier", "Một hồ sơ", "One dossier"),
        Route("GET", "/dossiers/{code}/history", "intake.history",
              "Nhật ký cập nhật của hồ sơ", "Update log of a dossier"),
        Route("GET", "/dossiers/{code}/versions", "intake.versions",
              "Các phiên bản của hồ sơ", "Versions of a dossier"),
        Route("GET", "/dossiers/{code}/files/{file_id}", "intake.open_file",
              "Tải một tệp của hồ sơ về", "Download a file of a dossier", kind=Kind.DOWNLOAD),
        Route("GET", "/dossiers/{code}/files/{file_id}/report", "intake.file_report",
              "Kết quả kiểm tra chữ ký số một tệp của hồ sơ", "Signature report of a file of a dossier", deadline=30),
        Route("GET", "/dossiers/{code}/receipt", "intake.receipt",
              "Giấy tiếp nhận hồ sơ và hẹn trả kết quả (PDF)", "Receipt with the appointment (PDF)",
              kind=Kind.DOWNLOAD),
        Route("POST", "/dossiers/{code}/amendments", "intake.amend",
              "Bổ sung, chỉnh sửa hồ sơ", "Amend a dossier", idempotent=True, deadline=20),
        Route("POST", "/dossiers/{code}/withdrawal", "intake.withdraw",
              "Rút hồ sơ", "Withdraw a dossier", idempotent=True, deadline=15),
        Route("GET", "/slips/{slip_id}", "intake.slip", "Một phiếu: hướng dẫn hoặc yêu cầu bổ sung",
              "One slip: a guidance or a supplement request", also="processing.slip"),
    ),
    "Một cửa / Desk": (
        Route("GET", "/desks/{unit}/dossiers", "intake.desk_queue",
              "Hồ sơ chờ tiếp nhận, kèm số phút còn lại", "Dossiers to be answered, with the minutes left", query=PAGE),
        Route("POST", "/desks/{unit}/dossiers", "intake.file_at_desk",
              "Nhận và số hóa hồ sơ nộp trực tiếp, hoặc hỗ trợ người dân nộp trực tuyến",
              "File what an applicant brought to the desk, or help her to file online",
              idempotent=True, status=201, location="/dossiers/{code}", deadline=20),
        Route("POST", "/post-offices/{unit}/dossiers", "intake.file_by_post",
              "Bưu chính đăng ký hồ sơ thay người dân", "The post registers a dossier for an applicant",
              idempotent=True, status=201, location="/dossiers/{code}", deadline=20),
        Route("POST", "/desks/{unit}/eid-cases", "identity.open_eid_case",
              "Hướng dẫn đăng ký định danh điện tử mức 1", "Guide the registration of an e-ID of level 1",
              idempotent=True, status=201, location="/desks/{unit}/eid-cases/{case_id}"),
        Route("GET", "/desks/{unit}/eid-cases", "identity.eid_cases",
              "Các trường hợp đăng ký định danh của bộ phận", "Registrations of e-IDs at a desk",
              query=(*PAGE, "state")),
        Route("GET", "/desks/{unit}/eid-cases/{case_id}", "identity.eid_case",
              "Một trường hợp đăng ký định danh", "One registration of an e-ID"),
        Route("POST", "/desks/{unit}/eid-cases/{case_id}/progress", "identity.advance_eid_case",
              "Ghi tiến độ: đã nộp, đã kích hoạt, không thành", "Record: submitted, active, failed", idempotent=True),
        Route("POST", "/dossiers/{code}/guidance", "intake.guide",
              "Hướng dẫn hoàn thiện hồ sơ", "Guide to complete a dossier", idempotent=True, deadline=30),
        Route("POST", "/dossiers/{code}/acceptance", "intake.accept",
              "Tiếp nhận hồ sơ", "Accept a dossier", idempotent=True, deadline=30),
        Route("POST", "/dossiers/{code}/refusal", "intake.refuse",
              "Từ chối tiếp nhận hồ sơ", "Refuse a dossier", idempotent=True, deadline=20),
        Route("POST", "/dossiers/{code}/paper-requests", "intake.ask_paper",
              "Yêu cầu nộp bản giấy", "Ask for paper", idempotent=True, deadline=30),
        Route("POST", "/dossiers/{code}/return", "intake.return_result",
              "Trả kết quả", "Return the result", idempotent=True, deadline=30),
    ),
    "Xử lý / Processing": (
        Route("GET", "/units/{unit}/cases", "processing.worklist",
              "Việc cần làm của đơn vị", "Work of a unit", query=PAGE),
        Route("GET", "/cases/{code}", "processing.case", "Quá trình giải quyết hồ sơ", "The case of a dossier"),
        Route("POST", "/cases/{code}/steps/{step}/start", "processing.start_step",
              "Bắt đầu một bước", "Start a step", idempotent=True),
        Route("POST", "/cases/{code}/steps/{step}/finish", "processing.finish_step",
              "Hoàn thành một bước", "Finish a step", idempotent=True),
        Route("POST", "/cases/{code}/supplements", "processing.request_supplement",
              "Yêu cầu chỉnh sửa, bổ sung hồ sơ", "Ask for a supplement", idempotent=True, deadline=30),
        Route("GET", "/supplements/{slip_id}", "processing.slip",
              "Một phiếu yêu cầu bổ sung", "One supplement slip"),
        Route("POST", "/cases/{code}/results", "processing.attach_result",
              "Đính kèm kết quả", "Attach the result", idempotent=True, deadline=30),
        Route("GET", "/cases/{code}/files/{file_id}/report", "processing.file_report",
              "Kết quả kiểm tra chữ ký số của kết quả hoặc phiếu", "Signature report of a result or a slip's file",
              deadline=30),
        Route("POST", "/cases/{code}/signed-result-requests", "processing.ask_signed_result",
              "Đề nghị cung cấp kết quả ký số", "Ask for a signed result", idempotent=True),
        Route("POST", "/cases/{code}/reschedule", "processing.reschedule",
              "Xin lỗi và hẹn lại", "Apologise and give a new appointment", idempotent=True),
        Route("POST", "/cases/{code}/stop", "processing.stop",
              "Dừng giải quyết", "Stop the case", idempotent=True),
    ),
    "Thanh toán / Payment": (
        Route("GET", "/dossiers/{code}/orders", "payment.orders",
              "Các khoản phải nộp của hồ sơ", "Payment orders of a dossier"),
        Route("POST", "/orders/{order_id}/payment", "payment.pay",
              "Thanh toán trực tuyến", "Pay online", idempotent=True, status=201),
        Route("POST", "/orders/{order_id}/cash", "payment.cash",
              "Thu tiền mặt tại quầy", "Take cash at the desk", idempotent=True, status=201),
        Route("GET", "/orders/{order_id}/receipt", "payment.receipt",
              "Biên lai (PDF)", "Receipt of a payment (PDF)", kind=Kind.DOWNLOAD),
        Route("GET", "/payments/vnpay/ipn", "payment.provider_message",
              "Thông báo của cổng thanh toán (có chữ ký)", "Message of the payment provider (signed)",
              PUBLIC, kind=Kind.PROVIDER),
        Route("GET", "/payments/vnpay/return", "",
              "Trang hiển thị sau khi thanh toán (không ghi nhận gì)", "Page after payment (records nothing)",
              PUBLIC, kind=Kind.RETURN_PAGE),
    ),
    "Kho dữ liệu và thông báo / Vault and notices": (
        Route("GET", "/holdings", "vault.holdings", "Kho dữ liệu điện tử của tôi", "My electronic store", query=PAGE),
        Route("GET", "/holdings/{holding_id}/content", "vault.open_holding",
              "Tải một giấy tờ trong kho về", "Download from my store", kind=Kind.DOWNLOAD),
        Route("POST", "/holdings", "vault.add_own",
              "Đưa dữ liệu tự số hóa, đã ký số, vào kho của mình", "Put data of one's own, signed, into the store",
              idempotent=True, deadline=30),
        Route("GET", "/own-data", "vault.own_data",
              "Dữ liệu tự số hóa đang chờ xác định chữ ký", "Data of one's own that wait for their signature's verdict",
              query=PAGE),
        Route("GET", "/access-log", "vault.access_log",
              "Ai đã mở giấy tờ của tôi", "Who opened my files", query=PAGE),
        Route("GET", "/notices", "notifier.notices", "Thông báo của tôi", "My notices", query=PAGE),
        Route("GET", "/units/{unit}/notices", "notifier.unit_notices",
              "Thông báo của đơn vị", "Notices of a unit", query=PAGE),
        Route("GET", "/dossiers/{code}/shipments", "postal.shipments",
              "Hành trình bưu chính của hồ sơ", "Postal shipments of a dossier"),
        Route("GET", "/postal/orders", "postal.orders",
              "Đơn của bưu cục", "Orders of the post office", query=PAGE),
    ),
    "Giám sát / Oversight": (
        Route("POST", "/broadcasts/vneid-activation", "identity.announce_vneid",
              "Thông báo thời điểm mở đăng nhập VNeID", "Announce from when VNeID opens accounts",
              idempotent=True, status=202),
        Route("GET", "/reviews", "oversight.reviews",
              "Phiếu cần xem xét", "Slips to be reviewed", query=(*PAGE, "state", "code"), deadline=20),
        Route("POST", "/reviews/{review_id}/decision", "oversight.decide",
              "Kết luận về một phiếu", "Decide on a slip", idempotent=True),
        Route("POST", "/dossiers/{code}/blocks/{act}/removal", "oversight.unblock",
              "Gỡ chặn yêu cầu bổ sung", "Remove a block", idempotent=True),
        Route("GET", "/violations", "oversight.violations", "Các vi phạm", "Violations", query=(*PAGE, "code")),
        Route("GET", "/recognition/{code}", "oversight.recognition",
              "Hồ sơ có được tính là trực tuyến không", "Whether a dossier counts as online"),
        Route("GET", "/figures", "oversight.figures",
              "Số liệu tổng hợp", "Figures", query=("unit", "since", "until"), deadline=20),
        Route("GET", "/agencies/{unit}/dossiers", "intake.agency_dossiers",
              "Hồ sơ thuộc thẩm quyền của một cơ quan", "Dossiers of an agency", query=PAGE),
        Route("GET", "/reports/accounts", "identity.account_report",
              "Báo cáo số: tài khoản đã chuẩn hóa, chờ chuẩn hóa, bị khóa, đã hủy, theo đơn vị và theo ngày",
              "Accounts in figures: total, normalized, pending, locked, cancelled, by unit and day",
              query=("unit", "since", "until"), deadline=20),
        Route("GET", "/population-queries", "identity.population_queries",
              "Nhật ký khai thác cơ sở dữ liệu dân cư", "Log of questions to the population database",
              query=(*PAGE, *_POPULATION)),
        Route("GET", "/disclosures/report", "identity.disclosure_report",
              "Báo cáo việc cung cấp dữ liệu cá nhân", "Report of disclosures of personal data",
              query=("since", "until")),
        Route("GET", "/population-queries/report", "identity.population_report",
              "Báo cáo khai thác dữ liệu dân cư theo cơ quan, cán bộ, mục đích",
              "Questions to the population database by agency, officer and purpose",
              query=_POPULATION, deadline=20),
        Route("GET", "/population-clients", "identity.population_clients",
              "Đầu mối kết nối với cơ sở dữ liệu dân cư", "What is connected to the population database"),
        Route("GET", "/late", "oversight.late", "Hồ sơ tiếp nhận trễ", "Late intakes", query=(*PAGE, "unit")),
        Route("GET", "/ledger", "oversight.ledger", "Sổ cái sự kiện", "Event ledger", query=(*PAGE, "code")),
        Route("GET", "/dossiers/{code}/sync", "exchange.state",
              "Trạng thái đồng bộ với Cổng DVC quốc gia", "State at the national portal"),
        Route("GET", "/help", "", "Hướng dẫn sử dụng: chín hướng dẫn của TB 94 và bốn của CV 2740",
              "Guides: the nine of TB 94 and the four of CV 2740", PUBLIC, kind=Kind.HELP),
        Route("GET", "/clock", "", "Giờ hệ thống", "Time of the system", PUBLIC, kind=Kind.CLOCK),
    ),
}  # fmt: skip


def _tagged() -> Iterator[Route]:
    for tag, rows in _GROUPS.items():
        for row in rows:
            values = {name: getattr(row, name) for name in Route.__slots__}
            yield Route(**{**values, "tag": tag})


ROUTES: tuple[Route, ...] = tuple(_tagged())
TAGS: tuple[str, ...] = tuple(_GROUPS)

#: Methods with a row in permissions that have no route, and why.
INTERNAL: dict[str, str] = {
    "identity.person": "for rooms",
    "identity.resolve_person": "for rooms",
    "identity.signers": "for rooms: whose signature it is",
    "identity.revoked_sessions": "for the gateway itself",
    "vault.file": "for rooms",
    "signing.report": "for rooms; officers ask intake or processing about a file of a dossier",
    "intake.delivery": "for postal",
    "intake.brief": "for rooms",
    "processing.release": "intake calls it on behalf of the desk officer",
    "processing.accept_amendment": "intake calls it on behalf of the owner",
    "processing.withdraw": "intake calls it on behalf of the owner",
    "payment.due": "for rooms",
    "notifier.send_code": "for identity",
    "oversight.clock": "for rooms and the operator; people read /clock",
    "oversight.move_clock": "for the operator",
}
