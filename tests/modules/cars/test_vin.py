"""VINs: their form, the check digit, and an offline decode that says nothing untrue and never fails."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vininfo
from hypothesis import given
from hypothesis import strategies as st
from vininfo.dicts import WMI

from monocoque_cars.vin import VinError, check_digit_ok, decode_vin, normalise_vin

FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures" / "vehicles"
needs_fixtures = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason="[elsewhere] the recorded vehicles lie beside the checkout"
)

ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
VINS = st.text(ALPHABET, min_size=17, max_size=17)

# Real cars: VIN, model year, and what the first three characters say.
GOOD = [
    ("JH4DC4340RS003205", 1994, "Acura", "Japan", "Asia", False),
    ("1FMCU14T3JU402061", 1988, "Ford", "United States", "North America", True),
    ("1G8ZH528XYZ262643", 2000, "Saturn", "United States", "North America", True),
    ("3VWSD29M41M067176", 2001, "Volkswagen", "Mexico", "North America", True),
    ("TRUWT28N251015796", 2005, "Audi", "Hungary", "Europe", False),
    ("2T1BR30E36C599972", 2006, "Toyota", "Canada", "North America", True),
    ("SCFFDECNXCGG14038", 2012, "Aston Martin Lagonda Limited", "United Kingdom", "Europe", False),
    ("1C41JUEJ7NC002943", 2022, "Dodge", "United States", "North America", True),
]
BAD_CHECK_DIGIT = ["KMTGA4SCDRU227656", "KMTGA4SCDRU227658", "KMTGA4SCDRU227662"]


def rows(name: str) -> list[dict[str, str]]:
    with (FIXTURES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("text", ["jh4dc4340rs003205", "  JH4DC4340RS003205\n", "JH4dc4340RS003205"])
def test_a_vin_is_kept_in_upper_case_without_white_space_around_it(text: str) -> None:
    assert normalise_vin(text) == "JH4DC4340RS003205"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "length"),
        ("JH4DC4340RS00320", "length"),
        ("JH4DC4340RS0032055", "length"),
        ("J" * 1_000_000, "length"),
        ("JH4DC4340RS0O3205", "characters"),
        ("JH4DC4340RSI03205", "characters"),
        ("JH4DC4340RSq03205", "characters"),
        ("JH4DC4340 S003205", "characters"),
        ("JH4DC4340-S003205", "characters"),
        ("JH4DC4340R\x00003205", "characters"),
        ("JH4DC4340R\u017f003205", "characters"),
        ("JH4DC4340R\u00df03205\u0131", "characters"),
        ("JH4DC4340RS00320\uff15", "characters"),
        ("JH4DC4340RS00320\u0665", "characters"),
        ("JH4DC4340RS00320\ud800", "characters"),
    ],
)
def test_what_is_no_vin_is_refused_with_a_reason(text: str, reason: str) -> None:
    for refuse in (lambda: normalise_vin(text), lambda: decode_vin(text, today_year=2026)):
        with pytest.raises(VinError) as refused:
            refuse()
        assert refused.value.reason == reason
        assert not text or text not in str(refused.value)
    assert not check_digit_ok(text)


@pytest.mark.parametrize("car", GOOD, ids=[car[0] for car in GOOD])
def test_a_real_vin_decodes_to_what_is_known_of_the_car(car: tuple[str, int, str, str, str, bool]) -> None:
    vin, year, manufacturer, country, region, required = car
    facts = decode_vin(vin.lower(), today_year=2026)
    assert (facts.vin, facts.manufacturer, facts.country, facts.region) == (vin, manufacturer, country, region)
    assert year in facts.model_years
    assert (facts.check_digit, facts.check_digit_required) == ("valid", required)


@pytest.mark.parametrize("vin", BAD_CHECK_DIGIT)
def test_a_real_car_with_a_wrong_check_digit_decodes_all_the_same(vin: str) -> None:
    facts = decode_vin(vin, today_year=2026)
    assert (facts.check_digit, facts.check_digit_required) == ("invalid", False)
    assert (facts.manufacturer, facts.country, 2024 in facts.model_years) == ("Hyundai", "South Korea", True)


@pytest.mark.parametrize("position", [index for index in range(17) if index != 8])
def test_any_single_other_digit_is_noticed(position: int) -> None:
    vin = "11111111111111111"
    assert check_digit_ok(vin)
    assert not any(check_digit_ok(vin[:position] + digit + vin[position + 1 :]) for digit in "023456789")


@given(VINS)
def test_exactly_one_check_digit_fits_and_it_is_the_librarys(vin: str) -> None:
    fitting = [digit for digit in ALPHABET if check_digit_ok(vin[:8] + digit + vin[9:])]
    assert len(fitting) == 1
    assert fitting[0] in "0123456789X"
    # The library leaves brands out that use position 9 otherwise: the arithmetic is compared, not that judgement.
    if getattr(vininfo.Vin(vin).assembler, "uses_sae_checkdigit", True):
        assert check_digit_ok(vin) == vininfo.Vin(vin).verify_checksum(check_year=False)


@pytest.mark.parametrize(
    ("code", "today_year", "years"),
    [
        ("A", 2026, (1980, 2010)),
        ("R", 2026, (1994, 2024)),
        ("V", 2026, (1997, 2027)),
        ("W", 2026, (1998,)),
        ("W", 2027, (1998, 2028)),
        ("9", 2026, (2009,)),
        ("9", 2038, (2009, 2039)),
        ("A", 2039, (1980, 2010, 2040)),
        ("A", 1978, ()),
        ("U", 2026, ()),
        ("Z", 2026, ()),
        ("0", 2026, ()),
    ],
)
def test_the_year_letter_means_each_year_of_its_cycle_up_to_next_year(
    code: str, today_year: int, years: tuple[int, ...]
) -> None:
    assert decode_vin(f"1FMCU14T3{code}U402061", today_year=today_year).model_years == years


def test_an_australian_ford_has_its_year_letter_one_place_later() -> None:
    facts = decode_vin("6FPAAAJGSW6A12345", today_year=2026)
    assert (facts.manufacturer, facts.model_years) == ("Ford Australia", (2006,))
    assert not facts.check_digit_required


def test_an_unknown_maker_and_place_are_left_out() -> None:
    facts = decode_vin("EEEAAAAAAAAAAAAAA", today_year=2026)
    assert (facts.manufacturer, facts.region, facts.country) == (None, None, None)


def test_a_maker_of_small_series_is_not_taken_for_the_big_one_that_shares_two_characters() -> None:
    assert "19" in WMI
    assert "199" not in WMI
    assert decode_vin("19UAAAAAAAAAAAAAA", today_year=2026).manufacturer == "Acura"
    assert decode_vin("199AAAAAAAAAAAAAA", today_year=2026).manufacturer is None
    assert decode_vin("ZA9AAAAAAAAAAAAAA", today_year=2026).manufacturer == "Bugatti"


@pytest.mark.parametrize(("first", "region"), [("H", "Asia"), ("L", "Asia"), ("D", "Africa"), ("7", "North America")])
def test_a_region_is_given_for_the_later_codes_too(first: str, region: str) -> None:
    assert decode_vin(f"{first}AAAAAAAAAAAAAAAA", today_year=2026).region == region


@pytest.mark.parametrize("first", ALPHABET)
def test_a_check_digit_is_required_of_cars_built_in_north_america_and_china(first: str) -> None:
    facts = decode_vin(f"{first}AAAAAAAAAAAAAAAA", today_year=2026)
    assert facts.check_digit_required == (facts.region == "North America" or facts.country == "China")


@given(VINS)
def test_every_well_formed_vin_decodes(vin: str) -> None:
    facts = decode_vin(vin, today_year=2026)
    assert facts.manufacturer != ""
    assert list(facts.model_years) == sorted(set(facts.model_years))
    assert all(1980 <= year <= 2027 for year in facts.model_years)
    assert (facts.check_digit == "valid") == check_digit_ok(vin)


@given(
    wmi=st.sampled_from(sorted(code for code in WMI if set(code) <= set(ALPHABET))),
    rest=st.text(ALPHABET, min_size=15, max_size=15),
)
def test_every_known_maker_decodes_without_help_from_the_safety_net(wmi: str, rest: str) -> None:
    vin = (wmi + rest)[:17]
    vininfo.Vin(vin)
    decode_vin(vin, today_year=2026)


def test_a_fault_in_the_librarys_tables_costs_only_what_they_would_have_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> Any:
        raise KeyError("model")

    monkeypatch.setattr(vininfo, "Vin", broken)
    facts = decode_vin("JH4DC4340RS003205", today_year=2026)
    assert (facts.manufacturer, facts.country, facts.region) == (None, None, None)
    assert (facts.model_years, facts.check_digit) == ((1994, 2024), "valid")


@needs_fixtures
def test_all_recorded_vins_decode_to_their_year_with_a_valid_check_digit(
    record_property: Callable[[str, object], None],
) -> None:
    cars = rows("vins_with_decode.csv")
    assert len(cars) == 98
    facts = [decode_vin(car["vin"], today_year=2026) for car in cars]
    assert [each.vin for each in facts if each.check_digit != "valid"] == []
    missing = [
        car["vin"] for car, each in zip(cars, facts, strict=True) if int(car["model_year"]) not in each.model_years
    ]
    assert missing == []
    record_property("share of recorded VINs with a manufacturer", sum(bool(each.manufacturer) for each in facts) / 98)


@needs_fixtures
def test_all_recorded_genesis_have_a_wrong_check_digit_and_decode() -> None:
    cars = rows("vins_bad_check_digit_genesis.csv")
    assert len(cars) == 30
    for car in cars:
        facts = decode_vin(car["vin"], today_year=2026)
        assert (facts.check_digit, facts.check_digit_required) == ("invalid", False)
        assert int(car["model_year"]) in facts.model_years
        assert (facts.country, facts.region) == ("South Korea", "Asia")
