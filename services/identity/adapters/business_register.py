"""The business register (CSDLQG về đăng ký doanh nghiệp), asked over HTTP whether an organisation's data match.

One question, `POST /doanhnghiep/xac-thuc {maSoThue, ten, nguoiDaiDien, hoTen, ngaySinh}`, answered in the same shape as
the population database's, and reached through the same connection to national databases (MOTCUA_POPULATION_URL).
"""

from __future__ import annotations

from datetime import date

from services.identity.adapters.population import Answer, Door


class BusinessRegister(Door):
    """Client of one address."""

    PATH = "/doanhnghiep/xac-thuc"

    def ask(self, *, tax_number: str, name: str, id_number: str, full_name: str, birth_date: date) -> Answer:
        """Whether the register knows exactly this organisation under this representative."""
        return self._asked(
            {
                "maSoThue": tax_number,
                "ten": name,
                "nguoiDaiDien": id_number,
                "hoTen": full_name,
                "ngaySinh": birth_date.isoformat(),
            }
        )
