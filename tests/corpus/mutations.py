"""Random changes of signed files, and what of a signed file does not count.

A mutant may pass only where it says the same: after `core`, which takes out exactly what no signature protects and no
reader shows, it must be byte-identical to the honest file it was made from.

What does not count:
- the letter case of the hexadecimal digits of /Contents (ISO 32000-1 §7.3.4.3: the parsed string is the same);
- white space behind the last %%EOF, where nothing can be hidden;
- the parts of a container that no signature covers (RFC 5652 §5.4) and that say nothing about who signed what: unsigned
  attributes (a broken timestamp proves nothing), further certificates (offered only; chains come from the trust store
  or are verified link by link), the list of digest algorithms and the version (hints for readers). What counts of a
  container is the signer's certificate to the byte, the signed attributes, the signature's value and its algorithms;
- the lists, answers and certificates that a security store offers behind the last signature: each is believed by its
  issuer's signature alone, and a broken one is as good as none (the trust folder has the same lists).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from asn1crypto import cms

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
_CONTENTS = re.compile(rb"/Contents\s*<([0-9a-fA-F]+)>")
_RANGE = re.compile(rb"/ByteRange\s*\[\s*\d+\s+\d+\s+(\d+)\s+(\d+)\s*\]")
_OFFERED = re.compile(rb"<<\s*/Length\s+(\d+)\s*>>\s*stream\n")
_WHITE = b"\x00\t\n\x0c\r "


def core(data: bytes) -> bytes:
    """The file without what does not count."""

    def plain(found: re.Match[bytes]) -> bytes:
        return b"/Contents <" + _signed_part(bytes.fromhex(found[1].decode())).hex().encode() + b">"

    trimmed = _without_offers(data.rstrip(_WHITE))
    try:
        return _CONTENTS.sub(plain, trimmed)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, StopIteration):
        return trimmed


def _without_offers(data: bytes) -> bytes:
    """The file without the contents of plain streams behind what the last signature covers."""
    signed = max((int(found[1]) + int(found[2]) for found in _RANGE.finditer(data)), default=len(data))
    for found in _OFFERED.finditer(data, signed):
        start, stop = found.end(), found.end() + int(found[1])
        if data[stop:].lstrip(_WHITE).startswith(b"endstream"):
            data = data[:start] + b"." * (stop - start) + data[stop:]
    return data


def _signed_part(contents: bytes) -> bytes:
    """What a container says: who signed (the very certificate), the signed attributes, the value and its algorithms,
    and how much room was left. A timestamp over the document carries its content inside."""
    signed = cms.ContentInfo.load(contents)["content"]
    info = signed["signer_infos"][0]
    number = info["sid"].chosen["serial_number"].native
    signer = next(c.chosen for c in signed["certificates"] if _has_number(c, number))
    parts = (
        b"%d %d" % (len(contents), len(signed["signer_infos"])),
        signed["encap_content_info"].dump(),
        signer.dump(),
        info["signed_attrs"].dump(),
        info["signature"].native,
        str((info["digest_algorithm"]["algorithm"].native, info["signature_algorithm"]["algorithm"].native)).encode(),
    )
    return b"|".join(part.hex().encode() for part in parts)


def _has_number(choice: cms.CertificateChoices, number: int) -> bool:
    try:
        return bool(choice.name == "certificate" and choice.chosen.serial_number == number)
    except (ValueError, TypeError):
        return False  # one of the others, and unreadable


def _place(choice: random.Random, data: bytes) -> int:
    return choice.randrange(len(data))


def bit(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(choice, data)
    return data[:place] + bytes([data[place] ^ (1 << choice.randrange(8))]) + data[place + 1 :]


def byte(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(choice, data)
    return data[:place] + bytes([choice.randrange(256)]) + data[place + 1 :]


def deletion(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(choice, data)
    return data[:place] + data[place + choice.randint(1, 40) :]


def insertion(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(choice, data)
    return data[:place] + choice.randbytes(choice.randint(1, 40)) + data[place:]


def truncation(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: choice.randrange(len(data))]


def swap(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Two runs of bytes change places."""
    length = choice.randint(1, 200)
    first, second = sorted(choice.sample(range(len(data) - 2 * length), 2))
    second = max(second, first + length)
    return (
        data[:first] + data[second : second + length] + data[first + length : second] + data[first : first + length]
        + data[second + length :]
    )  # fmt: skip


def splice(choice: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The beginning of one signed file and the end of another."""
    other = choice.choice(others)
    return data[: _place(choice, data)] + other[_place(choice, other) :]


def digit(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """A digit of a number: offsets, lengths, byte ranges."""
    places = [m.start() for m in re.finditer(rb"(?<=[ \[])\d", data)]
    place = choice.choice(places)
    return data[:place] + b"%d" % choice.randrange(10) + data[place + 1 :]


def container(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """A digit inside a signature container."""
    found = choice.choice(list(_CONTENTS.finditer(data)))
    filled = len(found[1].rstrip(b"0"))
    place = found.start(1) + choice.randrange(filled)
    return data[:place] + choice.choice(b"0123456789abcdefABCDEF").to_bytes(1, "big") + data[place + 1 :]


def padding(choice: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """A digit in the zeros behind a signature container."""
    found = choice.choice(list(_CONTENTS.finditer(data)))
    filled = len(found[1].rstrip(b"0"))
    if filled + 2 >= len(found[1]):
        return container(choice, data, _)
    place = found.start(1) + choice.randrange(filled + 1, len(found[1]))
    return data[:place] + choice.choice(b"123456789abcdef").to_bytes(1, "big") + data[place + 1 :]


def letters(choice: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Another letter case of hexadecimal digits in the last signature, which none covers: nothing that counts."""
    *_, found = _CONTENTS.finditer(data)
    return data[: found.start(1)] + found[1].swapcase() + data[found.end(1) :]


KINDS: tuple[Mutation, ...] = (
    bit, byte, deletion, insertion, truncation, swap, splice, digit, container, padding, letters,
)  # fmt: skip


def mutants(seed: int, bases: dict[str, bytes], count: int) -> Iterator[tuple[str, bytes, bytes]]:
    """`count` of (what was done, the honest file, the mutant); the kinds take turns, none is equal to its file."""
    choice = random.Random(seed)
    names = sorted(bases)
    made = 0
    while made < count:
        kind, name = KINDS[made % len(KINDS)], choice.choice(names)
        mutant = kind(choice, bases[name], [bases[other] for other in names if other != name])
        if mutant == bases[name]:
            continue
        yield f"{made}-{kind.__name__}-of-{name}", bases[name], mutant
        made += 1
