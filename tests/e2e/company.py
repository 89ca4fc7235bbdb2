"""A small company for the browser: two practice shops on two platforms, one warehouse, one order clerk."""

from contextlib import ExitStack

from django.contrib.auth.models import Group
from django.test import override_settings

from backoffice.models import User
from channels import accounts, listings
from channels.models import Account
from channels.push import send
from finance.currencies import seed_currencies
from inventory.models import Access
from tests.channels.contract.counters import COUNTERS
from tests.inventory import factories as stock


class Company:
    """`shops["shopify"].counter` is the shop as its buyers see it; `stock(platform)` the figure it shows of the tea."""

    def __enter__(self):
        self.stack = ExitStack()
        # The product checks passwords with its own hasher, not with the tests' quick one.
        hasher = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
        self.stack.enter_context(override_settings(EGRESS_ALLOW=["127.0.0.1"], PASSWORD_HASHERS=hasher))
        seed_currencies()
        self.place = stock.warehouse("HAM")
        self.tea = stock.sku("TEA")
        stock.stock(self.tea, self.place, 20)
        self.counters = {name: self.stack.enter_context(open_()) for name, open_ in COUNTERS.items()}
        self.accounts = {name: self._connect(name) for name in self.counters}
        self._clerk()
        return self

    def __exit__(self, *fault):
        self.stack.close()

    def _connect(self, platform: str) -> Account:
        counter = self.counters[platform]
        shop = stock.shop(self.place, code=platform, currency="EUR", country="DE")
        account = Account.objects.create(
            shop=shop, platform=platform, name=platform, base_url=counter.url, options=counter.options, poll_seconds=5
        )
        accounts.set_credential(account=account, values=counter.credentials, actor="test")
        account = Account.objects.get(pk=account.pk)
        accounts.test_connection(account=account, actor="test")
        accounts.switch_writes(account=account, on=True, actor="test")
        listings.sync(account.pk)
        send.run(account.pk)
        return account

    def _clerk(self) -> None:
        self.clerk = User.objects.create_user("clerk", password="tea-time", is_staff=True, language="en")
        self.clerk.groups.add(Group.objects.get(name="order_clerk"))
        Access.objects.create(user=self.clerk, all_shops=True, all_warehouses=True)

    def shown(self) -> dict[str, int]:
        """What each shop shows of the tea now."""
        return {name: counter.stock("TEA") for name, counter in self.counters.items()}
