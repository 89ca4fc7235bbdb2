"""Places compared: the same region under its several names, how far apart two places are, which lists a place is on."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from orders.fulfil.routing.facts import Destination, PlaceRule, Point, Site
from orders.fulfil.routing.places import COUNTRIES, REGIONS

EARTH_KM = 6371.0
# Where coordinates are not known: in the same region, in the same country, abroad.
SAME_REGION, SAME_COUNTRY, ABROAD = 100, 800, 6_000
_ENDINGS = re.compile(
    "(维吾尔自治区|壮族自治区|回族自治区|特别行政区|自治区|省|市|県|府|都|sheng|shi"
    "| province| prefecture| state| region)$"
)
_NOISE = re.compile(r"[\s.\-_'’]+")
_TOKEN = re.compile(r"^(\*|[A-Za-z]{2})(?:\s*[/-]\s*([^:/]{1,60}))?(?:\s*:\s*([A-Za-z0-9 -]{1,12}))?$")


def _entries(text: str) -> Iterable[list[str]]:
    return (entry.split(" ") for row in text.strip().splitlines() for entry in row.split("|"))


_COUNTRY_POINTS: dict[str, Point] = {code: (float(lat), float(lon)) for code, lat, lon in _entries(COUNTRIES)}
_REGION_POINTS: dict[tuple[str, str], Point] = {
    (country, code): (float(lat), float(lon))
    for country, text in REGIONS.items()
    for code, _own, _english, lat, lon in _entries(text)
}


def _plain(text: str) -> str:
    lowered = unicodedata.normalize("NFKC", text).strip().casefold()
    return _NOISE.sub("", _ENDINGS.sub("", lowered))


_REGION_NAMES: dict[tuple[str, str], str] = {
    (country, _plain(name)): code
    for country, text in REGIONS.items()
    for code, own, english, _lat, _lon in _entries(text)
    for name in (code, own, *english.split(","))
    if name != "-"
}


@lru_cache(maxsize=20_000)
def region_key(country: str, region: str) -> str:
    """Return one name for a region however it is written: 广东省, 广东 and Guangdong are the same; "" for none."""
    plain = _plain(region)
    return _REGION_NAMES.get((country, plain), plain) if plain else ""


def postcode_key(postcode: str) -> str:
    """Return a postcode as prefixes are compared with it: without blanks and hyphens, upper case."""
    return re.sub(r"[\s-]+", "", unicodedata.normalize("NFKC", postcode)).upper()


def point_of(country: str, region: str) -> Point | None:
    """Return about where a region lies, else its country; None when we do not know."""
    return _REGION_POINTS.get((country, region)) or _COUNTRY_POINTS.get(country)


@lru_cache(maxsize=20_000)
def destination(country: str, region: str = "", postcode: str = "", point: Point | None = None) -> Destination:
    """Return a destination with its region and postcode in the form they are compared in."""
    code = country.strip().upper()[:2]
    key = region_key(code, region)
    return Destination(code, key, postcode_key(postcode), point or point_of(code, key))


def site(pk: int, country: str, region: str, latitude: float | None, longitude: float | None) -> Site:
    """Return a warehouse's place; its own coordinates go before those of its region."""
    code = country.strip().upper()
    key = region_key(code, region)
    point = (latitude, longitude) if latitude is not None and longitude is not None else point_of(code, key)
    return Site(pk, code, key, point)


def kilometres(one: Site, to: Destination) -> int:
    """Return how far it is, along the ground as far as points are known, else by region and country."""
    if one.point is not None and to.point is not None:
        return round(_great_circle(one.point, to.point))
    if not one.country or one.country != to.country:
        return ABROAD
    return SAME_REGION if one.region and one.region == to.region else SAME_COUNTRY


def _great_circle(one: Point, two: Point) -> float:
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *two))
    part = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(part)))


# --- lists of places -------------------------------------------------------------------------------------------------


def place_rule(text: str) -> PlaceRule | None:
    """Read `CN`, `CN-广东`, `FR:20` or `*`; None for what is none of these."""
    found = _TOKEN.match(unicodedata.normalize("NFKC", text).strip())
    if found is None or (found[1] == "*" and (found[2] or found[3])):
        return None
    country = found[1].upper()
    return PlaceRule(country, region_key(country, found[2] or ""), postcode_key(found[3] or ""))


def within(to: Destination, rule: PlaceRule) -> bool:
    """Say whether a destination lies in the place."""
    if rule.country != "*" and rule.country != to.country:
        return False
    if rule.region and rule.region != to.region:
        return False
    return not rule.postcode or to.postcode.startswith(rule.postcode)
