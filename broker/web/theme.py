"""A pool's accent colour, made legible: every text that stands on it or is written in it keeps WCAG AA contrast (4.5 to 1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from broker.model.settings import Branding

HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
DEFAULT_ACCENT = "#2f5bd7"
# The card of each scheme, as crossgate.css has it; a test holds them together.
LIGHT_CARD = "#ffffff"
DARK_CARD = "#1b1e25"
AA_TEXT = 4.5
# A button is known by its words, so its shape need not reach 3 to 1; it must only not vanish (WCAG 2.2, 1.4.11).
VISIBLE = 1.3

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shades:
    """The accent in one scheme: as a filled button, the words on it, and as words or a ring on the card."""

    fill: str
    on_fill: str
    text: str


@dataclass(frozen=True, slots=True)
class Theme:
    """The accent in both schemes."""

    light: Shades
    dark: Shades


def of(branding: Branding) -> Theme:
    """Colours for a pool; what is not a CSS hex colour falls back to ours (row OA-B11: nothing else reaches the style)."""
    accent = branding.accent if HEX.fullmatch(branding.accent) else DEFAULT_ACCENT
    dark = branding.accent_dark if HEX.fullmatch(branding.accent_dark) else accent
    return Theme(_shades(accent, LIGHT_CARD, "#000000"), _shades(dark, DARK_CARD, "#ffffff"))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two hex colours, 1 to 21 (WCAG 2.2, 1.4.3)."""
    brighter, darker = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _shades(accent: str, card: str, towards: str) -> Shades:
    fill = _until(accent, towards, lambda colour: contrast(colour, card) >= VISIBLE and _words_on(colour)[1] >= AA_TEXT)
    text = _until(accent, towards, lambda colour: contrast(colour, card) >= AA_TEXT)
    return Shades(fill=fill, on_fill=_words_on(fill)[0], text=text)


def _words_on(fill: str) -> tuple[str, float]:
    """White if it is legible, else near-black; with its contrast."""
    white = contrast("#ffffff", fill)
    return ("#ffffff", white) if white >= AA_TEXT else ("#0b0d12", contrast("#0b0d12", fill))


def _until(colour: str, towards: str, good: Callable[[str], bool]) -> str:
    """The colour, moved in small steps towards black or white until it is good."""
    start, end = _rgb(colour), _rgb(towards)
    for step in range(51):
        mixed = tuple(round(a + (b - a) * step / 50) for a, b in zip(start, end, strict=True))
        candidate = "#" + "".join(f"{part:02x}" for part in mixed)
        if good(candidate):
            return candidate
    return towards


def _rgb(colour: str) -> Rgb:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
