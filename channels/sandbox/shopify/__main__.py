"""Run a sandbox shop alone: `python -m channels.sandbox.shopify --port 8091 --seed seed.json --state shop.json`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from backoffice.practice.server import SandboxServer
from channels.sandbox.shopify import ShopifySandbox, control

EXAMPLE = {
    "shop": {"name": "Harbour & Hill", "domain": "harbour-hill.myshopify.com"},
    "products": [
        {"title": "Linen tote bag", "title_zh": "亚麻手提袋", "sku": "TOTE-01", "price": "24.00", "stock": 30},
        {"title": "Enamel mug", "title_zh": "搪瓷杯", "sku": "MUG-01", "price": "14.50", "stock": 12},
        {"title": "Beeswax candle", "title_zh": "蜂蜡蜡烛", "sku": "CANDLE-01", "price": "18.00", "stock": 5},
    ],
}


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C, then save."""
    options = _options(arguments)
    seed = json.loads(options.seed.read_text(encoding="utf-8")) if options.seed else EXAMPLE
    shop = ShopifySandbox(
        seed,
        token=options.token,
        client_id=options.client_id,
        secret=options.secret,
        state_file=options.state,
        throttle=not options.unthrottled,
    )
    try:
        server = SandboxServer(shop, options.host, options.port)
    except OSError as error:
        print(f"Port {options.port} cannot be used: {error.strerror}. Choose another with --port.", file=sys.stderr)  # noqa: T201
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    control.set_stream(shop, options.orders_per_second)
    print(f"{shop.store.shop['name']} is open at {server.url}/", flush=True)  # noqa: T201
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        shop.close()
    return 0


def _interrupt(*_ignored: Any) -> None:
    raise KeyboardInterrupt


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox.shopify", description=__doc__)
    env = os.environ.get
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=Path, help="JSON description of shop and products")
    parser.add_argument("--state", type=Path, help="keeps the shop over restarts")
    # Secrets may come by the environment, so that they do not stand in the list of processes.
    parser.add_argument("--token", default=env("SANDBOX_SHOPIFY_TOKEN", "shpat_sandbox"))
    parser.add_argument("--client-id", default=env("SANDBOX_SHOPIFY_CLIENT_ID", "sandbox-app"))
    parser.add_argument("--secret", default=env("SANDBOX_SHOPIFY_SECRET", "sandbox-secret"))
    parser.add_argument("--orders-per-second", type=float, default=0.0)
    parser.add_argument("--unthrottled", action="store_true", help="count no points (for measuring)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
