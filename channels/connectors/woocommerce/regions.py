"""WooCommerce's codes of states, where they mean nothing outside of it.

China's provinces are numbered by WooCommerce itself (source: its plugins/woocommerce/i18n/states.php); many other
countries' codes are those of ISO 3166-2, some with the country in front.
"""

from __future__ import annotations

# In the order of WooCommerce's numbers, CN1 to CN32.
CHINA = [
    "云南省",
    "北京市",
    "天津市",
    "河北省",
    "山西省",
    "内蒙古自治区",
    "辽宁省",
    "吉林省",
    "黑龙江省",
    "上海市",
    "江苏省",
    "浙江省",
    "安徽省",
    "福建省",
    "江西省",
    "山东省",
    "河南省",
    "湖北省",
    "湖南省",
    "广东省",
    "广西壮族自治区",
    "海南省",
    "重庆市",
    "四川省",
    "贵州省",
    "陕西省",
    "甘肃省",
    "青海省",
    "宁夏回族自治区",
    "澳门特别行政区",
    "西藏自治区",
    "新疆维吾尔自治区",
]


def region_name(country: str, state: str) -> str:
    """Return the region as a person or a courier knows it: "CN12" is 浙江省, "DE-BE" is BE; others as they are."""
    if country == "CN" and state.startswith("CN") and state[2:].isdecimal() and 1 <= int(state[2:]) <= len(CHINA):
        return CHINA[int(state[2:]) - 1]
    return state.removeprefix(f"{country}-") if country else state
