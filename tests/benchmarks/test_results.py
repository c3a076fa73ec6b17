"""Results are judged by ratios of medians, and survive being saved."""

from __future__ import annotations

from limits import limits
from measure import Limit, judge
from results import Cost, Failure, Generated, Load, Rebuild, Results, read, save

WHY = "2 of 9 answers were errors at http://localhost/a/b"


def results(**parts):
    return Results(rounds=3, seconds=1, machine={"date": "2026-11-30"}, versions={"mosec": "0.9.8"}, **parts)


def load(server, rates, case="echo", connections=8, p99s=(1.0, 1.0, 1.0)):
    return Load(
        server=server,
        case=case,
        connections=connections,
        rates=rates,
        p50s=[1.0] * 3,
        p99s=list(p99s),
        others=[0.0] * 3,
    )


def test_a_ratio_of_medians():
    """A limit compares the medians of two servers; one far round changes nothing."""
    found = results(loads=[load("hatch-mlpackage", [1.0, 28.0, 900.0]), load("azmlinfsrv", [2.0, 2.0, 90.0])])

    (limit,) = limits(found)

    says = "echo, 8 connections: hatch-mlpackage, times azmlinfsrv"
    assert limit == Limit(says=says, found=14.0, least=14)


def test_a_server_that_failed():
    """A limit is missed if one of its servers was asked for and has no figures; one not asked for has no limit."""
    found = results(
        loads=[load("hatch-mlpackage", [9.0])],
        failures=[Failure(server="mosec", case="", reason="cannot be installed")],
    )

    assert [(limit.says, limit.is_kept) for limit in limits(found)] == [
        ("echo, 8 connections: hatch-mlpackage, times mosec", False)
    ]


def test_latencies_and_costs():
    """Batching must not make the 99th percentile worse; start and memory have limits too."""
    ours = {"case": "ridge", "connections": 64}
    found = results(
        loads=[
            load("hatch-mlpackage", [1.0], p99s=[2.0], **ours),
            load("hatch-mlpackage with batching", [1.0], p99s=[3.0], **ours),
        ],
        costs=[
            Cost(server="hatch-mlpackage", case="ridge", starts=[0.5], first=[32.0]),
            Cost(server="azmlinfsrv", case="ridge", starts=[1.0]),
        ],
    )

    assert [(limit.says, limit.found, limit.is_kept) for limit in limits(found)] == [
        ("ridge, 64 connections: p99 with batching, times without", 1.5, False),
        ("ridge: start of hatch-mlpackage, times azmlinfsrv", 0.5, True),
        ("MB of our server's process", 32 * 1.048576, True),
    ]


def test_a_failure_forgets_earlier_rounds(capsys):
    """A server that fails in a case keeps its figures of other cases only."""
    found = results(loads=[load("mosec", [1.0]), load("mosec", [1.0], case="raw"), load("MLflow", [1.0])])

    found.fail("mosec", "echo", WHY)

    assert [(it.server, it.case) for it in found.loads] == [("mosec", "raw"), ("MLflow", "echo")]
    assert (found.failed("mosec", "echo"), found.failed("mosec", "raw")) == (WHY, "")
    assert capsys.readouterr().out == f"mosec echo: {WHY}\n"


def test_a_reason_names_no_folders():
    """A saved reason has the names of files, and not the folders of the machine."""
    found = results()

    found.fail("mosec", "", "File \"/home/me/.tox/mosec_app.py\", at /score: no module 'mosec'")

    assert found.failed("mosec", "raw") == "File \"mosec_app.py\", at /score: no module 'mosec'"


def test_saved_and_read(tmp_path):
    """Saved results are read as they were, in four digits."""
    rebuild = Rebuild(changed_files=1, changed_bytes=2, steps=3, all_steps=4, copied_bytes=5, installs=True)
    written = Generated(
        name="bentoml build", seconds=[1.0], size=2, files=3, is_same=False, edit=rebuild, retrain=rebuild
    )
    costs = [Cost(server="mosec", case="ridge", starts=[0.5])]
    failures = [Failure(server="MLflow", case="raw", reason="no answer")]
    parts = {"costs": costs, "failures": failures, "generated": [written]}

    save(results(loads=[load("mosec", [12345.678])], **parts), tmp_path / "results.json")

    assert read(tmp_path / "results.json") == results(loads=[load("mosec", [12350.0])], **parts)


def test_judged(capsys):
    """A limit that is missed, or that nothing was measured for, is exit status 1."""
    kept = Limit(says="times", found=2.0, least=1.5)

    assert judge([kept]) == 0
    assert judge([kept, Limit(says="MiB", found=50.0, most=45)]) == 1
    assert judge([Limit(says="start", found=float("nan"), most=1)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "",
        "kept    times: 2.00, at least 1.5",
        "",
        "kept    times: 2.00, at least 1.5",
        "missed  MiB: 50.00, at most 45",
        "",
        "missed  start: nan, at most 1",
    ]
