"""A seller that ships: a warehouse with a sender, an offline carrier with numbers, a practice carrier over HTTP."""

from decimal import Decimal

from backoffice import clock
from orders.carriers.sandbox.app import KEY, SECRET
from orders.fulfil import labels
from orders.models import (
    CarrierAccount,
    CarrierCredential,
    CarrierRate,
    CarrierService,
    Company,
    LabelRange,
    SenderAddress,
)
from tests.orders.factories import Seller, line, order

ACTOR = "user:1 wang"


def seller(**quantities) -> Seller:
    """A seller with a sender's address and a company; 100 cups unless told otherwise."""
    made = Seller(**(quantities or {"CUP": 100}))
    for sku in made.skus.values():
        sku.weight_g = 250
        sku.save(update_fields=["weight_g"])
    SenderAddress.objects.create(
        warehouse=made.place, name="一库杭州仓", phone="0571-88880000", line1="文三路 90 号", city="杭州市",
        region="浙江", postcode="310000", country="CN",
    )  # fmt: skip
    Company.objects.create(pk=1, name="杭州一库", language="en")
    return made


def approved(made: Seller, number: int, pieces: str = "1", **fields):
    """An approved order of some cups."""
    assert made.take(order(number, line("CUP", pieces), **fields)) == ["created"]
    return made.order(number)


def offline(*, first: int = 1, last: int = 50, **fields) -> CarrierService:
    """An offline carrier: 8.00 up to 500 g, 12.00 up to 1 kg, 3.00 each further kg; to France 60.00."""
    account = CarrierAccount.objects.create(adapter="offline", name="中通快递", **fields)
    service = CarrierService.objects.create(account=account, code="std", name="标准", days=3)
    LabelRange.objects.create(account=account, prefix="ZT", first=first, last=last, digits=8, warn_below=10)
    for country, grams, price, more in (("", 500, "8", None), ("", 1000, "12", "3"), ("FR", 2000, "60", "20")):
        CarrierRate.objects.create(
            service=service, country=country, up_to_g=grams, price=Decimal(price),
            more_per_kg=Decimal(more) if more else None, currency="EUR",
        )  # fmt: skip
    return service


def practice(url: str) -> CarrierService:
    """The practice carrier's standard service, reached at an address."""
    account = CarrierAccount.objects.create(adapter="practice", name="演练快递", base_url=url, sandbox=True)
    CarrierCredential.objects.create(account=account, secrets={"key": KEY, "secret": SECRET}, updated_at=clock.now())
    CarrierService.objects.create(account=account, code="express", name="特快")
    return CarrierService.objects.create(account=account, code="standard", name="标准")


def wish(of, service, key: str = "k1", **fields) -> labels.Wish:
    """A wish for a label of 300 g."""
    place = SenderAddress.objects.get().warehouse_id
    values = {"warehouse_id": place, "weight_g": 300, **fields}
    return labels.Wish(order_id=of.pk, service_id=service.pk, key=key, **values)
