"""Which rule holds for a SKU in a warehouse: of those that fit, the most specific one, whole."""

from __future__ import annotations

from collections.abc import Iterable

from inventory.models import StockAlertRule


class RuleBook:
    """All rules, looked up by what they are for."""

    def __init__(self, rules: Iterable[StockAlertRule] | None = None) -> None:
        given = StockAlertRule.objects.all() if rules is None else rules
        self._rules = {(one.kind, one.sku_id, one.category, one.warehouse_id): one for one in given}

    def best(self, kind: str, sku_id: int, category: str, warehouse_id: int) -> StockAlertRule | None:
        """Return the rule that holds, switched off or not; None when none fits."""
        goods = ((sku_id, ""), (None, category), (None, ""))
        for sku, name in dict.fromkeys(goods):
            for place in (warehouse_id, None):
                found = self._rules.get((kind, sku, name, place))
                if found is not None:
                    return found
        return None

    def of_kind(self, kind: str) -> list[StockAlertRule]:
        """Return the rules of a kind that are on."""
        return [one for one in self._rules.values() if one.kind == kind and one.active]
