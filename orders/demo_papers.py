"""The demo seller's papers and carriers: company data, senders, numbers and prices, the practice carrier."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backoffice import clock
from inventory.models import Shop, Warehouse
from orders.carriers.sandbox.app import KEY, SECRET
from orders.models import (
    CarrierAccount,
    CarrierCredential,
    CarrierRate,
    CarrierService,
    Company,
    LabelRange,
    SenderAddress,
    ShopPapers,
)

UNSET = "http://127.0.0.1:9"  # until `connect` tells where the practice carrier listens
STREETS = {
    "CN": ("稠州北路 688 号 2 号仓", "义乌市", "浙江省", "322000", "0579-85550000"),
    "DE": ("Harburger Chaussee 12", "Hamburg", "", "20539", "+49 40 5550000"),
    "US": ("1200 E Francis St", "Ontario", "CA", "91761", "+1 909 555 0100"),
}
RATES = (  # country, region, up to g, price, each further kg
    ("CN", "", 1000, "4.50", None),
    ("CN", "", 3000, "7.00", "2.00"),
    ("CN", "西藏自治区", 1000, "18.00", "12.00"),
    ("CN", "新疆维吾尔自治区", 1000, "15.00", "10.00"),
    ("", "", 500, "68.00", None),
    ("", "", 2000, "128.00", "60.00"),
)


def load() -> None:
    """Add them once."""
    company, made = Company.objects.get_or_create(pk=1, defaults=_company())
    if not made:
        return
    for place in Warehouse.objects.filter(active=True):
        line1, city, region, postcode, phone = STREETS.get(place.country, STREETS["CN"])
        SenderAddress.objects.create(
            warehouse=place, name=place.name, company=company.name, phone=phone, line1=line1, city=city,
            region=region, postcode=postcode, country=place.country or "CN",
        )  # fmt: skip
    for shop in Shop.objects.filter(country="CN"):
        ShopPapers.objects.create(shop=shop, language="zh", slip_size="label", slip_note="七天无理由退换，请保留包装。")
    _offline()
    _practice()


def _company() -> dict[str, str]:
    return {
        "name": "青梧家居用品有限公司", "name_en": "Qingwu Home Co., Ltd.", "address": "浙江省义乌市稠州北路 688 号",
        "tax_id": "91330782MA0000000X", "phone": "0579-85550000", "email": "hello@qingwu.example",
        "bank": "中国农业银行义乌支行 19-641001040000000", "logo_text": "青梧 QINGWU", "language": "both",
        "invoice_note": "感谢惠顾！Thank you for your order.",
    }  # fmt: skip


def _offline() -> None:
    account = CarrierAccount.objects.create(
        adapter="offline",
        name="中通快递",
        tracking_url="https://www.zto.com/express/expressCheck.html?txtBill={}",
    )
    standard = CarrierService.objects.create(account=account, code="standard", name="标准快递", days=3)
    parcel = CarrierService.objects.create(
        account=account, code="epacket", name="国际小包", days=12, most_weight_g=2000
    )
    for country, region, grams, price, more in RATES:
        CarrierRate.objects.create(
            service=standard if country else parcel, country=country, region=region, up_to_g=grams,
            price=Decimal(price), more_per_kg=Decimal(more) if more else None, currency="CNY",
        )  # fmt: skip
    LabelRange.objects.create(
        account=account, service=standard, prefix="78", first=1_000_000_001, last=1_000_002_000, digits=10
    )
    LabelRange.objects.create(
        account=account, service=parcel, prefix="LX", first=20_000_001, last=20_000_150, digits=8, suffix="CN",
        check_digit="s10",
    )  # fmt: skip
    account.default_service = standard
    account.save(update_fields=["default_service"])


def _practice() -> None:
    account = CarrierAccount.objects.create(
        adapter="practice", name="演练快递", base_url=UNSET, sandbox=True, scans_out=True
    )
    secrets: Any = {"key": KEY, "secret": SECRET}
    CarrierCredential.objects.create(account=account, secrets=secrets, updated_at=clock.now(), updated_by="demo")
    CarrierService.objects.create(account=account, code="standard", name="标准 Standard", days=5)
    CarrierService.objects.create(account=account, code="express", name="特快 Express", days=2)


def connect(url: str) -> None:
    """Tell the practice account where the carrier listens in this run."""
    CarrierAccount.objects.filter(adapter="practice", sandbox=True).update(base_url=url.rstrip("/"))
