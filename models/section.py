"""What the tables of `warmline.toml` are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1)]
Kept = Annotated[int, Field(ge=0)]
Many = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
