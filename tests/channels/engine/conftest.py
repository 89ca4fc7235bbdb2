"""A connected shop on the tiny platform, with goods on a shelf."""

from types import SimpleNamespace

import pytest

from channels import accounts, registry
from channels import listings as listing_sync
from channels.models import Account, PollState, PushJob
from channels.push import send
from tests.channels.engine import shopfront
from tests.inventory import factories as stock


@pytest.fixture
def platforms(monkeypatch):
    """The tiny platform under two names: with and without compare-and-swap."""
    monkeypatch.setitem(registry.PLATFORMS, "swapshop", "tests.channels.engine.shopfront.SwapConnector")
    monkeypatch.setitem(registry.PLATFORMS, "plainshop", "tests.channels.engine.shopfront.PlainConnector")
    shopfront.FRONTS.clear()


@pytest.fixture
def connect(db, platforms):
    """`connect(platform, warehouses…)` gives (account, front): tested, written to, listings not read yet."""

    def make(platform="swapshop", *places, writes=True, key="") -> SimpleNamespace:
        place = places or (stock.warehouse(),)
        shop = stock.shop(*place, country="DE", currency="EUR")
        front = shopfront.Shopfront(name=f"front-{shop.pk}")
        shopfront.FRONTS[f"https://{front.name}"] = front
        account = Account.objects.create(
            shop=shop, platform=platform, name=shop.code, base_url=f"https://{front.name}", poll_seconds=30
        )
        accounts.set_credential(account=account, values={"key": key or front.name}, actor="test")
        account = Account.objects.get(pk=account.pk)
        accounts.test_connection(account=account, actor="test")
        if writes:
            accounts.switch_writes(account=account, on=True, actor="test")
        return SimpleNamespace(account=account, front=front, shop=shop, place=place[0])

    return make


@pytest.fixture
def shop(connect):
    """A shop with compare-and-swap that offers A (10 on the shelf, 10 shown)."""
    return offering(connect())


@pytest.fixture
def plain(connect):
    """A shop without compare-and-swap that offers A (10 on the shelf, 10 shown)."""
    return offering(connect("plainshop"))


def offering(made):
    """Put goods on the shelf and on sale, read the listings, walk the orders once and bring all jobs to rest."""
    made.sku = stock.sku()
    stock.stock(made.sku, made.place, 10)
    made.front.offer("A", made.sku.code, 10)
    listing_sync.sync(made.account.pk)
    settle_down(made)
    made.front.calls.clear()
    return made


def settle_down(*shops):
    """Let every due job be sent."""
    for one in shops:
        send.run(one.account.pk)


def job(made, listing="A") -> PushJob:
    """The job of a listing."""
    return PushJob.objects.get(account=made.account, listing__external_id=listing)


def poll(made) -> PollState:
    """How far the orders were read."""
    return PollState.objects.get(account=made.account)
