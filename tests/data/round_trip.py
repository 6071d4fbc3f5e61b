"""Each call by the client that test_callers.py generates: URL, key, bodies by operation."""

import json
import sys

from warmline_client import AuthenticatedClient
from warmline_client.api.default import add_events, ready, score, score_history, score_one
from warmline_client.models import EventsRequest, HistoryRequest, Payload, ScoreRequest

url, key, bodies = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = AuthenticatedClient(base_url=url, token=key)
one = score_one.sync(
    client=client, body=Payload.from_dict(bodies["scoreOne"]), id_field="AccountNumber"
)
answers = [
    score.sync(client=client, body=ScoreRequest.from_dict(bodies["score"])),
    one,
    score_history.sync(client=client, body=HistoryRequest.from_dict(bodies["scoreHistory"])),
    add_events.sync(
        client=client, body=EventsRequest.from_dict(bodies["addEvents"]), idempotency_key="once"
    ),
    ready.sync(client=client),
    score.sync(
        client=AuthenticatedClient(base_url=url, token="none"),  # noqa: S106
        body=ScoreRequest.from_dict(bodies["score"]),
    ),
]
print(json.dumps([answer.to_dict() for answer in answers]))
