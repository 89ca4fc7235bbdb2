"""The incident desk: what goes wrong becomes one row that somebody owns, with a clock, until it is closed with a cause.

Apps bring their kinds with `register_kind` in `ready()`, and call `report` and `settle` (or `reconcile`, for a chore
that knows all that is wrong now) where the trouble begins and ends.
"""

from backoffice.incidents.kinds import Kind, register_kind
from backoffice.incidents.reporting import Report, reconcile, report, report_many, settle, settle_many
from backoffice.incidents.sight import Places, Sight, register_places, register_sight, visible

__all__ = [
    "Kind",
    "Places",
    "Report",
    "Sight",
    "reconcile",
    "register_kind",
    "register_places",
    "register_sight",
    "report",
    "report_many",
    "settle",
    "settle_many",
    "visible",
]
