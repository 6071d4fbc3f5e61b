"""What a company hands over when asked once: all it ever said, or only how things stand today.

Both are made from what was delivered so far, so they speak of the same days and the same rows.
The second is what most companies have: it shows every customer as the future has made them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_samples.company.company import Company
from data_samples.export import write_table
from models.contracts import WORD_KINDS

PROVENANCE = ["recorded_at", "updated_at", "deleted_at", "source"]
# What identifies a row, of the tables of which today's state is one row each.
KEYS = {
    "customers": ["customer_id"],
    "terms": ["customer_id", "term_id"],
    "interactions": ["source", "interaction_id"],
    "identities": ["system", "external_id"],
    "agents": ["agent_id"],
    "owners": ["owner_id"],
    "consents": ["customer_id", "channel"],
    "attributes": ["customer_id", "name"],
    "calendars": ["team", "weekday"],
    "holidays": ["team", "date"],
    "rates": ["currency", "date"],
}
RECENT = pd.Timedelta(days=90)


def write_with_history(folder: Path, company: Company) -> None:
    """Every version of every row delivered so far, with its `recorded_at`; a file a table.

    ValueError where no night was delivered yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted({path.name.partition("-")[0] for path in _files(company)}):
        table = pa.concat_tables(
            [pq.read_table(path) for path in _files(company, name)], promote_options="default"
        )
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def write_as_known_today(folder: Path, company: Company) -> None:
    """One row a customer and term, as today's systems show them: no dates of knowing.

    Merged customers have become one; renewal dates are rolled on, prices are today's (0 for whom
    has left); `status`, `health`, `last_contact_at`, `tickets`, `seats` and `newsletter` are
    columns of `customers`. All of these tell what came later of anybody's past. ValueError where
    no night was delivered yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    today = {name: _newest(_delivered(company, name), name) for name in KEYS}
    survivors = company.survivors().to_dict()
    alias = today["identities"].set_index("external_id")["customer_id"].to_dict()
    for name in ("terms", "interactions", "consents", "attributes"):
        ids = today[name]["customer_id"]
        ids = ids.map(alias).fillna(ids)
        today[name]["customer_id"] = ids.map(survivors).fillna(ids)
    customers = today["customers"]
    customers = customers[~customers["customer_id"].isin(list(survivors))]
    terms = today["terms"]
    gone = terms["ended_at"].notna() & terms["end_kind"].notna()
    discounted = _discounted(_delivered(company, "terms"))
    today["customers"] = _with_status(customers, terms, discounted, today)
    today["terms"] = terms.assign(value_per_month=terms["value_per_month"].where(~gone, 0.0))
    identities = today["identities"]
    today["identities"] = identities[identities["system"] != "crm"].drop(columns="merged_into")
    del today["attributes"]
    for name, table in today.items():
        known = [*PROVENANCE[:3], *(PROVENANCE[3:] if name != "interactions" else [])]
        rows = table.drop(columns=known, errors="ignore").reset_index(drop=True)
        write_table(folder / f"{name}.parquet", rows, "parquet")


def _with_status(
    customers: pd.DataFrame,
    terms: pd.DataFrame,
    discounted: pd.Series,
    today: dict[str, pd.DataFrame],
) -> pd.DataFrame:
    """`customers` with the columns that a CRM keeps of today alone."""
    ids = customers["customer_id"]
    last = terms.sort_values(["started_at", "term_id"]).groupby("customer_id")
    running = last["end_kind"].apply(lambda kinds: kinds.isna().any())
    notice = last["notice_at"].apply(lambda dates: dates.notna().any())
    churned = ids.map(~running).fillna(False).astype(bool)
    warned = ids.map(notice).fillna(False).astype(bool) & ~churned
    log = today["interactions"]
    talk = log[log["kind"].isin([*WORD_KINDS, "message_out", "call_out"])]
    newest = log["occurred_at"].max()
    lately = log[(log["kind"] == "complaint") & (log["occurred_at"] > newest - RECENT)]
    saved = ids.isin(set(terms.loc[terms["term_id"].isin(discounted), "customer_id"]))
    red, amber = churned | warned | saved, ids.isin(set(lately["customer_id"]))
    tickets = log[log["kind"] == "case_opened"].groupby("customer_id").size()
    kept = today["attributes"].pivot_table(
        index="customer_id", columns="name", values="value", aggfunc="last"
    )  # fmt: skip
    return customers.assign(
        status=np.select([churned, warned], ["churned", "notice"], "active"),
        health=np.select([red, amber], ["red", "amber"], "green"),
        last_contact_at=ids.map(talk.groupby("customer_id")["occurred_at"].max()),
        tickets=ids.map(tickets).fillna(0).astype(np.int64),
        **{name: ids.map(kept[name]) for name in kept.columns},
    )


def _discounted(versions: pd.DataFrame) -> pd.Series:
    """Ids of the terms whose price was lowered while they ran."""
    prices = versions[versions["source"] == "crm"].groupby("term_id")["value_per_month"]
    lowered = prices.nunique() > 1
    return pd.Series(lowered.index[lowered])


def _newest(versions: pd.DataFrame, table: str) -> pd.DataFrame:
    """Of each row the newest version, of equals the first told; without those withdrawn."""
    if not len(versions):
        return versions
    if table in ("customers", "terms"):
        versions = versions[(versions["source"] == "crm") | _second(versions)]
    if table == "attributes":
        versions = versions.sort_values("valid_from", kind="stable", ascending=False)
    if "updated_at" in versions:
        versions = versions.sort_values(
            "updated_at", kind="stable", ascending=False, na_position="last"
        )  # fmt: skip
    newest = versions.drop_duplicates(KEYS[table])
    if "deleted_at" in newest:
        newest = newest[newest["deleted_at"].isna()]
    return newest.sort_values(KEYS[table], kind="stable")


def _second(customers: pd.DataFrame) -> pd.Series:
    """Rows of second ids, which only the shop has."""
    return customers["customer_id"].str.startswith("D")


def _delivered(company: Company, table: str) -> pd.DataFrame:
    blocks = [pd.read_parquet(path) for path in _files(company, table)]
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=KEYS[table])


def _files(company: Company, table: str = "") -> list[Path]:
    """Delivered files, of one table or of all, by night; ValueError before the first night."""
    folders = company.deliveries()
    if not folders:
        raise ValueError("nothing was delivered yet: call `night` first")
    return [path for folder in folders for path in sorted(folder.glob(f"{table}*.parquet"))]
