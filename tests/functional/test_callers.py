"""Those who call the endpoint: made-up calls, a generated client, a proxy, each guide's calls."""

import json
import os
import re
import shutil
import subprocess
import urllib.error
from pathlib import Path

import pytest

from benchmarks import cases
from serving.openapi import examples
from serving.routes import IN_LINES, NDJSON, USUAL
from tests.functional.conftest import Command
from tests.servers import nginx
from tests.servers.endpoint import running
from tests.unit.serving.test_one import HUBSPOT_WORKFLOW

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "callers.md").read_text(encoding="utf-8")
ENDPOINT = (ROOT / "docs" / "guides" / "endpoint.md").read_text(encoding="utf-8")
ACTION = ROOT / "docs" / "examples" / "hubspot_action.js"
CLIENT = ROOT / ".tools" / "callers" / "bin"
KNOWN = "C01886"  # a customer of the sample, in the documents' examples


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


def skip(why):
    """CI must have everything."""
    assert not os.environ.get("REQUIRE_SERVERS"), why
    pytest.skip(why)


@pytest.fixture(scope="module")
def home(demo_made, tmp_path_factory):
    place = tmp_path_factory.mktemp("callers") / "home"
    shutil.copytree(demo_made / "home", place)
    settings = place / "warmline.toml"
    text = settings.read_text(encoding="utf-8")
    open_to = '[serving]\nopen_networks = ["10.0.0.0/8"]\n'
    settings.write_text(text.replace("[serving]\n", open_to), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def key(home):
    return Command(home)("keys", "create", "all", "--scope", "admin").facts["key"]


@pytest.fixture(scope="module")
def endpoint(home, key):
    with running(home) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def proxy(endpoint, tmp_path_factory):
    try:
        with nginx.running(tmp_path_factory.mktemp("proxy") / "nginx", endpoint.port) as proxy:
            yield proxy
    except nginx.Missing as missing:
        skip(str(missing))


@pytest.fixture
def trusting(proxy, monkeypatch):
    """Python takes the proxy's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))


def tool(name):
    path = CLIENT / name
    if not path.exists():
        skip(f"no {path}: `make test` installs it")
    return path


def test_made_up_calls_are_answered_as_the_document_says(endpoint, key):
    tool("st")
    found = cases.few(f"http://127.0.0.1:{endpoint.port}", key)
    assert found.failures == [], found.said
    assert found.failed == 0, found.said
    assert found.made > 200


ROUND_TRIP = (ROOT / "tests" / "data" / "round_trip.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def client(endpoint, key, tmp_path_factory):
    """The folder in which the client lies that is made from what the endpoint says of itself."""
    place = tmp_path_factory.mktemp("client")
    (place / "warmline.json").write_text(json.dumps(endpoint.call("/docs.json", key=key)[1]))
    command = [tool("openapi-python-client"), "generate", "--path", "warmline.json", "--meta",
               "none", "--output-path", "warmline_client", "--fail-on-warning"]  # fmt: skip
    path = f"{CLIENT}:{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def in_client(client, code, *arguments):
    done = subprocess.run(
        [CLIENT / "python", "-c", code, *arguments], cwd=client, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_generated_client_makes_every_call(client, endpoint, key):
    url = f"http://127.0.0.1:{endpoint.port}"
    said = in_client(client, ROUND_TRIP, url, key, json.dumps(examples.REQUESTS))
    score, one, history, events, ready, refused = json.loads(said)
    (known, nobody) = score["scores"]
    sent = endpoint.call("/score", examples.REQUESTS["score"], key)[1]["scores"]
    assert known["churn_probability"] == sent[0]["churn_probability"]
    assert known["reasons"] == sent[0]["reasons"]
    assert (nobody["status"], nobody["customer_id"]) == ("not_scored", "C99999")
    assert (one["customer_id"], one["churn_probability"]) == (KNOWN, known["churn_probability"])
    assert one["churn_probability_30"] == known["horizons"][0]["probability"]
    assert [each["status"] for each in history["scores"]] == ["scored"]
    assert events == {"accepted": 1}
    assert ready["as_of"] == "2026-07-01"
    assert refused["status"] == 401


def test_the_examples_of_the_document_have_the_fields_of_true_answers(endpoint, key):
    sent = endpoint.call("/score", examples.REQUESTS["score"], key)[1]["scores"]
    shown = examples.ANSWERS["score"]["scores"]
    assert [set(one) for one in sent] == [set(one) for one in shown]
    assert [one["words"] for one in shown[0]["reasons"]] == [
        one["words"] for one in sent[0]["reasons"]
    ][: len(shown[0]["reasons"])]
    path = "/score/one?id_field=AccountNumber"
    assert set(endpoint.call(path, examples.REQUESTS["scoreOne"], key)[1]) == set(
        examples.ANSWERS["scoreOne"]
    )
    history = endpoint.call("/score_history", examples.REQUESTS["scoreHistory"], key)
    assert (history[0], history[1]["scores"][0]["status"]) == (200, "scored")


def test_the_proxy_speaks_tls_and_hands_on_calls(proxy, key):
    bearer = {"Authorization": f"Bearer {key}"}
    status, headers, content = proxy.ask(
        "/score", {"customer_ids": [KNOWN]}, **bearer, **{"X-Request-Id": "mine"}
    )
    assert (status, headers["X-Request-Id"]) == (200, "mine")
    assert json.loads(content)["scores"][0]["customer_id"] == KNOWN
    assert headers["Strict-Transport-Security"]
    status, headers, _ = proxy.ask("/score", b"{}", plain=True)
    assert (status, headers["Location"]) == (308, "https://127.0.0.1/score")
    proxy.ask(f"/score/one?id_field=a&system={KNOWN}", {"a": KNOWN}, **bearer)
    assert " /score 200 " in proxy.log.read_text()
    assert KNOWN not in proxy.log.read_text()


def test_the_proxy_takes_what_the_endpoint_takes(proxy, key):
    assert f"client_max_body_size {IN_LINES.bytes >> 20}m;" in nginx.EXAMPLE.read_text()
    bearer = {"Authorization": f"Bearer {key}"}
    largest = json.dumps({"customer_ids": ["x"]}).encode().ljust(USUAL.bytes)
    assert proxy.ask("/score", largest, **bearer)[0] == 200
    assert proxy.ask("/score", largest + b" ", **bearer)[0] == 413
    line = json.dumps({"customer_id": KNOWN}).encode().ljust(100_000) + b"\n"
    many = USUAL.bytes // len(line) + 1
    status, _, content = proxy.ask("/score", line * many, **bearer, **{"Content-Type": NDJSON})
    assert (status, content.count(b"\n")) == (200, many)


def test_nobody_gets_in_by_saying_where_they_are(proxy, endpoint):
    """`open_networks` of this home opens readiness to 10.0.0.0/8."""
    assert proxy.ask("/readyz", **{"X-Forwarded-For": "10.1.2.3"})[0] == 401


def test_the_calls_with_curl_work(proxy, key, tmp_path):
    environment = {**os.environ, **proxy.curl(tmp_path), "KEY": key}
    shown = [block for block in blocks(GUIDE, "sh") if block.startswith("curl")]
    assert len(shown) == 3
    for block in shown:
        commands = block.split("openapi-python-client")[0]
        done = subprocess.run(
            ["bash", "-euc", commands], env=environment, cwd=tmp_path, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = done.stdout or (tmp_path / "warmline.json").read_text()
        assert KNOWN in told
        assert '"churn_probability"' in told


def test_the_calls_with_curl_of_the_endpoints_guide_work(endpoint, key, tmp_path):
    """But for those that begin a night, which test_night_over_http.py makes."""
    shown = [block for block in blocks(ENDPOINT, "sh") if block.startswith("curl")]
    calls = [block for block in shown if "/nightly/" not in block]
    assert len(calls) == 4
    (tmp_path / "ids.ndjson").write_text(json.dumps({"customer_id": KNOWN}) + "\n")
    for block in calls:
        command = block.replace("127.0.0.1:3000", f"127.0.0.1:{endpoint.port}")
        command = command.replace("Key: zendesk", "Key: guide")  # made-up calls had that key
        done = subprocess.run(
            ["bash", "-euc", command], env={**os.environ, "KEY": key}, capture_output=True,
            text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        told = json.loads(done.stdout or (tmp_path / "scores.ndjson").read_text())
        assert {"scores", "churn_probability", "accepted"} & set(told), told


def test_the_python_of_the_guides_works(proxy, key, trusting):
    for page in (GUIDE, ENDPOINT):
        seen = {}
        exec(blocks(page, "python")[0], seen)  # noqa: S102
        (found,) = seen["scores"](proxy.url, key, [KNOWN])
        assert found["status"] == "scored"
    with pytest.raises(urllib.error.HTTPError):
        seen["scores"](proxy.url, "no key", [KNOWN])


def test_the_python_of_the_guide_waits_as_long_as_it_is_told(proxy, home, trusting):
    made = Command(home)("keys", "create", "few", "--scope", "score", "--per-minute", "60")
    seen = {}
    exec(blocks(GUIDE, "python")[0], seen)  # noqa: S102
    slept = []
    seen["time"] = type("Clock", (), {"sleep": slept.append})

    def ask_until_refused():
        for _ in range(200):
            seen["scores"](proxy.url, made.facts["key"], [KNOWN])

    with pytest.raises(urllib.error.HTTPError, match="429"):
        ask_until_refused()
    assert len(slept) >= 3
    assert all(0 < wait <= 1 for wait in slept)


def test_the_generated_client_of_the_guide_works(client, endpoint, key):
    code = "import sys\nurl, key = sys.argv[1:]\n" + blocks(GUIDE, "python")[1] + "\nprint(risk)"
    risk = float(in_client(client, code, f"http://127.0.0.1:{endpoint.port}", key))
    assert 0 < risk < 1


def test_the_calls_of_salesforce_and_hubspot_find_the_customer(proxy, key):
    bearer = {"Authorization": f"Bearer {key}"}
    flow, contact, _ = blocks(GUIDE, "json")
    assert set(json.loads(contact)) == set(HUBSPOT_WORKFLOW)
    workflow = blocks(GUIDE, "text")[0].strip().removeprefix(f"https://{nginx.HOST}")
    for path, body in (
        ("/score/one?id_field=AccountNumber", flow),
        (workflow, contact),
    ):
        status, _, content = proxy.ask(path, body.encode(), **bearer)
        told = json.loads(content)
        assert (status, told["customer_id"], told["status"]) == (200, KNOWN, "scored")
        assert not any(isinstance(value, list | dict) for value in told.values())


def test_zendesks_trigger_tells_what_happened(proxy, key, home):
    filled = blocks(GUIDE, "json")[2]
    for name, value in {
        "ticket.id": "35436",
        "ticket.requester.external_id": KNOWN,
        "ticket.created_at_with_timestamp": "2026-06-30T12:30:00Z",
    }.items():
        assert "{{" + name + "}}" in filled
        filled = filled.replace("{{" + name + "}}", value)
    path = blocks(GUIDE, "text")[1].strip().removeprefix(f"https://{nginx.HOST}")
    status, _, content = proxy.ask(path, filled.encode(), Authorization=f"Bearer {key}")
    assert (status, json.loads(content)) == (202, {"accepted": 1})
    kept = "".join(path.read_text() for path in (home / "inbox").glob("*.jsonl"))
    assert '"35436-opened"' in kept


RUN_ACTION = """
const action = require(process.argv[2]);
const event = { origin: { portalId: 1 }, callbackId: 'ap-123-456-7-8',
  object: { objectType: 'CONTACT', objectId: 4 }, inputFields: { customer_id: process.argv[3] } };
action.main(event, (told) => console.log(JSON.stringify(told))).catch((error) => {
  console.log(JSON.stringify({ thrown: error.message }));
});
"""


def run_action(proxy, folder, key, customer):
    """What HubSpot would be handed."""
    if shutil.which("node") is None:
        skip("no node: apt-get install nodejs")
    text = ACTION.read_text(encoding="utf-8")
    (folder / "action.js").write_text(text.replace(f"https://{nginx.HOST}", proxy.url))
    (folder / "run.js").write_text(RUN_ACTION)
    done = subprocess.run(
        ["node", "run.js", "./action.js", customer], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(proxy.certificate), "WARMLINE_KEY": key},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_hubspots_custom_code_hands_on_the_score(proxy, key, home, tmp_path):
    outputs = run_action(proxy, tmp_path, key, KNOWN)["outputFields"]
    assert (outputs["status"], outputs["why"]) == ("scored", None)
    assert 0 < outputs["churn_probability"] < 1
    assert outputs["reason_1"] == examples.ANSWERS["score"]["scores"][0]["reasons"][0]["words"]
    assert run_action(proxy, tmp_path, key, "nobody")["outputFields"]["status"] == "not_scored"
    refused = run_action(proxy, tmp_path, "no", KNOWN)["outputFields"]
    assert (refused["status"], refused["why"]) == (
        "refused",
        "A valid key is needed: `Authorization: Bearer wl_...`.",
    )
    few = Command(home)("keys", "create", "hubspot", "--scope", "score", "--per-minute", "2")
    run_action(proxy, tmp_path, few.facts["key"], KNOWN)
    thrown = run_action(proxy, tmp_path, few.facts["key"], KNOWN)["thrown"]
    assert thrown.startswith("429: ")
