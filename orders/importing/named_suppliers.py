"""The supplier that a cell names: by code, else by a name that only one has."""

from __future__ import annotations

from collections import defaultdict

from django.utils.translation import gettext as _now

from backoffice.imports.documents import folded
from backoffice.imports.kinds import Line
from orders.models import Supplier


class Suppliers:
    """All suppliers by code and name, read once for a file: a house has hundreds."""

    def __init__(self) -> None:
        rows = list(Supplier.objects.all())
        self._by_code = {folded(one.code): one for one in rows}
        self._by_name: dict[str, list[Supplier]] = defaultdict(list)
        for one in rows:
            self._by_name[folded(one.name)].append(one)

    def named(self, word: str | None) -> Supplier | None:
        """Return the supplier of a code or name, or None."""
        found = self._by_code.get(folded(word))
        named = self._by_name.get(folded(word), [])
        return found or (named[0] if len(named) == 1 else None)

    def one(self, line: Line, column: str, word: str | None) -> Supplier | None:
        """Return the supplier; None, with the cell refused, when none or several are meant."""
        found = self.named(word)
        if found is None and not word:
            line.refuse(column, _now("is empty"))
        elif found is None and self._by_name.get(folded(word)):
            line.refuse(column, _now("several suppliers are called “%(said)s”: give the code") % {"said": word})
        elif found is None:
            line.refuse(column, _now("“%(said)s” is not a supplier: import or add the supplier first") % {"said": word})
        return found
