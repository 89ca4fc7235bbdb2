"""`manage.py demo_load`: the demo company with its last month, or its whole year."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from backoffice import demo
from backoffice.errors import YikuError

YEAR = 365


class Command(BaseCommand):
    """Load the demo company once; a second call only renews the addresses of the sandbox shops."""

    help = "Load the demo company 青梧家居 (needs DEMO=1 and an empty database)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=14, help="so many days of orders up to now (default 14)")
        parser.add_argument("--full", action="store_true", help="a whole year: about 30,000 orders, some minutes")
        parser.add_argument("--orders", type=int, default=30_000, help="orders in a year (default 30000)")
        parser.add_argument("--seed", type=int, default=1, help="another seed tells other orders")
        parser.add_argument("--shopify-url", default="", help="address of the Shopify sandbox shop")
        parser.add_argument("--woocommerce-url", default="", help="address of the WooCommerce sandbox shop")
        parser.add_argument("--carrier-url", default="", help="address of the practice carrier")

    def handle(self, *args: Any, **options: Any) -> None:
        days = YEAR if options["full"] else options["days"]
        if not 1 <= days <= 800 or not 1 <= options["orders"] <= 600_000:
            raise CommandError("--days is 1 to 800, --orders is 1 to 600000.")
        wish = demo.Wish(days=days, per_year=options["orders"], seed=options["seed"])
        started = time.monotonic()
        try:
            demo.load(wish, say=self.stdout.write)
        except YikuError as error:
            raise CommandError(str(error)) from error
        urls = {"shopify": options["shopify_url"], "woocommerce": options["woocommerce_url"]}
        import_string("channels.demo.connect")({name: url for name, url in urls.items() if url})
        if options["carrier_url"]:
            import_string("orders.demo_papers.connect")(options["carrier_url"])
        self.stdout.write(self.style.SUCCESS(f"Demo ready after {time.monotonic() - started:.0f} s."))
