"""The templates every installation starts with; each house changes them, and they are never written over."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from backoffice.models import MessageTemplate

LATE_ZH = """{{ buyer_name }} 您好：

您在 {{ shop_name }} 的订单 {{ order_number }} 未能按原定日期 {{ ship_by }} 发出，非常抱歉。
我们正在加紧处理，发货后会立即把运单号告诉您。

商品：
{{ goods }}

{{ shop_name }}"""
LATE_EN = """Dear {{ buyer_name }},

your order {{ order_number }} at {{ shop_name }} could not leave by {{ ship_by }}. We are sorry.
We are working on it, and will send you the parcel's number as soon as it is on its way.

Goods:
{{ goods }}

{{ shop_name }}"""
ADDRESS_ZH = """{{ buyer_name }} 您好：

订单 {{ order_number }} 的收货地址似乎不完整，暂时无法发货。
请回复完整的收货人、电话和地址（含门牌号与邮编）。

{{ shop_name }}"""
ADDRESS_EN = """Dear {{ buyer_name }},

the delivery address of your order {{ order_number }} seems to be incomplete, so we cannot send it yet.
Please answer with the full name, phone number, street, house number, postcode and town.

{{ shop_name }}"""
SMS_ZH = "{{ buyer_name }}您好，订单{{ order_number }}将延迟发出，预计{{ new_date }}。抱歉！{{ shop_name }}"
SMS_EN = "Order {{ order_number }} will leave later than promised: {{ new_date }}. We are sorry. {{ shop_name }}"
STARTERS: tuple[dict[str, Any], ...] = (
    {
        "code": "late-email", "name": "Late order, e-mail", "purpose": "late", "channel": "email",
        "subject_zh": "关于您的订单 {{ order_number }}", "body_zh": LATE_ZH,
        "subject_en": "About your order {{ order_number }}", "body_en": LATE_EN,
    },
    {
        "code": "late-sms", "name": "Late order, text message", "purpose": "late", "channel": "sms",
        "body_zh": SMS_ZH, "body_en": SMS_EN,
    },
    {
        "code": "address-platform", "name": "Address question", "purpose": "address", "channel": "platform",
        "body_zh": ADDRESS_ZH, "body_en": ADDRESS_EN,
    },
)  # fmt: skip

NAMES = {
    "Late order, e-mail": _("Late order, e-mail"),
    "Late order, text message": _("Late order, text message"),
    "Address question": _("Address question"),
}


def label_of(template: MessageTemplate) -> str:
    """Return what a template is called: ours in the reader's language until the house renames it."""
    return str(NAMES.get(template.name, template.name))


def after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: an installation without any template gets the first ones."""
    if sender.label == "backoffice" and not MessageTemplate.objects.using(using).exists():
        MessageTemplate.objects.using(using).bulk_create(
            [MessageTemplate(**one) for one in STARTERS], ignore_conflicts=True
        )
