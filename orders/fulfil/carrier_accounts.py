"""Carrier accounts: their secrets, and whether the carrier answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from orders.carriers.registry import adapter_class, adapter_for
from orders.models import CarrierAccount, CarrierCredential


@transaction.atomic
def set_credential(*, account: CarrierAccount, values: Mapping[str, str], actor: str) -> None:
    """Store new secrets; whatever stood there is replaced and never shown. Raises YikuError missing_secret."""
    clean: Any = {}
    for field in adapter_class(account.adapter).credential_fields:
        clean[field.name] = str(values.get(field.name, "")).replace("\0", "").strip()
        if not clean[field.name]:
            raise YikuError("missing_secret", _("“%(field)s” is missing."), params={"field": field.label})
    CarrierCredential.objects.update_or_create(
        account=account, defaults={"secrets": clean, "updated_at": clock.now(), "updated_by": actor[:150]}
    )
    audit.record(action="carrier.credential", target=account, actor=actor, summary="credentials set")


def test_connection(*, account: CarrierAccount, actor: str) -> str:
    """Call the carrier and return who answered. Raises CarrierError, YikuError."""
    name = adapter_for(account).check()
    CarrierAccount.objects.filter(pk=account.pk).update(checked_at=clock.now())
    audit.record(action="carrier.test", target=account, actor=actor, summary=name[:300])
    return name
