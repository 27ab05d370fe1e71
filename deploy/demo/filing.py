"""First chapter: a citizen registers, normalizes, uploads two PDFs and files."""

from __future__ import annotations

import hashlib

from deploy.demo import vneid
from deploy.demo.people import BIRTH, COPY, QUANG_THAI, refused, verdict_of
from deploy.demo.story import Story, hour, moment, step
from deploy.rehearsal.cast import PEOPLE

#: Verbatim, from CV 2740/STTTT-IOC §2, case 4.
NO_MATCH = (
    "Không tìm thấy dữ liệu dân cư trùng khớp với các thông tin họ tên, ngày sinh, số định danh mà bạn cung cấp. "
    "Bạn có chắc chắn các thông tin trên chính xác không?"
)
FEE = 20_000  # đồng


@step("Ai cũng xem được danh mục thủ tục", "Anybody reads the catalogue of procedures")
def the_catalogue_is_public(s: Story) -> str:
    rows = {row["code"]: row for row in s.world.anybody.get("/procedures")["items"]}
    copy, birth = rows[COPY], rows[BIRTH]
    assert (copy["fee"]["mode"], copy["fee"]["amount"]) == ("thu_sau", FEE)
    assert copy["limit"] == {"value": 3, "unit": "working_days"}
    assert (birth["fee"]["mode"], birth["limit"]["unit"]) == ("khong_thu", "same_day")
    refusal = s.world.anybody.refused("GET", "/dossiers")
    assert refusal.status == 401
    return f"{copy['name_vi']}: {copy['limit_vi']}, {FEE} đ · {birth['name_vi']}: {birth['limit_vi']}, 0 đ"


@step("Công dân đăng ký tài khoản bằng mã gửi về điện thoại", "A citizen registers with a code from her phone")
def she_registers(s: Story) -> str:
    made = s.citizen.register()
    assert made["account_id"] and made["person_id"]
    return f"tài khoản / account {made['account_id'][:12]}…"


@step("Đăng nhập: thấy biểu mẫu chuẩn hóa 4 trường", "She signs in and is shown the form of four fields")
def she_signs_in(s: Story) -> str:
    s.citizen.sign_in()
    home = s.citizen.home()
    assert home["account"]["normalized"] is False
    shown = [entry["name"] for entry in home["normalization_form"]["fields"]]
    assert shown == ["full_name", "id_number", "issue_date", "phone"], shown
    return "họ tên, số CCCD, ngày cấp, điện thoại (ID-01)"


@step("Chuẩn hóa: sai thì bị từ chối đúng lời văn, đúng thì khớp CSDL dân cư; rồi mới vào được bằng VNeID",
      "She normalizes: a wrong name is refused in prescribed words; once all match, VNeID works")  # fmt: skip
def she_normalizes(s: Story) -> str:
    number = s.citizen.person.personal_number
    early = refused(lambda: vneid.sign_in(s.world, s.world.client(), number))
    assert (early.status, early.rule) == (403, "ID-08"), early
    form = s.citizen.normalization()
    wrong = refused(lambda: s.citizen.normalize({**form, "full_name": PEOPLE["citizen-chi"].full_name}))
    assert wrong.status == 422 and wrong.rule == "ID-16", wrong
    assert wrong.problem["title_vi"] == NO_MATCH
    answer = s.during("normalize", lambda: s.citizen.normalize(form))
    assert answer["normalized"] is True
    home = s.citizen.home()
    assert home["normalization_form"] is None and home["account"]["normalized"] is True
    through = vneid.sign_in(s.world, s.world.client(), number)
    assert through["account"] == s.citizen.account
    return "ID-16 nguyên văn; VNeID chỉ sau khi chuẩn hóa (ID-08) / verbatim; VNeID only once she is normalized"


@step("Tải lên đơn đã ký số (PAdES) bằng chứng thư của chính mình",
      "She uploads the form, signed with PAdES by her own certificate")  # fmt: skip
def she_uploads_the_signed_form(s: Story) -> str:
    signed = s.world.signed(s.world.paper("Đơn đề nghị", s.citizen.person.key), s.citizen_key)
    data = s.slowly("upload-form", signed)
    s.files["don"] = s.during("upload-form", lambda: s.citizen.upload(data, "don-de-nghi.pdf"))
    assert s.files["don"]["sha256"] == hashlib.sha256(signed).hexdigest()
    return f"sha256 {s.files['don']['sha256'][:16]}…"


@step("Tải lên bản chụp (không ký)", "She uploads the scan, not signed")
def she_uploads_the_scan(s: Story) -> str:
    scan = s.world.paper("Bản chụp giấy tờ", s.citizen.person.key, "mờ / blurred")
    data = s.slowly("upload-scan", scan)
    s.files["ban-chup"] = s.during("upload-scan", lambda: s.citizen.upload(data, "ban-chup.pdf"))
    assert s.files["ban-chup"]["sha256"] == hashlib.sha256(scan).hexdigest()
    return f"sha256 {s.files['ban-chup']['sha256'][:16]}…"


@step("Nộp hồ sơ: nhận mã, bắt đầu 01 giờ làm việc của một cửa",
      "She files: a code is given, the desk's working hour begins")  # fmt: skip
def she_files(s: Story) -> str:
    given = {name: s.files[name]["file_id"] for name in ("don", "ban-chup")}
    dossier = s.during("file", lambda: s.citizen.file(COPY, given, pickup="post"))
    s.code = dossier["code"]
    assert s.code.startswith(f"{QUANG_THAI}-240311-"), s.code
    assert (dossier["status_code"], dossier["mode"], dossier["owner_is_me"]) == (1, "SELF_PORTAL", True)
    assert moment(dossier["intake_due"]) > moment(dossier["filed_at"])
    don = verdict_of(s.citizen.client, s.code, "don")
    scan = verdict_of(s.citizen.client, s.code, "ban-chup")
    assert (don["verdict"], scan["verdict"]) == ("TOTAL_PASSED", "NO_SIGNATURE")
    s.outcome["verdicts"] = [don["verdict"], scan["verdict"]]
    looked = s.world.anybody.get(f"/lookups/{s.code}")
    assert set(looked) == {"code", "status_code", "status_vi", "status_en", "progress_percent"}
    return f"{s.code}, hạn trả lời / answer due {hour(dossier['intake_due'])}"
