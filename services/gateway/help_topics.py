"""The guides for citizens (UX-01, UX-02): nine that came with TB 94/TB-UBND, four that came with CV 2740/STTTT-IOC.

Text only, both languages; it says what this system does today, and plainly where it does not do a thing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One guide: what to do, step by step, as (Vietnamese, English)."""

    id: str
    title: tuple[str, str]
    steps: tuple[tuple[str, str], ...]


_TOPICS = (
    Topic("install-and-password", (
        "Cài đặt Hue-S và thay đổi mật khẩu tài khoản qua mã xác thực OTP",
        "Install Hue-S and change the password by a one-time code"), (
        ("Cài ứng dụng Hue-S từ kho ứng dụng chính thức của điện thoại; không cài từ đường dẫn trong tin nhắn.",
         "Install Hue-S from the phone's official store, never from a link in a message."),
        ("Đăng nhập bằng số điện thoại và mật khẩu của mình; tài khoản dùng chung cho Cổng dịch vụ công và Hue-S.",
         "Sign in with your phone number and password; one account serves portal and Hue-S."),
        ("Vào Tài khoản, chọn Đổi mật khẩu: mã 6 chữ số gửi đến điện thoại của tài khoản, dùng một lần trong 5 phút.",
         "Choose Change password: a code of 6 digits goes to the account's phone, good for 5 minutes and one use."),
        ("Nhập mã và mật khẩu mới (8 đến 128 ký tự). Mọi phiên đăng nhập khác kết thúc.",
         "Enter the code and a new password (8 to 128 characters). All other sessions end."),
        ("Không đưa mã hay mật khẩu cho bất kỳ ai; cán bộ không bao giờ hỏi.",
         "Give code and password to nobody; no officer ever asks for them."))),
    Topic("normalize", ("Chuẩn hóa tài khoản", "Normalize the account"), (
        ("Đăng nhập. Khi chưa chuẩn hóa, biểu mẫu hiện ra ở mọi lần truy cập.",
         "Sign in. Until the account is normalized the form is shown at every access."),
        ("Nhập đúng như trên thẻ: họ và tên, số CCCD, ngày cấp, số điện thoại; tài khoản cũ thêm ngày sinh.",
         "Enter as on the card: full name, number, date of issue, phone; older accounts without a birth date give it."),
        ("Xin mã và nhập mã gửi đến số điện thoại vừa khai.", "Ask for the code and enter what came to that phone."),
        ("Thông tin được đối chiếu với Cơ sở dữ liệu quốc gia về dân cư. Không khớp thì kiểm tra lại và nhập lại; "
         "tài khoản không bị khóa vì nhập sai.",
         "The data are compared with the population database. If they do not match, check and enter them again; a "
         "mistake locks nothing."),
        ("Sau khi chuẩn hóa, hồ sơ nộp trước đây và hồ sơ đã số hóa tại bộ phận một cửa hiện trong tài khoản.",
         "Then dossiers filed before, or digitised at a desk, are listed in the account."),
        ("Số định danh đã có người khác chuẩn hóa, hoặc tài khoản bị khóa: gọi 19001075.",
         "If somebody else has normalized your number, or the account is locked, call 19001075."))),
    Topic("register-signature", ("Đăng ký cấp chữ ký số", "Get a digital signature"), (
        ("Chữ ký số do tổ chức chứng thực cấp; hệ thống này không cấp chữ ký số.",
         "Signatures are issued by certification authorities; this system issues none."),
        ("Hãy chọn một tổ chức cung cấp dịch vụ chứng thực chữ ký số công cộng và đăng ký bằng CCCD của mình.",
         "Choose a public certification authority and register there with your identity card."))),
    Topic("configure-signature", ("Cấu hình chữ ký số mới", "Set up a new signature"), (
        ("Chứng thư có số CCCD của bạn được nhận ra ngay. Chứng thư không có số: xin tệp đăng ký, ký tệp đó, tải lên "
         "và nhập mã gửi đến điện thoại; từ đó tệp ký bằng chứng thư này là của bạn. Có thể thay hoặc gỡ sau này.",
         "A certificate with your number is recognised at once. One without: ask for the registration file, sign it, "
         "upload it and enter the code sent to your phone; what it signs is yours from then on. Replace or remove it "
         "at any time."),
        ("Ký tệp PDF bằng phần mềm của tổ chức chứng thực trước khi tải lên; chữ ký được kiểm tra ngay khi nhận tệp.",
         "Sign the PDF with the authority's program before you upload it; it is checked as soon as it arrives."),
        ("Kết quả kiểm tra nêu rõ chữ ký hợp lệ, không hợp lệ hay chưa xác định được, và vì sao.",
         "The result says whether the signature is valid, invalid or cannot be determined, and why."),
        ("Ký ngay trong ứng dụng chưa có ở hệ thống này.", "Signing inside the app is not part of this system yet."))),
    Topic("search", ("Tìm kiếm thủ tục dịch vụ công", "Find a procedure"), (
        ("Mở Danh mục thủ tục, gõ từ khóa trong tên thủ tục.", "Open the catalogue and type a word of the name."),
        ("Mỗi thủ tục nêu thành phần hồ sơ, thời hạn, phí, lệ phí và nơi nộp.",
         "Each procedure names its components, time limit, fees and where to file."))),
    Topic("file-online", ("Đăng ký trực tuyến", "File online"), (
        ("Chọn thủ tục và nơi nộp, tải từng thành phần lên (tối đa 20 MB một tệp).",
         "Choose procedure and desk, upload each component (at most 20 MB a file)."),
        ("Xác nhận lời khai là đúng và nộp; mã hồ sơ có ngay và không đổi.",
         "Confirm that what you state is true and file; the code comes at once and stays."),
        ("Bộ phận một cửa trả lời trong một giờ làm việc.", "The desk answers within one working hour."))),
    Topic("e-records", ("Sử dụng hồ sơ điện tử", "Use the electronic store"), (
        ("Kết quả đã ký số nằm trong kho dữ liệu điện tử của bạn, dù bạn nhận bản giấy hay không.",
         "Signed results lie in your electronic store, whether or not you collect paper."),
        ("Giấy tờ bạn tự số hóa và tự ký số cũng đưa được vào kho; tệp không ký hoặc người khác ký bị từ chối.",
         "Papers that you digitised and signed yourself can be put in too; unsigned ones and others' are refused."),
        ("Nhật ký truy cập cho biết ai đã mở giấy tờ của bạn, khi nào, để làm gì.",
         "The access log says who opened your papers, when and why."))),
    Topic("pay", ("Thanh toán phí, lệ phí bằng Ví Hue-S", "Pay fees with the Hue-S wallet"), (
        ("Mở khoản phải nộp của hồ sơ, chọn thanh toán trực tuyến và làm theo trang của đơn vị thanh toán.",
         "Open what is due for the dossier, choose online payment and follow the provider's page."),
        ("Chỉ xác nhận có chữ ký của đơn vị thanh toán mới ghi nhận đã nộp; biên lai có ngay sau đó.",
         "Only the provider's signed confirmation records the payment; the receipt follows at once."),
        ("Ví Hue-S được chọn trên trang của đơn vị thanh toán, nếu đơn vị đó có; cũng có thể nộp tiền mặt tại quầy.",
         "The wallet is chosen on the provider's page where it offers it; cash at the desk is possible too."))),
    Topic("manage-dossiers", ("Quản lý hồ sơ", "Manage dossiers"), (
        ("Hồ sơ của tôi nêu trạng thái, ngày hẹn trả và việc cần làm; mỗi thay đổi có thông báo.",
         "My dossiers shows state, appointment and what is to be done; each change is notified."),
        ("Bổ sung theo phiếu hướng dẫn dưới cùng mã hồ sơ; có thể rút hồ sơ khi chưa có kết quả.",
         "Amend under the same code as a slip asks; a dossier may be withdrawn while there is no result."))),
    Topic("register", ("Đăng ký tài khoản Hue-S", "Register an account"), (
        ("Nhập số điện thoại, họ tên, ngày sinh và mật khẩu; mã xác nhận gửi về số điện thoại đó.",
         "Enter phone, full name, birth date and a password; a code goes to that phone."),
        ("Nhập mã trong 5 phút. Nếu số đã dùng cho người khác, gọi 19001075 để được hỗ trợ (trường hợp 1).",
         "Enter the code within 5 minutes. If the phone is used for somebody else, call 19001075 (case 1)."),
        ("Đăng nhập và chuẩn hóa tài khoản.", "Sign in and normalize the account."))),
    Topic("change-password", (
        "Thay đổi mật khẩu tài khoản qua mã xác thực OTP", "Change the password by a one-time code"), (
        ("Đăng nhập, chọn Đổi mật khẩu; mã gửi đến điện thoại của tài khoản.",
         "Sign in and choose Change password; a code goes to the account's phone."),
        ("Nhập mã và mật khẩu mới. Mã sai 5 lần hoặc quá 5 phút thì xin mã khác.",
         "Enter the code and the new password. After 5 wrong tries or 5 minutes ask for another."))),
    Topic("recover-password", ("Lấy lại mật khẩu Hue-S", "Recover the password"), (
        ("Ở trang đăng nhập chọn Quên mật khẩu, nhập số điện thoại của tài khoản, làm trên chính điện thoại của mình.",
         "Choose Forgotten password, enter the account's phone, on your own phone."),
        ("Câu trả lời luôn như nhau; nếu số đó có tài khoản, mã sẽ đến sau ít giây.",
         "The answer is always the same; if there is such an account, the code comes within seconds."),
        ("Nhập mã và mật khẩu mới; mọi phiên cũ kết thúc. Tài khoản cũ bằng CMND hoặc đã đổi số: gọi 19001075 "
         "(trường hợp 3).",
         "Enter the code and a new password; old sessions end. An old account with a CMND, or a changed phone: call "
         "19001075 (case 3)."))),
)  # fmt: skip

TOPICS: dict[str, Topic] = {topic.id: topic for topic in _TOPICS}


@dataclass(frozen=True, slots=True)
class Guide:
    """A set of guides as its source lists it."""

    rule: str
    source: str
    topics: tuple[str, ...]


GUIDES = (
    Guide("UX-01", "TB 94/TB-UBND §5", (
        "install-and-password", "normalize", "register-signature", "configure-signature", "search", "file-online",
        "e-records", "pay", "manage-dossiers")),
    Guide("UX-02", "CV 2740/STTTT-IOC §3", ("register", "change-password", "recover-password", "normalize")),
)  # fmt: skip
