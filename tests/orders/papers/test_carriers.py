"""The contract, over every adapter: prices, one label for one key, voids, tracking, and how faults are told."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice.calls.http import make_client
from orders.carriers import base, pricing
from orders.carriers.adapters.offline import OfflineCarrier
from orders.carriers.adapters.practice import PracticeCarrier
from orders.carriers.base import CarrierConfig, CarrierError, LabelRequest, Piece, Place, RateLine
from orders.carriers.registry import ADAPTERS, adapter_class
from orders.carriers.sandbox.app import KEY, SECRET

HOME = Place(name="仓", line1="文三路 90 号", city="杭州", country="CN", postcode="310000", phone="0571")
LYON = Place(name="Ana", line1="12 Rue", city="Lyon", country="FR", postcode="69001", phone="+33")


def rates(**fields) -> list[RateLine]:
    values = {"service": "standard", "country": "", "region": "", "postcode": "", "currency": "CNY", **fields}
    return [RateLine(up_to_g=1000, price=Decimal(10), more_per_kg=Decimal(4), **values)]


class Counter:
    """Numbers without a database."""

    def __init__(self):
        self.given = {}

    def give(self, *, service, key):
        return self.given.setdefault(key, f"N{len(self.given) + 1:05d}")


def request(key="k1", **fields) -> LabelRequest:
    values = {"service": "standard", "sender": HOME, "recipient": LYON, "piece": Piece(weight_g=300), **fields}
    return LabelRequest(key=key, **values)


@pytest.fixture(params=list(ADAPTERS))
def adapter(request, carrier):
    config = CarrierConfig(
        account="1", base_url=carrier.url, credentials={"key": KEY, "secret": SECRET}, rates=rates(), numbers=Counter()
    )
    return adapter_class(request.param)(config, make_client(allow=[carrier.url.removeprefix("http://")]))


@pytest.fixture
def rest(carrier):
    config = CarrierConfig(account="1", base_url=carrier.url, credentials={"key": KEY, "secret": SECRET})
    client = make_client(allow=[carrier.url.removeprefix("http://")], read_timeout=2, total_timeout=3)
    return PracticeCarrier(config, client)


def test_prices_name_services_that_can_be_bought(adapter):
    found = adapter.rates(sender=HOME, recipient=LYON, piece=Piece(weight_g=300))
    assert "standard" in {one.service for one in found}
    assert all(one.amount > 0 and one.currency == "CNY" for one in found)


def test_the_same_key_gives_the_same_label_and_another_key_another(adapter):
    first, again, other = adapter.buy(request("k1")), adapter.buy(request("k1")), adapter.buy(request("k2"))
    assert first.number == again.number != other.number
    assert first.amount == again.amount


def test_a_void_may_be_asked_for_twice(adapter):
    bought = adapter.buy(request())
    for _time in range(2):
        adapter.void(number=bought.number, reference=bought.reference, key="v")


def test_adapters_name_themselves_and_what_they_can(adapter):
    assert adapter.label
    assert adapter.capabilities <= set(base.Capability)


def test_the_practice_carrier_gives_a_pdf_and_what_is_printed(rest):
    bought = rest.buy(request())
    assert bought.pdf.startswith(b"%PDF")
    assert bought.data == {"route": "FR-690", "station": "Lyon", "qr": "YP1|YP0000000001CN|s1"}


def test_a_wrong_secret_is_refused_for_good(carrier):
    config = CarrierConfig(account="1", base_url=carrier.url, credentials={"key": KEY, "secret": "wrong"})
    with pytest.raises(CarrierError) as told:
        PracticeCarrier(config, make_client(allow=[carrier.url.removeprefix("http://")])).check()
    assert (told.value.code, told.value.permanent, told.value.auth) == ("auth", True, True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"service": "rocket"}, "no_service"),
        ({"piece": Piece(weight_g=90_000)}, "too_heavy"),
        ({"recipient": Place(name="Ana", country="FR")}, "bad_address"),
    ],
)
def test_what_the_carrier_refuses_is_permanent(rest, carrier, change, code):
    with pytest.raises(CarrierError) as told:
        rest.buy(request(**change))
    assert (told.value.code, told.value.permanent) == (code, True)
    assert not carrier.shelf.by_id


def test_a_drop_after_it_was_booked_is_unknown_and_asking_again_gives_that_shipment(rest, carrier):
    carrier.faults.add("drop_after", "/v1/shipments$")
    with pytest.raises(CarrierError) as told:
        rest.buy(request())
    assert (told.value.permanent, told.value.unknown) == (False, True)
    assert rest.buy(request()).number == "YP0000000001CN"
    assert len(carrier.shelf.by_id) == 1


@pytest.mark.parametrize(
    ("fault", "code", "wait"),
    [
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "7"}}, "throttled", 7.0),
        ({"kind": "status", "status": 500}, "server", None),
        ({"kind": "html"}, "not_json", None),
        ({"kind": "truncate"}, "bad_json", None),
    ],
)
def test_faults_of_the_wire_may_be_tried_again(rest, carrier, fault, code, wait):
    carrier.faults.add(path="/v1/rates", **fault)
    with pytest.raises(CarrierError) as told:
        rest.rates(sender=HOME, recipient=LYON, piece=Piece(weight_g=300))
    assert (told.value.code, told.value.permanent, told.value.retry_after) == (code, False, wait)


def test_our_own_throttling_is_answered_with_429(carrier, rest):
    carrier.per_second = 1
    rest.check()
    with pytest.raises(CarrierError) as told:
        rest.check()
    assert told.value.code == "throttled"


def test_tracking_tells_each_stage(rest, carrier):
    number = rest.buy(request()).number
    assert rest.track([number]) == []
    for _stage in range(4):
        carrier.advance(number)
    assert [one.code for one in rest.track([number])] == ["accepted", "moving", "out", "delivered"]


def test_a_parcel_that_was_handed_over_cannot_be_voided(rest):
    bought = rest.buy(request())
    assert rest.manifest(numbers=[bought.number], key="m") == rest.manifest(numbers=[bought.number], key="m") == "m1"
    with pytest.raises(CarrierError) as told:
        rest.void(number=bought.number, reference=bought.reference, key="v")
    assert (told.value.code, told.value.permanent) == ("handed_over", True)


def test_an_old_signature_is_refused(carrier):
    old = CarrierConfig(
        account="1", base_url=carrier.url, credentials={"key": KEY, "secret": SECRET},
        clock=lambda: dt.datetime.now(dt.UTC) - dt.timedelta(minutes=6),
    )  # fmt: skip
    with pytest.raises(CarrierError) as told:
        PracticeCarrier(old, make_client(allow=[carrier.url.removeprefix("http://")])).check()
    assert told.value.auth


# --- prices by a table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("grams", "amount"), [(1, 10), (1000, 10), (1001, 14), (2000, 14), (2001, 18)])
def test_each_begun_kilogram_beyond_the_table_is_added(grams, amount):
    found = pricing.price(rates(), service="standard", recipient=LYON, piece=Piece(weight_g=grams))
    assert found.amount == amount


def test_the_most_exact_zone_wins():
    lines = rates() + rates(country="FR", postcode="69") + rates(country="FR")
    lines = [RateLine(**{**_fields(one), "price": Decimal(n)}) for n, one in enumerate(lines, start=1)]
    assert pricing.price(lines, service="standard", recipient=LYON, piece=Piece(weight_g=1)).amount == 2
    bonn = Place(name="B", country="DE", postcode="53111")
    assert pricing.price(lines, service="standard", recipient=bonn, piece=Piece(weight_g=1)).amount == 1
    assert pricing.price(lines[1:], service="standard", recipient=bonn, piece=Piece(weight_g=1)) is None


def _fields(line) -> dict:
    return {name: getattr(line, name) for name in RateLine.__dataclass_fields__}


def test_a_large_light_parcel_is_charged_by_its_size():
    assert pricing.charged_weight(Piece(weight_g=300, length_mm=400, width_mm=300, height_mm=250)) == 6000


def test_the_offline_carrier_sells_nothing_it_has_no_price_for():
    numbers = Counter()
    config = CarrierConfig(account="1", base_url="", rates=rates(country="CN"), numbers=numbers)
    with pytest.raises(CarrierError) as told:
        OfflineCarrier(config, None).buy(request())
    assert told.value.code == "no_service"
    assert numbers.given == {}
