"""`python -m channels.sandbox.woocommerce`: run a practice store."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from backoffice.practice.server import serve
from channels.sandbox.woocommerce.app import KEY, SECRET, WooCommerceSandbox
from channels.sandbox.woocommerce.buying import Stream

SAMPLE = {
    "name": "Sandbox store",
    "products": [
        {"name": "Green tea 100 g", "name_zh": "绿茶 100 克", "sku": "TEA-G-100", "price": "9.90", "stock": 40},
        {"name": "Gaiwan 150 ml", "name_zh": "盖碗 150 毫升", "sku": "GW-150", "price": "24.00", "stock": 12},
        {
            "name": "T-shirt",
            "name_zh": "T 恤",
            "variations": [
                {"option": size, "attribute": "Size", "sku": f"TS-{size}", "price": "19.90", "stock": 10}
                for size in ("S", "M", "L")
            ],
        },
    ],
}


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox.woocommerce", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--seed", type=Path, help="JSON description of the shop")
    parser.add_argument("--state", type=Path, help="file that keeps the shop over restarts")
    parser.add_argument("--key", default=KEY, help="consumer key")
    parser.add_argument("--secret", default=SECRET, help="consumer secret")
    parser.add_argument("--orders-per-minute", type=float, default=0.0, help="buyers who come by themselves")
    parser.add_argument("--random-seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    seed: dict[str, Any] = json.loads(chosen.seed.read_text(encoding="utf-8")) if chosen.seed else SAMPLE
    keys = [{"key": chosen.key, "secret": chosen.secret, "permissions": "read_write"}]
    store = WooCommerceSandbox(seed, keys=keys, state_file=chosen.state, random_seed=chosen.random_seed)
    signal.signal(signal.SIGTERM, _interrupt)
    stream = None
    if chosen.orders_per_minute > 0:
        stream = Stream(store.buying.any_order, chosen.orders_per_minute, seed=chosen.random_seed)
        stream.start()

    def ready(url: str) -> None:
        store.webhooks.base = url
        sys.stdout.write(f"WooCommerce sandbox: {url}\n")
        sys.stdout.flush()

    try:
        serve(store.app, chosen.host, chosen.port, ready=ready)
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {chosen.host}:{chosen.port}: {error.strerror or error}\n")
        return 1
    finally:
        if stream:
            stream.stop()
        store.close()
    return 0


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
