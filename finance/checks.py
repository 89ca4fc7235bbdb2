"""System checks of the books."""

from __future__ import annotations

from typing import Any

import pycountry
from django.core.checks import CheckMessage, Error

from finance import currencies


def check_base_currency(**kwargs: Any) -> list[CheckMessage]:
    """BASE_CURRENCY must be a currency that has coins."""
    code = currencies.base_code()
    if pycountry.currencies.get(alpha_3=code) and code not in currencies.NOT_MONEY.split():
        return []
    hint = "Set BASE_CURRENCY to an ISO 4217 code such as CNY, EUR or USD."
    return [Error(f"BASE_CURRENCY={code!r} is not a currency.", hint=hint, id="finance.E001")]
