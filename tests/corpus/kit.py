"""What the makers of cases share: the authorities and the honest files that forgeries are made from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from tests.corpus import signing
from tests.corpus.case import SIGNED, Case
from tests.corpus.pki import Pki, build, der
from tests.corpus.writers import paper


class Kit:
    """`clock` is the machine's time at the start of the build: some producers sign with it."""

    def __init__(self) -> None:
        self.pki: Pki = build()
        self.clock = datetime.now(UTC)

    def signed(self, by: str = "an", pdf: bytes | None = None, **options: Any) -> bytes:
        if isinstance(options.get("stamp"), str):
            options["stamp"] = self.pki[options["stamp"]]
        return signing.sign(paper() if pdf is None else pdf, self.pki[by], **options)

    def case(self, name: str, by: str = "an", *, signing: dict[str, Any] | None = None, **more: Any) -> Case:
        """A paper signed by `by`, as a case."""
        return Case(name, self.signed(by, **(signing or {})), **more)

    @cached_property
    def b_b(self) -> bytes:
        return self.signed(room=16_384)

    @cached_property
    def b_t(self) -> bytes:
        return self.signed("binh", stamp="stamp")

    @cached_property
    def two(self) -> bytes:
        return self.signed("officer", self.b_b, field="CanBo", at=SIGNED + timedelta(minutes=20))

    @cached_property
    def b_lt(self) -> bytes:
        return signing.with_store(self.b_t, **self.data_of("rsa-ca", "second-root"))

    @cached_property
    def b_lta(self) -> bytes:
        return signing.document_stamp(self.b_lt, self.pki["stamp"], at=SIGNED + timedelta(minutes=2))

    @cached_property
    def bases(self) -> dict[str, bytes]:
        """The honest files that most forgeries are made from; the corpus holds each as honest/NAME.pdf."""
        return {"b-b": self.b_b, "b-t": self.b_t, "two": self.two}

    def data_of(self, *issuers: str, **options: Any) -> dict[str, Any]:
        """Lists and certificates of issuers and of the timestamp root, as a security store takes them."""
        return {
            "certificates": [der(self.pki[name].certificate) for name in issuers],
            "lists": [self.pki.revocation_list(name, **options) for name in (*issuers, "timestamp-root")],
        }
