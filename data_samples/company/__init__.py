"""A company around a world: its data arrives late, is corrected, and knows only today."""

from data_samples.company.company import Company
from data_samples.company.exports import write_as_known_today, write_with_history
from data_samples.company.settings import CompanySettings, Gap, Lag

__all__ = [
    "Company",
    "CompanySettings",
    "Gap",
    "Lag",
    "write_as_known_today",
    "write_with_history",
]
