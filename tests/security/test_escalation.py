"""S03, S07, S08: nobody makes himself more than he is, by fields that no form shows or by other people's accounts."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from backoffice.models import AuditEntry, User
from backoffice.roles import ROLES
from inventory.models import Access, Balance, Shop, Sku, Warehouse
from orders.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # decided above the engine
MORE = {
    "is_superuser": "on",
    "is_staff": "on",
    "user_permissions": ["1", "2", "3"],
    "password": "x",
    "id": "1",
    "date_joined_0": "2020-01-01",
    "last_login": "",
}


@pytest.fixture
def boss(people):
    return people["superuser"]


@pytest.fixture
def all_rights(people):
    """A colleague who was given every single right there is, and is still no superuser."""
    user = User.objects.create_user("almighty", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    Access.objects.create(user=user, all_shops=True, all_warehouses=True)
    people["almighty"] = user
    return people.client("almighty")


def user_page(user, page="change") -> str:
    if page == "password":
        return reverse("admin:auth_user_password_change", args=[user.pk])
    return reverse(f"admin:backoffice_user_{page}", args=[user.pk])


def form(user, **more):
    return {"username": user.username, "is_active": "on", "is_staff": "on", "language": "en", "time_zone": "", **more}


def test_the_owner_gives_roles_and_no_more_than_that(people):
    owner, clerk = people["owner"], people["order_clerk"]
    for user in (owner, clerk):
        people.client("owner").post(user_page(user), form(user, **MORE))
        user.refresh_from_db()
        assert (user.is_superuser, user.user_permissions.count()) == (False, 0)
        assert user.check_password("x")


def test_a_new_person_is_no_superuser_whatever_the_form_says(people):
    fields = {
        "username": "new",
        "password1": "battery staple 9",
        "password2": "battery staple 9",
        "usable_password": "true",
    }
    people.client("owner").post(
        "/admin/backoffice/user/add/", {**fields, "is_superuser": "on", "user_permissions": ["1"]}
    )
    made = User.objects.get(username="new")
    assert (made.is_superuser, made.user_permissions.count()) == (False, 0)


@pytest.mark.parametrize("page", ["change", "password", "delete"])
def test_only_a_superuser_touches_a_superuser(people, boss, all_rights, page):
    new = {"password1": "battery staple 9", "password2": "battery staple 9", "post": "yes", "usable_password": "true"}
    for client in (people.client("owner"), all_rights):
        answer = client.post(user_page(boss, page), form(boss, is_active="", **new))
        assert answer.status_code in (302, 403)
        boss.refresh_from_db()
        assert (boss.is_active, boss.check_password("x"), boss.is_superuser) == (True, True, True)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "owner"])
def test_no_other_role_changes_people_or_roles(people, boss, role):
    client, before = people.client(role), User.objects.count()
    own = people[role]
    new = {"password1": "battery staple 9", "password2": "battery staple 9"}
    for url, data in (
        (user_page(own), form(own, groups=[Group.objects.get(name="owner").pk], **MORE)),
        (user_page(boss, "password"), new),
        ("/admin/backoffice/user/add/", {"username": "new", **new}),
        (reverse("admin:auth_group_add"), {"name": "mine", "permissions": ["1"]}),
        (reverse("admin:inventory_access_add"), {"user": own.pk, "all_shops": "on", "all_warehouses": "on"}),
        (reverse("admin:backoffice_apikey_add"), {"name": "mine", "scopes": ["orders:read"]}),
    ):
        assert client.post(url, data).status_code in (302, 403), url
    own.refresh_from_db()
    assert [group.name for group in own.groups.all()] == [role]
    assert (User.objects.count(), Access.objects.count(), own.is_superuser) == (before, 0, False)


def test_the_built_in_roles_are_nobodys_to_change(people, all_rights):
    group = Group.objects.get(name="auditor")
    held = set(group.permissions.values_list("pk", flat=True))
    for client in (people.client("owner"), all_rights, people.client("superuser")):
        page = reverse("admin:auth_group_change", args=[group.pk])
        assert client.post(page, {"name": "auditor", "permissions": ["1", "2"]}).status_code == 403
        assert client.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"}).status_code == 403
    assert set(group.permissions.values_list("pk", flat=True)) == held


def test_every_right_there_is_makes_no_superuser(house, all_rights):
    own = User.objects.get(username="almighty")
    all_rights.post(user_page(own), form(own, **MORE))
    own.refresh_from_db()
    assert not own.is_superuser
    for model in ("schedule", "ormq", "success", "failure"):
        assert all_rights.get(reverse(f"admin:django_q_{model}_changelist")).status_code == 403
    for model in (
        "backoffice_auditentry",
        "inventory_stockentry",
        "inventory_balance",
        "finance_voucher",
        "orders_order",
    ):
        assert all_rights.get(reverse(f"admin:{model}_add")).status_code == 403
        row = _first(model)
        assert all_rights.post(reverse(f"admin:{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def _first(label):
    from tests.matrix.addresses import model_of

    return model_of(label)._default_manager.order_by("pk").first()


def _row(row) -> dict:
    return type(row)._base_manager.filter(pk=row.pk).values().get()


@pytest.mark.parametrize(
    "do", ["approve", "hold", "review_again", "address", "ship", "void", "accept_edit", "nonsense", "__init__"]
)
def test_a_button_of_an_order_takes_no_other_field(see, house, do):
    client, order = see("order_clerk"), house.held
    before = {
        key: value
        for key, value in _row(order).items()
        if key in ("total", "shop_id", "currency", "external_id", "number", "paid_at")
    }
    data = {
        "do": do,
        "reason": "x",
        "total": "0",
        "shop": "99",
        "state": "shipped",
        "currency": "XXX",
        "external_id": "z",
        "number": "z",
        "shipment": "1",
    }
    assert client.post(reverse("admin:orders_order_do", args=[order.pk]), data).status_code in (302, 403, 404)
    after = _row(order)
    assert {key: after[key] for key in before} == before
    assert Order.objects.get(pk=order.pk).state == "held"


@pytest.mark.parametrize("page", ["change", "add"])
def test_an_orders_page_saves_nothing(see, house, page):
    args = [house.held.pk] if page == "change" else []
    before = _row(house.held)
    answer = see("owner").post(
        reverse(f"admin:orders_order_{page}", args=args), {"state": "shipped", "total": "0", "_save": "1"}
    )
    assert answer.status_code in (200, 302, 403)
    assert _row(house.held) == before


def test_saving_as_new_and_foreign_fields_do_not_pass_a_form(see, house):
    sku, before = house.seller.skus["TEA"], Sku.objects.count()
    page = reverse("admin:inventory_sku_change", args=[sku.pk])
    kept = {"code_key", "id", "created_at"}
    old = {key: value for key, value in _row(sku).items() if key in kept}
    see("owner").post(
        page,
        {"_saveasnew": "1", "code": "TEA", "name": "Tea", "id": "999", "code_key": "HACK", "created_at": "2000-01-01"},
    )
    assert Sku.objects.count() == before
    new = _row(sku)
    assert {key: new[key] for key in old} == old


def test_figures_of_the_stock_are_nobodys_to_type(see, house):
    row = Balance.objects.first()
    before = _row(row)
    for role in ("owner", "ops_admin", "warehouse_clerk", "bookkeeper"):
        page = reverse("admin:inventory_balance_change", args=[row.pk])
        assert see(role).post(page, {"on_hand": "9999", "value": "0"}).status_code == 403
    assert _row(row) == before


def test_a_bulk_action_reaches_no_row_the_person_may_not_see(people, house):
    Access.objects.create(user=people["order_clerk"], all_warehouses=True)  # no shop
    before = _row(house.held)
    changelist = reverse("admin:orders_order_changelist")
    for action in ("approve", "hold", "cancel", "delete_selected"):
        for select_across in ("0", "1"):
            data = {
                "action": action,
                "_selected_action": [house.held.pk],
                "select_across": select_across,
                "confirmed": "1",
                "reason": "x",
                "post": "yes",
                "index": "0",
            }
            people.client("order_clerk").post(changelist, data)
    assert _row(house.held) == before


def test_what_was_taken_away_is_gone_with_the_next_request(people, house):
    row = Access.objects.create(user=people["order_clerk"], all_shops=True, all_warehouses=True)
    client, page = people.client("order_clerk"), reverse("admin:orders_order_change", args=[house.held.pk])
    assert client.get(page).status_code == 200
    row.delete()
    assert client.get(page).status_code in (302, 404)
    assert list(client.get(reverse("admin:orders_order_changelist")).context["cl"].result_list) == []


def test_a_password_set_by_another_ends_the_persons_sessions(people):
    client, clerk = people.client("order_clerk"), people["order_clerk"]
    assert client.get("/admin/").status_code == 200
    new = {"password1": "battery staple 9", "password2": "battery staple 9", "usable_password": "true"}
    assert people.client("owner").post(user_page(clerk, "password"), new).status_code == 302
    assert client.get("/admin/").status_code == 302
    assert AuditEntry.objects.filter(action="user.password").count() == 1


def test_other_peoples_shops_cannot_be_slipped_into_a_form(people, house):
    """Ids in hidden fields: a policy for a shop the person does not see."""
    Access.objects.create(user=people["ops_admin"]).shops.set([])
    shop, warehouse = Shop.objects.first(), Warehouse.objects.first()
    client = people.client("ops_admin")
    for model, data in (
        ("stockpolicy", {"shop": shop.pk, "buffer": "99", "share": "1", "reason": "x"}),
        ("shopwarehouse", {"shop": shop.pk, "warehouse": warehouse.pk, "priority": "9"}),
    ):
        from tests.matrix.addresses import model_of

        rows = model_of(f"inventory_{model}")._default_manager
        before = rows.count()
        client.post(reverse(f"admin:inventory_{model}_add"), data)
        assert rows.count() == before, model
