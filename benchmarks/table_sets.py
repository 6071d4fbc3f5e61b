"""Public tables of customers with a churn label, each read as its SOURCE.txt says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.harness import SHARED_DATA
from benchmarks.learners import Bools


@dataclass(frozen=True)
class TableSet:
    """A set: where it lies, which column says who left, and how."""

    name: str
    folder: str
    file: str
    label: str
    leaves: object
    ids: tuple[str, ...] = ()  # columns that only number or name the rows, or are no feature
    prepare: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table

    @property
    def path(self) -> Path:
        return SHARED_DATA / self.folder / self.file

    @cached_property
    def version(self) -> str:
        """SHA-256 of the data, and what of it is left out."""
        data = hashlib.sha256(self.path.read_bytes()).hexdigest()[:12]
        return f"{data} | {','.join(column[:20] for column in self.ids)}"

    def splits(self, folds: int, seed: int) -> list[tuple[Bools, Bools]]:
        """The rows to learn from and those to judge by, [n] each, of each fold; stratified."""
        from sklearn.model_selection import StratifiedKFold

        _, y = self.read()
        cut = StratifiedKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y)
        held = [np.isin(np.arange(len(y)), rows) for _, rows in cut]
        return [(~rows, rows) for rows in held]

    def read(self) -> tuple[pd.DataFrame, Bools]:
        """Columns to learn from, and who left, [n]."""
        return self._read

    @cached_property
    def _read(self) -> tuple[pd.DataFrame, Bools]:
        table = self.prepare(pd.read_csv(self.path))
        y = (table[self.label] == self.leaves).to_numpy(dtype=bool)
        return table.drop(columns=[self.label, *self.ids]), y


def _ravenstack(accounts: pd.DataFrame) -> pd.DataFrame:
    """Accounts with counts of their tickets, use and subscriptions."""
    folder = SHARED_DATA / "ravenstack"
    tickets = pd.read_csv(folder / "ravenstack_support_tickets.csv").groupby("account_id")
    subscriptions = pd.read_csv(folder / "ravenstack_subscriptions.csv")
    use = pd.read_csv(folder / "ravenstack_feature_usage.csv").merge(
        subscriptions[["subscription_id", "account_id"]], on="subscription_id"
    )
    of_account = pd.DataFrame(
        {
            "tickets": tickets.size(),
            "first_reply_minutes": tickets["first_response_time_minutes"].mean(),
            "satisfaction": tickets["satisfaction_score"].mean(),
            "escalations": tickets["escalation_flag"].sum(),
            "use": use.groupby("account_id")["usage_count"].sum(),
            "errors": use.groupby("account_id")["error_count"].sum(),
            "subscriptions": subscriptions.groupby("account_id").size(),
            "paid_a_month": subscriptions.groupby("account_id")["mrr_amount"].mean(),
        }
    )
    return accounts.merge(of_account, left_on="account_id", right_index=True, how="left")


BANK_SCORES = tuple(
    "Naive_Bayes_Classifier_Attrition_Flag_Card_Category_Contacts_Count_12_mon_Dependent_count_"
    f"Education_Level_Months_Inactive_12_mon_{number}"
    for number in (1, 2)
)

TABLES = (
    TableSet("mlc_churn", "mlc_churn", "mlc_churn.csv", "churn", "yes"),
    TableSet(
        "ibm_telco", "ibm_telco", "WA_Fn-UseC_-Telco-Customer-Churn.csv", "Churn", "Yes",
        ids=("customerID",),
    ),
    TableSet(
        "cell2cell", "cell2cell", "cell2celltrain.csv.gz", "Churn", "Yes", ids=("CustomerID",)
    ),
    TableSet(
        "iranian", "iranian_churn", "Customer_Churn.csv", "Churn", 1,
        prepare=lambda table: table.drop_duplicates(ignore_index=True),
    ),
    TableSet(
        "bankchurners", "bankchurners", "BankChurners.csv", "Attrition_Flag", "Attrited Customer",
        ids=("CLIENTNUM", *BANK_SCORES),  # the scores are another model's, made from the label
    ),
    TableSet(
        "ravenstack", "ravenstack", "ravenstack_accounts.csv", "churn_flag", True,
        ids=("account_id", "account_name", "signup_date"), prepare=_ravenstack,
    ),
    TableSet(
        "bank_churn_complain", "bank_churn_complain", "Customer-Churn-Records.csv", "Exited", 1,
        ids=("RowNumber", "CustomerId", "Surname"),
    ),
    TableSet(
        "bank_churn", "bank_churn_complain", "Customer-Churn-Records.csv", "Exited", 1,
        ids=("RowNumber", "CustomerId", "Surname", "Complain"),  # honest without the leak
    ),
    TableSet("pysurvival_saas", "pysurvival_saas", "churn.csv", "churned", 1.0),
)  # fmt: skip
