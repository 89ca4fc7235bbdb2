"""The chart of accounts: a small one after 小企业会计准则 to start with, and the accounts postings look for by role.

The owner renames, adds and retires accounts as he likes; an account with a role or with lines on it is never deleted.
"""

from __future__ import annotations

from finance.errors import MissingAccount
from finance.models import LedgerAccount

# code, name, English name, kind, role
START = (
    ("1001", "库存现金", "Cash on hand", "asset", ""),
    ("1002", "银行存款", "Bank", "asset", "bank"),
    ("1012", "其他货币资金（平台余额）", "Platform balances", "asset", "clearing"),
    ("1122", "应收账款", "Accounts receivable", "asset", "receivable"),
    ("1123", "预付账款", "Advances to suppliers", "asset", ""),
    ("1221", "其他应收款", "Other receivables", "asset", ""),
    ("1405", "库存商品", "Goods in stock", "asset", "inventory"),
    ("1901", "待处理财产损溢", "Stock differences to clear", "asset", "stock_differences"),
    ("2202", "应付账款", "Accounts payable", "liability", ""),
    ("2203", "预收账款", "Advances from customers", "liability", "advances"),
    ("2221", "应交税费", "Taxes payable", "liability", ""),
    ("222101", "应交税费—销项税额", "Tax on sales", "liability", "sales_tax"),
    ("222102", "应交税费—进项税额", "Tax on purchases", "liability", ""),
    ("2241", "其他应付款", "Other payables", "liability", ""),
    ("3001", "实收资本", "Paid-in capital", "equity", ""),
    ("3103", "本年利润", "Profit of the year", "equity", ""),
    ("3104", "利润分配", "Profit appropriation", "equity", ""),
    ("5001", "主营业务收入", "Sales", "income", "sales"),
    ("500101", "主营业务收入—销售折扣", "Discounts given", "income", "discount"),
    ("500102", "主营业务收入—销售退款", "Refunds and returns", "income", "refunds"),
    ("5051", "其他业务收入—运费", "Shipping charged", "income", "shipping_income"),
    ("5301", "营业外收入", "Other income", "income", ""),
    ("5401", "主营业务成本", "Cost of goods sold", "expense", "cogs"),
    ("540101", "主营业务成本—成本差异", "Cost differences", "expense", "cost_differences"),
    ("5403", "税金及附加", "Taxes and surcharges", "expense", ""),
    ("5601", "销售费用", "Selling expenses", "expense", ""),
    ("560101", "销售费用—平台手续费", "Platform fees", "expense", "platform_fees"),
    ("560102", "销售费用—运费", "Freight out", "expense", ""),
    ("5602", "管理费用", "Administrative expenses", "expense", ""),
    ("5603", "财务费用", "Financial expenses", "expense", ""),
    ("560301", "财务费用—汇兑损益", "Exchange gains and losses", "expense", "fx"),
    ("560302", "财务费用—尾差", "Rounding differences", "expense", "rounding"),
    ("5711", "营业外支出", "Other expenses", "expense", ""),
)


def seed_chart() -> int:
    """Add the accounts of the starting chart when there is none at all; returns how many were added.

    Only an empty chart is filled, so that what the owner renamed, moved or deleted never comes back.
    """
    if LedgerAccount.objects.exists():
        return 0
    rows = [LedgerAccount(code=c, name=n, name_en=e, kind=k, role=r) for c, n, e, k, r in START]
    return len(LedgerAccount.objects.bulk_create(rows, ignore_conflicts=True))


def accounts_by_role() -> dict[str, LedgerAccount]:
    """Return the active account of each role, in one query."""
    rows = LedgerAccount.objects.filter(active=True).exclude(role="")
    return {account.role: account for account in rows}


def account_for(accounts: dict[str, LedgerAccount], role: str) -> LedgerAccount:
    """Return the account of a role out of `accounts_by_role()`; raises MissingAccount naming the role."""
    if role not in accounts:
        raise MissingAccount(str(role))
    return accounts[role]


def deletable(account: LedgerAccount) -> bool:
    """Say whether an account may go: no role, no line."""
    return not account.role and not account.lines.exists()
