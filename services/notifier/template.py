"""The form of a notice's text: who hears of an event, through which channels, in which sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    PORTAL = "portal"
    SMS = "sms"


class To(StrEnum):
    """Who hears of an event."""

    OWNER = "owner"
    #: Whoever filed for the owner and may follow the dossier; nobody where she filed herself.
    FILER = "filer"
    PERSON = "person"
    UNIT = "unit"
    CENTRE = "centre"


@dataclass(frozen=True)
class Template:
    """One notice. `vi` and `en` are sentences with facts in braces."""

    to: To
    title_vi: str
    title_en: str
    vi: tuple[str, ...]
    en: tuple[str, ...]
    sms: bool = True

    @property
    def channels(self) -> tuple[Channel, ...]:
        return (Channel.PORTAL, Channel.SMS) if self.sms else (Channel.PORTAL,)
