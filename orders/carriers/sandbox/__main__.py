"""`python -m orders.carriers.sandbox`: run the practice carrier."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from backoffice.practice.server import serve
from orders.carriers.sandbox.app import KEY, SECRET, CarrierSandbox


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m orders.carriers.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8103)
    parser.add_argument("--state", type=Path, help="file that keeps the shipments over restarts")
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--secret", default=SECRET)
    parser.add_argument("--stage-seconds", type=float, default=120.0, help="how long a parcel stays at each stage")
    chosen = parser.parse_args(arguments)
    carrier = CarrierSandbox(
        keys={chosen.key: chosen.secret}, file=chosen.state, stage_seconds=chosen.stage_seconds, per_second=50
    )
    signal.signal(signal.SIGTERM, _interrupt)

    def ready(url: str) -> None:
        sys.stdout.write(f"Practice carrier: {url}\n")
        sys.stdout.flush()

    try:
        serve(carrier.app, chosen.host, chosen.port, ready=ready)
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {chosen.host}:{chosen.port}: {error.strerror or error}\n")
        return 1
    return 0


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
