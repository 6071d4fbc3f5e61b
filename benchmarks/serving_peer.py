"""The same look-up, key check and log line as a user would write them: bare FastAPI on uvicorn.

`python -m benchmarks.serving_peer HOME PORT KEY`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import sys
import time
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, Field

from models.batch import ScoreBatch

log = logging.getLogger("peer")


class Asked(BaseModel):
    customer_ids: Annotated[list[str], Field(min_length=1, max_length=1000)]


def application(home: Path, key: str) -> FastAPI:
    """One route over the newest published scores."""
    answers = ScoreBatch.latest(home / "scores").answers()
    known = hashlib.sha256(key.encode()).hexdigest()
    app = FastAPI()

    @app.post("/score")
    async def score(asked: Asked, authorization: Annotated[str, Header()]) -> Response:
        began = time.perf_counter()
        given = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
        if not hmac.compare_digest(given, known):
            raise HTTPException(401)
        found = answers.find(asked.customer_ids)
        body = b'{"scores":[' + b",".join(one or b"null" for one in found) + b"]}"
        took = round((time.perf_counter() - began) * 1000, 2)
        log.info(json.dumps({"at": time.time(), "route": "/score", "ms": took, "rows": len(found)}))
        return Response(body, media_type="application/json")

    return app


def main() -> None:
    home, port, key = sys.argv[1:]
    log.setLevel(logging.INFO)
    log.addHandler(logging.StreamHandler())
    uvicorn.run(application(Path(home), key), port=int(port), access_log=False)


if __name__ == "__main__":
    main()
