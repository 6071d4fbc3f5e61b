"""TEMPORARY stand-in by the lead so that training can be wired; the features' helper replaces it."""
from __future__ import annotations
from dataclasses import dataclass
import numpy as np
from models.contracts import KINDS, KIND_CODE, DAY, WORD_KINDS, STAYING_KINDS, Feature
from pipelines.features import relationship

W = (7, 30, 90, 180, 365)

@dataclass(frozen=True)
class Night:
    as_of: int
    cutoff: int

@dataclass(frozen=True)
class Context:
    bots: object
    silent_days: int = 365

@dataclass(frozen=True)
class Block:
    bucket: int
    customers: object
    values: object

BASE = ("days_since_word", "silent", "fading", "days_since_active", "days_since_any", "tenure_days")

def features():
    out = [Feature(f"{k}_count_{w}", "{value} " + k + "{s} in {window}", "S1", k, "count", w) for k in KINDS for w in W]
    out += [Feature(n, n + " {value}", "S2", n, "days") for n in BASE]
    return (*out, *relationship.FEATURES)

def fingerprint():
    from models.bundle import fingerprint as f
    return f(features())

def column(name):
    return [f.name for f in features()].index(name)

def context(history, settings):
    return Context(history.bots(), settings.scoring.silent_days)

def stream(history, nights, context, *, customers=None, threads=2):
    frame = history.customers(); joined = frame["joined_at"].to_numpy(np.int64); terms = history.terms()
    n = len(features())
    word = np.array([KIND_CODE[k] for k in WORD_KINDS]); stay = np.array([KIND_CODE[k] for k in STAYING_KINDS])
    for b in range(history.buckets):
        m = history.members(b)
        if customers is not None:
            m = m[customers[m]]
        ev = history.bucket(b)
        pos = np.full(len(joined), -1); pos[m] = np.arange(len(m))
        out = np.zeros((len(nights), len(m), n))
        for i, nt in enumerate(nights):
            ok = (ev.at < nt.as_of) & (ev.recorded <= nt.cutoff) & (pos[ev.customer] >= 0)
            e = ev.take(ok); p = pos[e.customer]; age = (nt.as_of - e.at) / DAY
            for wi, w in enumerate(W):
                k = age <= w
                np.add.at(out[i], (p[k], e.kind[k].astype(int) * len(W) + wi), 1)
            def since(mask):
                v = np.full(len(m), np.inf); np.minimum.at(v, p[mask], age[mask]); return np.where(np.isinf(v), np.nan, v)
            c = len(KINDS) * len(W)
            sw = since(np.isin(e.kind, word)); sa = since(np.isin(e.kind, stay))
            out[i, :, c] = sw; out[i, :, c + 1] = np.isnan(sw) | (sw > context.silent_days)
            out[i, :, c + 2] = np.nan; out[i, :, c + 3] = sa; out[i, :, c + 4] = since(np.ones(len(p), bool))
            out[i, :, c + 5] = (nt.as_of - joined[m]) / DAY
        relationship.fill(out[:, :, -len(relationship.FEATURES):], terms, m, nights)
        yield Block(b, m, out)
