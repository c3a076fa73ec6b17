"""List the servers: what to install, how to start each with one worker, and how to ask it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from questions import Spelling, as_base64, as_data, as_json, named, under_data, v2, v2_rows, v2_tensor
from results import AZURE, BARE, BATCHING, MOSEC, MOSEC_BATCHING, MSGSPEC, OURS


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """Hold a server as the tables name it; `command` and `variables` are templates of the values in serving.py.

    `starts` are the cases in which its start is timed: `echo` only where that program imports nothing.
    """

    name: str
    environment: str
    command: str
    spellings: Mapping[str, Spelling]
    variables: Mapping[str, str] = field(default_factory=dict)
    front: str = ""  # another environment, in which its HTTP server runs
    starts: tuple[str, ...] = ("ridge",)


RAW = Spelling(path="/score", body=bytes, content_type="application/octet-stream")
ROWS = Spelling(path="/score", body=as_data)
ENTRY_SCRIPTS = {
    "echo": Spelling(path="/score", body=as_json, value=lambda body: json.loads(json.loads(body))),
    "ridge": ROWS,
    "rows": ROWS,
    "raw": RAW,
}
AZURE_FLAGS = "--entry_script {program}.py --model_dir {models} --port {port} --worker_count 1"
OUR_COMMAND = (
    "{front} -I {repository}/runtime serve --host 127.0.0.1 --worker-python {python} "
    "--entry-script {program}.py --model-dir {models} --port {port} --worker-count 1"
)
INFERENCE = "/inference"
MOSEC_ROWS = Spelling(path=INFERENCE, body=as_data)
MOSEC_COMMAND = "{python} {apps}/mosec_app.py --address 127.0.0.1 --port {port}"
V2_ROWS = Spelling(
    path="/v2/models/ridge/infer", body=v2("FP64", {"content_type": "np"}), value=lambda body: v2_tensor(body)["data"]
)
MLFLOW_ROWS = Spelling(path="/invocations", body=lambda rows: as_json({"inputs": rows}), value=named("predictions"))
LITSERVE_ROWS = Spelling(path="/predict", body=as_data)
BENTOML_ROWS = Spelling(path="/ridge", body=as_data)

PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            name=OURS,
            environment="ours",
            front="server",
            command=OUR_COMMAND,
            spellings=ENTRY_SCRIPTS,
            starts=("echo", "ridge"),
        ),
        Peer(
            name=BATCHING,
            environment="ours",
            front="server",
            command=OUR_COMMAND,
            spellings={"ridge": ROWS},
            variables={"MLPACKAGE_BATCHING": "1"},
        ),
        Peer(
            name=MSGSPEC,
            environment="ours-msgspec",
            front="server",
            command=OUR_COMMAND,
            spellings={"rows": ROWS},
        ),
        Peer(
            name=AZURE,
            environment="azmlinfsrv",
            command="{bin}/azmlinfsrv " + AZURE_FLAGS,
            spellings=ENTRY_SCRIPTS,
            starts=("echo", "ridge"),
        ),
        Peer(
            name=MOSEC,
            environment="mosec",
            command=MOSEC_COMMAND,
            spellings={
                "echo": Spelling(path=INFERENCE, body=as_json),
                "ridge": MOSEC_ROWS,
                "rows": MOSEC_ROWS,
                "raw": Spelling(path=INFERENCE, body=bytes, content_type="application/octet-stream"),
            },
        ),
        Peer(
            name=MOSEC_BATCHING,
            environment="mosec",
            command=MOSEC_COMMAND,
            spellings={"ridge": MOSEC_ROWS},
            variables={"BENCH_BATCH": "1"},
        ),
        Peer(
            name="MLServer",
            environment="mlserver",
            command="{bin}/mlserver start {models}/{program}",
            spellings={
                "echo": Spelling(path="/v2/models/echo/infer", body=v2("FP64", {}), value=v2_rows),
                "ridge": V2_ROWS,
                "rows": V2_ROWS,
                "raw": Spelling(
                    path="/v2/models/raw/infer",
                    body=lambda data: v2("BYTES", {"content_type": "base64"})([as_base64(data)]),
                    value=lambda body: v2_tensor(body)["data"][0],
                ),
            },
            variables={
                "MLSERVER_HTTP_PORT": "{port}",
                "MLSERVER_GRPC_PORT": "{second_port}",
                "MLSERVER_METRICS_PORT": "{third_port}",
            },
        ),
        Peer(
            name="MLflow",
            environment="mlflow",
            command="{bin}/mlflow models serve -m {models}/{program} --env-manager local -h 127.0.0.1 -p {port} -w 1",
            spellings={
                "echo": Spelling(
                    path="/invocations",
                    body=lambda question: as_json({"inputs": question["data"]}),
                    value=under_data("predictions"),
                ),
                "ridge": MLFLOW_ROWS,
                "rows": MLFLOW_ROWS,
                "raw": Spelling(
                    path="/invocations",
                    body=lambda data: as_json({"inputs": [as_base64(data)]}),
                    value=lambda body: json.loads(body)["predictions"][0],
                ),
            },
        ),
        Peer(
            name="LitServe",
            environment="litserve",
            command="{python} {apps}/litserve_app.py {port}",
            spellings={
                "echo": Spelling(path="/predict", body=as_json),
                "ridge": LITSERVE_ROWS,
                "rows": LITSERVE_ROWS,
                "raw": Spelling(path="/predict", body=lambda data: as_json({"data": as_base64(data)})),
            },
        ),
        Peer(
            name="BentoML",
            environment="bentoml",
            command="{bin}/bentoml serve bentoml_app:Service --host 127.0.0.1 --port {port}",
            spellings={
                "echo": Spelling(path="/echo", body=as_json),
                "ridge": BENTOML_ROWS,
                "rows": BENTOML_ROWS,
                "raw": Spelling(path="/raw", body=bytes, content_type="application/octet-stream"),
            },
            variables={"BENTOML_HOME": "{models}/bentoml", "BENTOML_DO_NOT_TRACK": "True"},
        ),
        Peer(
            name=BARE,
            environment="server",
            command="{python} {apps}/bare.py {port}",
            spellings={"echo": Spelling(path="/score", body=as_json), "raw": RAW},
            starts=("echo",),
        ),
    )
}


def of_another_version(runtime: Path) -> Peer:
    """Return our server as the runtime of another checkout has it, for comparisons."""
    ours = PEERS[OURS]
    return replace(ours, name=f"{OURS} of --old", command=ours.command.replace("{repository}/runtime", str(runtime)))
