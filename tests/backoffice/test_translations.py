"""Chinese is Chinese: the catalogue is found complete, and tells apart what Chinese tells apart."""

import pytest
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext

from backoffice.roles import ROLES

EXACT = {
    "Held orders": "挂起订单",
    "Tracking number": "运单号",
    "error queue": "异常队列",
    "Stop selling below": "停售线",
    "Rounding differences": "尾差",
    "Waiting for an exchange rate": "等待汇率",
}
THIRD_PARTY = {
    "Search apps and models...": "搜索应用和模型…",  # unfold
    "Choose file to upload": "选择要上传的文件",
    'Select at least 1 field for "%(resource_name)s" to export': "请为“%(resource_name)s”至少选择一个导出字段",
    "Time Taken": "用时",  # django-q2
    "access attempts": "登录失败记录",  # django-axes
    "is greater than": "大于",  # django-filter
    "Forgotten your login credentials?": "忘记登录信息？",  # django.contrib.admin
}


@pytest.fixture
def chinese():
    with translation.override("zh-hans"):
        yield


@pytest.mark.parametrize("text", [*EXACT, *THIRD_PARTY])
def test_a_text_is_said_in_chinese(chinese, text):
    assert gettext(text) == (EXACT | THIRD_PARTY)[text]


def test_lazy_text_follows_the_language():
    held = gettext_lazy("Held orders")
    with translation.override("zh-hans"):
        assert str(held) == "挂起订单"
    with translation.override("en"):
        assert str(held) == "Held orders"


@pytest.mark.parametrize("count", [1, 2])
def test_one_and_many_are_the_same_sentence(chinese, count):
    text = ngettext("%(count)d order done.", "%(count)d orders done.", count) % {"count": count}
    assert text == f"已处理 {count} 个订单。"


def test_a_buyer_who_works_here_is_not_a_buyer_who_orders(chinese):
    assert str(ROLES["buyer"]) == pgettext("role", "Buyer") == "采购员"
    assert gettext("Buyer") == "买家"
