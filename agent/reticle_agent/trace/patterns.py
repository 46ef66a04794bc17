"""Texts that are secret by their form, whoever wrote them: found and masked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret."""

    name: str
    form: re.Pattern[str]
    check: Callable[[str], bool] = lambda found: True
    """Told apart from what only looks like it; gets the match."""


def _luhn(found: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1, annex B)."""
    digits = [int(char) for char in found if char.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [n if i % 2 == 0 else (2 * n - 9 if n > 4 else 2 * n) for i, n in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _iban(found: str) -> bool:
    """The check digits of an IBAN (ISO 13616, MOD 97-10)."""
    letters = "".join(found.split()).upper()
    if not 15 <= len(letters) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in letters[4:] + letters[:4])) % 97 == 1


PATTERNS: Final = (
    Pattern(
        "private key",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    ),
    Pattern("signed token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")),
    Pattern(
        "access key",
        re.compile(
            r"\b(?:(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}"
            r"|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
            r"|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,})"
        ),
    ),
    Pattern("payment card", re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.]*\d)"), _luhn),
    Pattern("bank account", re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b"), _iban),
)
"""In the order they are looked for."""


def without_patterns(text: str, mask: str, found: Callable[[str], None]) -> str:
    """``text`` with each secret replaced; ``found`` is told the name of each."""
    for pattern in PATTERNS:

        def replaced(match: re.Match[str], pattern: Pattern = pattern) -> str:
            if not pattern.check(match.group()):
                return match.group()
            found(pattern.name)
            return mask

        text = pattern.form.sub(replaced, text)
    return text
