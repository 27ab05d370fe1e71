"""One signature of a PDF on its way to a report: container, value, later changes, time, certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESStatus
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.general import CMSStructuralError
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import report_seed_value_validation

from services.signing import at_time, longterm, paths, stamps, trust, values
from services.signing.container import SignedData
from services.signing.description import changes, described
from services.signing.digests import Digests
from services.signing.embedded import Brought
from services.signing.revocation import Evidence
from services.signing.verdict import FINDINGS, PASSED, Finding, SignatureReport, worst

# A claimed time without a zone is taken as local.
_LOCAL = timedelta(hours=7)
_SUBFILTERS = frozenset({"/adbe.pkcs7.detached", "/ETSI.CAdES.detached"})


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for all signatures of a file."""

    reader: PdfFileReader
    snapshot: trust.Snapshot
    received: datetime
    now: datetime
    digests: Digests
    brought: Brought
    evidence: Evidence
    stamps: tuple[longterm.Stamp, ...]


# The library lets pass what nothing refers to; behind the last signature that would be a place to hide something.
_BEHIND_LAST = StandardDiffPolicy(
    DEFAULT_DIFF_POLICY.global_rules, DEFAULT_DIFF_POLICY.form_rule, ignore_orphaned_objects=False
)


class Check:
    """The check of one signature."""

    def __init__(
        self,
        context: Context,
        signature: EmbeddedPdfSignature,
        cms: SignedData,
        *,
        gap_fits: bool,
        is_last: bool,
        tail_is_clean: bool,
    ) -> None:
        self.context = context
        self.signature = signature
        self.cms = cms
        self.gap_fits = gap_fits
        self.is_last = is_last
        self.tail_is_clean = tail_is_clean
        self.claimed: datetime | None = None
        self.value: values.Value | None = None
        self.changes: ModificationLevel | None = None
        self.later: Finding | None = None
        self.proof: stamps.Proof | None = None

    def report(self) -> SignatureReport:
        problem = self.cms.problem(len(self.signature.pkcs7_content)) or (None if self.gap_fits else "byte_range")
        if problem:
            return self._described(FINDINGS[problem], None)
        judged = None
        try:
            self.claimed = _aware(self.signature.self_reported_timestamp)
            found = self._integrity()
            self.proof = self._proof()
            judged = self._judged()
            finding = worst([*found, judged.finding, self._seed_values(judged.chain)])
        except SignatureValidationError as error:
            finding = _by_error(error)
        except CMSStructuralError:
            finding = FINDINGS["cms_shape"]
        except (RecursionError, MemoryError):
            finding = FINDINGS["limit"]
        except Exception:  # hostile input raises anything; whatever it is, nothing was verified
            finding = FINDINGS["unparsable"]
        return self._described(finding, judged)

    def _integrity(self) -> list[Finding]:
        """Digest, signature value and later changes, whoever signed."""
        if self.signature.sig_object.get("/SubFilter") not in _SUBFILTERS:
            return [FINDINGS["unparsable"]]
        self._take_digest()
        self.signature.compute_integrity_info(diff_policy=_BEHIND_LAST if self.is_last else None)
        assert self.cms.signer is not None  # else `problem` says so
        digest = self.signature.compute_digest()
        self.value = values.verified(self.signature.signed_data, self.cms.signer, digest)
        self.later = self._later_changes()
        return [self.value.finding, self.later]

    def _take_digest(self) -> None:
        """The library reads the file in small pieces for each digest."""
        _, start, stop, length = (int(value) for value in self.signature.byte_range)
        name = self.signature.external_md_algorithm
        digest = self.context.digests.around(name, start, stop, stop + length)
        if digest is not None:
            self.signature.external_digests[name] = digest

    def _later_changes(self) -> Finding:
        self.changes = changes(self.signature)
        if not self.signature.summarise_integrity_info()["docmdp_ok"] or not self.tail_is_clean:
            return FINDINGS["modified"]
        if not self.is_last or self.changes is ModificationLevel.NONE:
            return PASSED
        if not longterm.same_description(self.context.reader, self.signature.signed_revision):
            return FINDINGS["modified"]
        if self.changes is ModificationLevel.LTA_UPDATES:
            return PASSED
        # Behind the last signature only long-term data may follow; a filled field or new appearance has no author.
        result = self.signature.diff_result
        if (
            self.changes is ModificationLevel.FORM_FILLING
            and isinstance(result, DiffResult)
            and longterm.only_stamps(result.changed_form_fields, self._covering(), self.context.reader)
        ):
            self.changes = ModificationLevel.LTA_UPDATES
            return PASSED
        return FINDINGS["modified"]

    def _covering(self) -> list[longterm.Stamp]:
        """Document timestamps that cover this signature."""
        return [stamp for stamp in self.context.stamps if stamp.end > end_of(self.signature)]

    def _proof(self) -> stamps.Proof | None:
        context = self.context
        found = stamps.proofs(
            self.signature.signer_info,
            self.cms,
            self._covering(),
            snapshot=context.snapshot,
            received=context.received,
            offered=context.brought.certificates,
            evidence=context.evidence,
        )
        return found[0] if found else None

    def _judged(self) -> at_time.Judged:
        context = self.context
        assert self.cms.signer is not None  # else `problem` says so
        return at_time.judged(
            self.cms.signer,
            snapshot=context.snapshot,
            received=context.received,
            now=context.now,
            claimed=self.claimed,
            proven=self.proof.time if self.proof else None,
            offered=(*self.cms.others, *context.brought.certificates),
            evidence=context.evidence,
        )

    def _seed_values(self, chain: trust.Chain | None) -> Finding:
        """The conditions that the signature field asked for, if any."""
        if self.signature.seed_value_spec is None:
            return PASSED
        path: Any = paths.path(chain) if chain else None
        found = report_seed_value_validation(self.signature, path, timestamp_found=self.proof is not None)
        return PASSED if found["seed_value_constraint_error"] is None else FINDINGS["seed_values"]

    def _described(self, finding: Finding, judged: at_time.Judged | None) -> SignatureReport:
        if judged is None:
            leaf, context = self.cms.signer, self.context
            chain = (
                context.snapshot.chain(leaf, trust.SIGNER_KINDS, at=context.received, embedded=self.cms.others)
                if leaf
                else None
            )
            judged = at_time.Judged(finding, chain)
        unchanged = self.value is not None and self.value.intact and self.value.valid and self.later is PASSED
        return described(
            finding,
            self.cms.signer,
            judged,
            integrity=self.signature if self.value else None,
            value=self.value,
            signing_time=self.proof.time if self.proof else self.claimed,
            timestamped=self.proof is not None,
            integrity_ok=unchanged,
            changes=self.changes,
            level=self._level(judged.chain),
        )

    def _level(self, chain: trust.Chain | None) -> str:
        brought, context = self.context.brought, self.context
        if not brought.speaks_of_revocation:
            return stamps.level(self.proof, chain, None, stamped_with_data=False)
        trusted = [stamp.revision for stamp in self._covering() if stamp.trusted]
        return stamps.level(
            self.proof,
            chain,
            Evidence(brought.lists, brought.answers, context.now),
            stamped_with_data=bool(trusted) and self._store_came_before(max(trusted)),
        )

    def _store_came_before(self, revision: int) -> bool:
        """Whether the security store, if there is one, stood in the file when a revision was stamped."""
        reader = self.context.reader
        return "/DSS" not in reader.root or "/DSS" in reader.get_historical_root(revision)


def end_of(signature: EmbeddedPdfSignature) -> int:
    """Where the signed range ends; 0 where there is none."""
    values = [v for v in signature.byte_range if isinstance(v, int)]
    return values[2] + values[3] if len(values) == 4 else 0


def _by_error(error: SignatureValidationError) -> Finding:
    if error.ades_status is AdESStatus.FAILED:
        return FINDINGS["cms_shape"]
    return FINDINGS[paths.BY_INDICATION.get(error.ades_subindication, "unparsable")]


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.utcoffset() is None:
        return (moment - _LOCAL).replace(tzinfo=UTC)
    return moment
