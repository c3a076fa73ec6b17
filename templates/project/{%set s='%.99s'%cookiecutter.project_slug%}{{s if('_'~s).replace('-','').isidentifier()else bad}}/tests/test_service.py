"""Test the entry script over HTTP, as the image serves it."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPResponse
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest


def send(url: str, body: object = None) -> HTTPResponse:
    data = None if body is None else json.dumps(body).encode()
    response = build_opener(ProxyHandler({})).open(Request(url, data, {"Content-Type": "application/json"}), timeout=60)
    assert isinstance(response, HTTPResponse)
    return response


def test_it_is_healthy(url: str) -> None:
    with send(url) as response:
        assert response.status == 200


def test_the_sample_request(
    url: str, score: ModuleType, sample: dict[str, Any], close_to: Callable[[Any], Any]
) -> None:
    """The service answers what the entry script returns, apart from rounding."""
    with send(f"{url}/score", sample) as response:
        assert json.load(response) == close_to(score.run(**sample))


def test_a_wrong_request(url: str) -> None:
    with pytest.raises(HTTPError, match="400") as refused:
        send(f"{url}/score", {"date": []})
    refused.value.close()


def test_the_schema(url: str, sample: dict[str, Any]) -> None:
    """The description of the service names the input and shows the sample."""
    with send(f"{url}/swagger.json") as response:
        service_input = json.load(response)["definitions"]["ServiceInput"]

    assert service_input["example"] == sample
