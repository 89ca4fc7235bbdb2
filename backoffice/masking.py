"""Show enough of a name, phone number or address to recognise it, and not enough to misuse it."""

from __future__ import annotations

DOT = "•"


def name(value: str) -> str:
    """`王小明` → `王••`, `Mary Smith` → `M••• S••••`."""
    return " ".join(word[0] + DOT * (len(word) - 1) for word in value.split())


def phone(value: str) -> str:
    """Keep the last four digits."""
    digits = sum(char.isdigit() for char in value)
    seen, kept = 0, []
    for char in value:
        seen += char.isdigit()
        kept.append(DOT if char.isdigit() and seen <= digits - 4 else char)
    return "".join(kept) if digits > 4 else DOT * len(value)


def email(value: str) -> str:
    """`mary@example.com` → `m•••@example.com`."""
    local, at, domain = value.rpartition("@")
    return local[:1] + DOT * max(len(local) - 1, 1) + at + domain if at else DOT * len(value)


def text(value: str) -> str:
    """Hide all of it: an address, a note."""
    return DOT * 6 if value else ""
