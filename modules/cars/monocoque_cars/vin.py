"""Vehicle identification numbers (ISO 3779): their form, their check digit, and what they tell offline."""

from dataclasses import dataclass
from typing import Final, Literal

import vininfo
from vininfo.common import UnsupportedBrand
from vininfo.dicts import WMI

VinFault = Literal["length", "characters"]

VIN_LENGTH: Final = 17
_ALPHABET: Final = frozenset("ABCDEFGHJKLMNPRSTUVWXYZ0123456789")

# 49 CFR 565.15: letters count as digits, positions have weights, the check digit itself (position 9) weighs nothing.
_VALUES: Final = dict(
    zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "012345678912345678123457923456789"), strict=True)
)
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECK_DIGITS: Final = "0123456789X"
_CHECK_DIGIT_POSITION: Final = 8

# Where the rules of the place of manufacture demand a check digit: North America (1-5, 7) and China (H, L).
_REQUIRING_REGIONS: Final = frozenset("123457HL")

# The model-year letter names a year in a cycle of 30 that began with 1980; I, O, Q, U, Z and 0 name none.
_YEAR_CODES: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
_FIRST_YEAR: Final = 1980

# Codes that ISO 3780 has given away since the library's table of regions was written.
_LATER_REGIONS: Final = {"D": "Africa", "H": "Asia"}


class VinError(ValueError):
    """The text is not a VIN; `reason` says whether its length or its characters are wrong."""

    def __init__(self, reason: VinFault, message: str) -> None:
        super().__init__(message)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True)
class VinFacts:
    """What a VIN says about a car, None or empty where it does not; the check digit is a hint, not proof.

    `model_years` are all that the year letter can mean up to next year, ascending. `check_digit_required` is true for
    cars built where the law demands one (North America, China): elsewhere position 9 is often in other use.
    """

    vin: str
    manufacturer: str | None
    region: str | None
    country: str | None
    model_years: tuple[int, ...]
    check_digit: Literal["valid", "invalid"]
    check_digit_required: bool


def normalise_vin(text: str) -> str:
    """Give the VIN in upper case without surrounding white space; VinError for a wrong length or wrong characters."""
    stripped = text.strip()
    if len(stripped) != VIN_LENGTH:
        raise VinError("length", f"A VIN has {VIN_LENGTH} characters; this text has {len(stripped)}.")
    # isascii first: upper() makes plain letters of a few others, such as the long s.
    vin = stripped.upper() if stripped.isascii() else ""
    if not vin or not _ALPHABET.issuperset(vin):
        raise VinError("characters", "A VIN has the letters A to Z without I, O and Q, and the digits 0 to 9.")
    return vin


def check_digit_ok(vin: str) -> bool:
    """Tell whether the ninth character of a normalised VIN is its check digit; False for a text that is no VIN."""
    if len(vin) != VIN_LENGTH or not _ALPHABET.issuperset(vin):
        return False
    total = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True))
    return vin[_CHECK_DIGIT_POSITION] == _CHECK_DIGITS[total % 11]


def decode_vin(vin: str, *, today_year: int) -> VinFacts:
    """Decode a VIN offline (tables of vininfo); VinError where `normalise_vin` raises it, and only there."""
    vin = normalise_vin(vin)
    # The library decodes model details at once for some makers. We use none of them, and a gap in those tables must not
    # cost the facts that do not depend on them.
    try:
        known = vininfo.Vin(vin)
        manufacturer, country, year_code = _manufacturer(known), known.country, known.years_code
        region = known.region or _LATER_REGIONS.get(vin[0])
    except Exception:  # noqa: BLE001  whatever a third party's table trips over, the VIN is well-formed
        manufacturer, country, year_code, region = None, None, vin[9], None
    return VinFacts(
        vin=vin,
        manufacturer=manufacturer,
        region=region,
        country=country,
        model_years=_model_years(year_code, today_year),
        check_digit="valid" if check_digit_ok(vin) else "invalid",
        check_digit_required=vin[0] in _REQUIRING_REGIONS,
    )


def _manufacturer(known: vininfo.Vin) -> str | None:
    # The library falls back to the first two characters of a maker. A 9 as the third stands for every maker of small
    # series, so that only an entry for all three characters names one.
    shared_code = known.manufacturer_is_small and known.wmi not in WMI
    if shared_code or isinstance(known.assembler, UnsupportedBrand):
        return None
    return str(known.manufacturer)


def _model_years(code: str, today_year: int) -> tuple[int, ...]:
    offset = _YEAR_CODES.find(code)
    if offset < 0:
        return ()
    return tuple(range(_FIRST_YEAR + offset, today_year + 2, len(_YEAR_CODES)))
