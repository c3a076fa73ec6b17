"""Answer several requests with one call of run(), for as long as that gives the answers of separate calls."""

import json
import time
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence, Union

from mlpackage_runtime import frames
from mlpackage_runtime.contract import current, log
from mlpackage_runtime.progress import Progress
from mlpackage_runtime.worker.merging import Merging, Shape, alike, split
from mlpackage_runtime.worker.request import Request
from mlpackage_runtime.worker.response import Response, result_response
from mlpackage_runtime.worker.scoring import Scoring, call
from mlpackage_runtime.worker.styles import Arguments

if TYPE_CHECKING:
    from mlpackage_runtime.worker.process import ServerConnection

MOST_BYTES = 2**20  # of requests that are converted before the first of them is scored
FEW = 4  # requests of a call whose answers are compared with those of separate calls


class Limits(NamedTuple):
    """How many rows the requests of a batch have together, and how many seconds the first of them waits for others."""

    rows: int
    delay: float


class Prepared(NamedTuple):
    """A request with its arguments, or with its response where it has none; only one with a shape can be merged."""

    request: Request
    arguments: Union[Arguments, Response]
    converted: Optional[Arguments]
    shape: Optional[Shape]


class Batches:
    """Answers the requests that have arrived with as few calls of run() as their shapes allow."""

    def __init__(
        self, connection: "ServerConnection", scoring: Scoring, merging: Merging, progress: Progress, limits: Limits
    ) -> None:
        self._connection = connection
        self._scoring = scoring
        self._merging: Optional[Merging] = merging  # None as soon as it has given other answers than separate calls
        self._progress = progress
        self._limits = limits
        self._answered = 0
        self._merged = 0  # calls of run() for several requests
        self._waiting: List[Prepared] = []

    def answer_requests(self) -> None:
        """Answer requests until the server closes the connection."""
        while True:
            if not self._waiting:
                request = self._connection.read_request()
                if request is None:
                    return
                self._prepare(request)
            self._take_more()
            batch = self._next_batch()
            self._progress.note(self._answered + len(batch), 0)
            merging = self._merging if len(batch) > 1 else None
            responses = self._merged_responses(batch, merging) if merging is not None else None
            try:
                self._send(batch, responses)
            except ConnectionError:
                return  # the server is gone, and nobody waits for the responses
            current["request_id"] = ""

    def _send(self, batch: Sequence[Prepared], responses: Optional[Sequence[Response]]) -> None:
        if responses is not None:
            self._connection.send_together(responses)
            self._answered += len(batch)
            return
        for prepared in batch:
            self._connection.send_response(self._response(prepared))
            self._answered += 1

    def _prepare(self, request: Request) -> None:
        self._progress.note(self._answered, self._answered + len(self._waiting) + 1)
        current["request_id"] = request.request_id.decode("latin-1")
        arguments = self._scoring.read(request)
        converted, shape = None, None
        if self._merging is not None and not isinstance(arguments, Response):
            converted = self._scoring.converted(arguments)
            shape = self._merging.shape(converted) if converted is not None else None
        self._waiting.append(Prepared(request, arguments, converted, shape))

    def _take_more(self) -> None:
        """Take the requests that have arrived, or arrive in the time that the first of them waits."""
        rows = sum(prepared.shape.rows for prepared in self._waiting if prepared.shape)
        size = sum(len(prepared.request.body) for prepared in self._waiting)
        end = time.monotonic() + self._limits.delay if self._limits.delay else 0.0
        while self._merging is not None and rows < self._limits.rows and size < MOST_BYTES:
            request = self._connection.arrived_request(max(end - time.monotonic(), 0) if end else 0)
            if request is None:
                return
            self._prepare(request)
            shape = self._waiting[-1].shape
            rows += shape.rows if shape else 0
            size += len(request.body)

    def _next_batch(self) -> Sequence[Prepared]:
        """Take the first request that waits, and those after it with which it can be merged."""
        first = self._waiting[0].shape if self._merging is not None else None
        places, rows = [0], first.rows if first else 0
        most = FEW if self._is_check else len(self._waiting)
        for place, (_, _, _, shape) in enumerate(self._waiting[1:], start=1):
            fits = first and shape and shape.key == first.key and rows + shape.rows <= self._limits.rows
            if shape and fits and len(places) < most:
                places.append(place)
                rows += shape.rows
        if len(places) <= places[-1]:
            self._connection.send(frames.ORDER, [b"%d" % place for place in places])
        batch = [self._waiting[place] for place in places]
        chosen = set(places)
        self._waiting = [prepared for place, prepared in enumerate(self._waiting) if place not in chosen]
        return batch

    def _response(self, prepared: Prepared) -> Response:
        request, arguments, converted, _ = prepared
        current["request_id"] = request.request_id.decode("latin-1")
        if isinstance(arguments, Response):
            return arguments
        return self._scoring.score(request, arguments, converted)

    def _merged_responses(self, batch: Sequence[Prepared], merging: Merging) -> Optional[List[Response]]:
        """Return the responses to several requests; None where each has to be scored alone."""
        current["request_id"] = ",".join(prepared.request.request_id.decode("latin-1") for prepared in batch)
        several = [prepared.converted for prepared in batch if prepared.converted is not None]
        started = time.perf_counter()
        try:
            result = call(merging.function, merging.merged(several))
        except BaseException as error:  # noqa: BLE001 - as in Scoring
            log.info("run() raised %s for %d requests together: each is scored alone", type(error).__name__, len(batch))
            return None
        elapsed_ms = (time.perf_counter() - started) * 1000
        parts = split(result, [prepared.shape.rows for prepared in batch if prepared.shape])
        if parts is None:
            self._stop_merging(f"run() returned a {type(result).__name__} that does not have one entry for each row")
            return None
        try:
            responses = [result_response(part).timed(elapsed_ms) for part in parts]
        except (TypeError, ValueError, RecursionError):
            return None
        checked = self._checked(batch, responses) if self._is_check else responses
        self._merged += 1
        return checked

    @property
    def _is_check(self) -> bool:
        """Whether the next answers for several requests are compared: the first ones, and then ever fewer."""
        return not (self._merged & (self._merged + 1))

    def _checked(self, batch: Sequence[Prepared], merged: Sequence[Response]) -> List[Response]:
        """Score each request alone, too, and stop merging where the answers differ."""
        alone = [self._response(prepared) for prepared in batch]
        if not all(map(_alike, alone, merged)):
            self._stop_merging("run() gives other answers for several requests together than for each alone")
        return alone

    def _stop_merging(self, reason: str) -> None:
        log.warning("Batching is off: %s", reason)
        self._merging = None
        self._connection.send(frames.ALONE)


def _alike(one: Response, other: Response) -> bool:
    if one.status != other.status or not isinstance(one.body, bytes) or not isinstance(other.body, bytes):
        return False
    return one.body == other.body or alike(json.loads(one.body), json.loads(other.body))
