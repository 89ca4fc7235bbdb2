"""Which programs make up the house, with which settings."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

from backoffice import env
from backoffice.supervisor.children import Program
from backoffice.supervisor.ports import free_port

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHOPS, CARRIER = ("shopify", "woocommerce"), "carrier"
SANDBOXES = (*SHOPS, CARRIER)  # the practice shops, and the practice carrier
ROLES = ("web", "worker", "dispatcher")


@dataclasses.dataclass(slots=True)
class Plan:
    """What this start runs, and where."""

    base: Path
    var: Path
    host: str
    port: int
    demo: bool
    roles: tuple[str, ...]
    sandbox_ports: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def state_file(self) -> Path:
        """Where this start writes what others (tests, tools) want to know of it."""
        return self.var / "state.json"

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def sandbox_url(self, name: str) -> str:
        """Where a sandbox shop listens."""
        return f"http://127.0.0.1:{self.sandbox_ports[name]}"

    def choose_ports(self) -> None:
        """Give each sandbox shop a port, the same as last time while it is free."""
        before = self._last_ports()
        for name in SANDBOXES if self.demo else ():
            taken = (*self.sandbox_ports.values(), self.port)
            self.sandbox_ports[name] = free_port("127.0.0.1", before.get(name), taken)

    def _last_ports(self) -> dict[str, int]:
        try:
            return dict(json.loads(self.state_file.read_text())["sandbox_ports"])
        except (OSError, ValueError, KeyError):
            return {}

    def write_state(self) -> None:
        """Write the state file, for our own user only."""
        state = {"pid": os.getpid(), "address": self.address, "sandbox_ports": self.sandbox_ports}
        self.state_file.write_text(json.dumps(state))
        self.state_file.chmod(0o600)

    def environment(self) -> dict[str, str]:
        """Return the settings that every process of this start shares."""
        shared = {
            "YIKU_VAR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "YIKU_BIND": f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}",
            "DEMO": "1" if self.demo else "0",
        }
        if self.demo:
            allowed = [f"127.0.0.1:{port}" for port in self.sandbox_ports.values()]
            shared["PUBLIC_URL"] = env.text("PUBLIC_URL") or self.address.rstrip("/")  # the practice shops may call us
            shared["EGRESS_ALLOW"] = ",".join([*env.words("EGRESS_ALLOW"), *allowed])
        for name, port in self.sandbox_ports.items():
            shared[f"SANDBOX_{name.upper()}_PORT"] = str(port)
            shared[f"SANDBOX_{name.upper()}_URL"] = self.sandbox_url(name)
        return shared

    def _carrier(self) -> list[str]:
        """The command line of the practice carrier."""
        folder = self.var / "sandbox"
        folder.mkdir(parents=True, exist_ok=True)
        port, state = str(self.sandbox_ports[CARRIER]), str(folder / "carrier.json")
        return ["-m", "orders.carriers.sandbox", "--port", port, "--state", state]

    def programs(self, commands: set[str]) -> list[Program]:
        """Return the programs to supervise; `commands` are the management commands this installation has."""
        shared = self.environment()
        manage = [sys.executable, "manage.py"]
        web = [sys.executable, "-m", "gunicorn", "-c", "python:backoffice.gunicorn", "backoffice.wsgi"]
        found = [
            Program("web", web, shared, grace=20),
            Program("worker", [*manage, "work"], shared, grace=30),
            Program("dispatcher", [*manage, "dispatch"], shared, grace=20),
        ]
        found = [program for program in found if program.name in self.roles]
        if self.demo and "sandbox" in commands:
            ports = [part for name in SHOPS for part in (f"--{name}-port", str(self.sandbox_ports[name]))]
            stream = ["--orders-per-minute", env.text("DEMO_ORDERS_PER_MINUTE", "1")]
            found.append(Program("shops", [*manage, "sandbox", *ports, *stream], shared, grace=15))
            found.append(Program(CARRIER, [sys.executable, *self._carrier()], shared, grace=5))
        return found


def from_environment(base: Path) -> Plan:
    """Read PORT, HOST, DEMO, YIKU_VAR and ROLES. Raises ImproperlyConfigured for nonsense."""
    roles = tuple(env.words("ROLES", ",".join(ROLES)))
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise env.ImproperlyConfigured(f"ROLES={','.join(roles)}: there are {', '.join(ROLES)}.")
    demo = env.flag("DEMO")
    host = env.text("HOST", "127.0.0.1")
    if demo and host not in LOOPBACK:
        raise env.ImproperlyConfigured(
            f"HOST={host}: the demo has public passwords and listens on this machine only. Use DEMO=0 for others."
        )
    return Plan(
        base=base,
        var=Path(env.text("YIKU_VAR", str(base / "var"))).resolve(),
        host="127.0.0.1" if host == "localhost" else host,
        port=env.whole("PORT", 8000, least=1, most=65535),
        demo=demo,
        roles=roles,
    )
