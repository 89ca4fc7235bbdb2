"""Late orders: boards, plays, supplies, compensations, the review; who may what, whose rows they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.home import register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from orders.admin.late import order_parts
from orders.desk import runs
from orders.late import alarms, closing, home, month_runs, pausing, recount, trend
from orders.models import (
    Compensation,
    LateOrder,
    LatePlay,
    PenaltyEntry,
    PlayOrder,
    ShipPolicy,
    SupplyDraft,
)
from orders.pages.lines import register_lists

SEE = ["view_lateorder", "view_lateplay", "view_supplydraft"]
GIVE = ["view_compensation", "view_compensationpreset"]
RUN = [*SEE, *GIVE, "run_lateplay", "view_penaltyentry", "add_penaltyentry", "change_penaltyentry"]
SETTINGS = [
    f"{verb}_{model}"
    for model in ("shippolicy", "compensationpreset", "compensationlimit", "couponcode")
    for verb in ("view", "add", "change")
]
BOSS = [
    *RUN, *SETTINGS, "approve_compensation", "confirm_supplydraft", "see_latereview",
    "delete_compensationlimit",
]  # fmt: skip
ROLES = {
    "owner": BOSS,
    "ops_admin": BOSS,
    "order_clerk": [*RUN, "view_shippolicy", "see_latereview"],
    "customer_service": RUN,
    "warehouse_clerk": ["view_lateorder", "view_supplydraft", "confirm_supplydraft"],
    "buyer": [*SEE, "confirm_supplydraft"],
    "bookkeeper": [*GIVE, "view_lateorder", "view_penaltyentry", "add_penaltyentry", "change_penaltyentry",
                   "see_latereview"],
    "auditor": [*SEE, *GIVE, "view_penaltyentry", "view_shippolicy", "view_compensationlimit", "see_latereview"],
}  # fmt: skip


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("orders", ROLES)
    access.register(LateOrder, shop="shop")
    access.register(ShipPolicy, shop="shop", empty=True)
    access.register(PenaltyEntry, shop="shop")
    for rows in (Compensation, PlayOrder):
        access.register(rows, shop="order__shop")
    access.register(LatePlay, shop=None)
    access.register(SupplyDraft, shop=None)
    register_card("late", home.card, order=25, permission="orders.view_lateorder")
    alarms.register()
    order_parts.register()
    runs.register(month_runs.KIND, month_runs.work)
    _chores()
    _sidebar()


def _chores() -> None:
    register_chore("late.missing", 120, recount.missing)
    register_chore("late.policies", 300, recount.overdue_policies)
    register_chore("late.nightly", 86_400, recount.start_nightly)
    register_chore("late.alarms", 300, alarms.sound)
    register_chore("late.plays", 120, closing.close_finished)
    register_chore("late.arrivals", 60, pausing.resume_arrived)
    register_chore("late.weeks", 3_600, trend.count)


def _sidebar() -> None:
    register_sidebar(
        "orders", _("Late orders"), "admin:orders_lateorder_changelist", icon="alarm",
        permission="orders.view_lateorder", order=15, badge=home.late_rows,
    )  # fmt: skip
    register_sidebar(
        "desk", _("Lateness by month"), "admin:orders_lateplay_review", icon="query_stats",
        permission="orders.see_latereview", order=26,
    )  # fmt: skip
    register_lists(
        ("desk", _("Late plays"), "lateplay", "running_with_errors"),
        ("stock", _("Supply drafts"), "supplydraft", "move_down"),
        ("after_sales", _("Compensations"), "compensation", "redeem"),
        ("after_sales", _("Complaints and penalties"), "penaltyentry", "thumb_down"),
        order=20,
    )
    register_lists(
        ("order_settings", _("Handling times"), "shippolicy", "more_time"),
        ("order_settings", _("Compensation presets"), "compensationpreset", "volunteer_activism"),
        ("order_settings", _("Limits of compensations"), "compensationlimit", "price_check"),
        order=60,
    )
