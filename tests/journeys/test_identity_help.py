"""The help index: nine guides and four, with their text, before anybody signs in."""

from __future__ import annotations

import re

import pytest

NINE = [
    "Cài đặt Hue-S và thay đổi mật khẩu tài khoản qua mã xác thực OTP", "Chuẩn hóa tài khoản",
    "Đăng ký cấp chữ ký số", "Cấu hình chữ ký số mới", "Tìm kiếm thủ tục dịch vụ công", "Đăng ký trực tuyến",
    "Sử dụng hồ sơ điện tử", "Thanh toán phí, lệ phí bằng Ví Hue-S", "Quản lý hồ sơ",
]  # fmt: skip
FOUR = [
    "Đăng ký tài khoản Hue-S", "Thay đổi mật khẩu tài khoản qua mã xác thực OTP", "Lấy lại mật khẩu Hue-S",
    "Chuẩn hóa tài khoản",
]  # fmt: skip


@pytest.mark.req("UX-01", "UX-02")
@pytest.mark.parametrize(("rule", "titles"), [("UX-01", NINE), ("UX-02", FOUR)])
def test_the_index_names_every_guide_of_its_source_and_each_has_a_text(world, rule, titles):
    index = world.anybody.get("/help")
    assert index["hotline"] == "19001075"
    [guide] = [guide for guide in index["guides"] if guide["rule"] == rule]
    assert [topic["title_vi"] for topic in guide["topics"]] == titles
    for topic in guide["topics"]:
        assert topic["title_en"]
        assert len(topic["steps"]) >= 2
        assert all(step["vi"] and step["en"] and step["vi"] != step["en"] for step in topic["steps"])


@pytest.mark.req("UX-01", "UX-02")
def test_people_read_the_same_on_a_page_that_every_entry_leads_to(world):
    response = world.simulators.get(f"{world.base_url}/huong-dan")
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/html")
    anchors = set(re.findall(r'class="card" id="([a-z-]+)"', response.text))
    index = world.anybody.get("/help")
    pages = {topic["page"] for guide in index["guides"] for topic in guide["topics"]}
    assert {f"/huong-dan#{anchor}" for anchor in anchors} == pages
    assert all(title in response.text for title in {*NINE, *FOUR})
    assert "/huong-dan" in world.simulators.get(world.base_url).text, "the first page leads there"
