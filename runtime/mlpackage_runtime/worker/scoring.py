"""Call run() for a request, and turn its result or its exception into a response."""

import inspect
import time
from types import CodeType, FrameType, TracebackType
from typing import Any, Callable, List, Optional, Union

from mlpackage_runtime.contract import SCRIPT_ERROR, log
from mlpackage_runtime.worker.errors import RefusedRequest
from mlpackage_runtime.worker.plan import plan_of
from mlpackage_runtime.worker.raw import is_response, response_from
from mlpackage_runtime.worker.request import Request
from mlpackage_runtime.worker.response import INTERNAL_ERROR, Response, error_response, result_response
from mlpackage_runtime.worker.script import Script
from mlpackage_runtime.worker.styles import Arguments, Style


class Scoring:
    """Answers requests with a script's run(), one at a time."""

    def __init__(self, script: Script, style: Style) -> None:
        self.plan = plan_of(script.run)
        self._run = script.run
        self._arguments = style.arguments
        self._wants_headers = script.wants_headers
        self._own_code = _own_code(script.run)

    def respond(self, request: Request) -> Response:
        """Return the response to a request; never raises."""
        arguments = self.read(request)
        return arguments if isinstance(arguments, Response) else self.score(request, arguments)

    def read(self, request: Request) -> Union[Arguments, Response]:
        """Return the arguments that a request has for run(), or the response to one that has none; never raises."""
        try:
            arguments = self._arguments(request)
        except RefusedRequest as refused:
            return error_response(refused.status, refused.message)
        except Exception:
            log.exception("The request could not be read")
            return error_response(500, INTERNAL_ERROR)
        if self._wants_headers:
            arguments["request_headers"] = request.titled_headers()
        return arguments

    def converted(self, arguments: Arguments) -> Optional[Arguments]:
        """Return arguments as the schema's types; None where there is no plan, or the decorators have to refuse one."""
        return self.plan.converted(arguments) if self.plan is not None else None

    def score(self, request: Request, arguments: Arguments, converted: Optional[Arguments] = None) -> Response:
        """Return the response to a request that has arguments, which may be converted already; never raises."""
        started = time.perf_counter()
        try:
            found = self.converted(arguments) if converted is None else converted
            if found is not None and self.plan is not None:
                result = call(self.plan.function, found)
            else:
                result = call(self._run, arguments)
        except BaseException as error:  # noqa: BLE001 - SystemExit in run() must not end the worker
            return self._failure(error)
        return _response_to(result, request, (time.perf_counter() - started) * 1000)

    def _failure(self, error: BaseException) -> Response:
        if _is_mismatch(error, self._own_code):
            log.info("The input does not match the schema: %s", error)
            return error_response(400, f"The input does not match the schema of run(): {error}")
        log.error("run() raised an exception", exc_info=error)
        return error_response(500, SCRIPT_ERROR, script_failed=True)


def call(function: Callable[..., Any], arguments: Arguments) -> Any:
    """Return the result of a function of the script's, or of the coroutine that it returned."""
    result = function(**arguments)
    return awaited(result) if inspect.iscoroutine(result) else result


def awaited(result: Any) -> Any:
    """Return the result of one of the script's coroutines, run in the script's own event loop."""
    return _event_loop().run_until_complete(result)


_loops: List[Any] = []


def _event_loop() -> Any:
    # One loop lasts for the life of the worker, because clients that init() opened belong to it.
    if not _loops:
        import asyncio  # which few scripts need, and takes longer than the rest of a worker

        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        _loops.append(loop)
    return _loops[0]


def _response_to(result: Any, request: Request, elapsed_ms: float) -> Response:
    if is_response(result):
        return _from_werkzeug(result, request, elapsed_ms)
    try:
        return result_response(result).timed(elapsed_ms)
    except (TypeError, ValueError, RecursionError):
        log.exception("The result of run() cannot be sent: return a value that JSON can express")
        return error_response(500, INTERNAL_ERROR)


def _from_werkzeug(response: Any, request: Request, elapsed_ms: float) -> Response:
    try:
        return response_from(response, request).timed(elapsed_ms)
    except Exception:
        log.exception("The response that run() returned cannot be sent")
        return error_response(500, SCRIPT_ERROR, script_failed=True)


def _own_code(run: Callable[..., Any]) -> Optional[CodeType]:
    """Return the code of run() as the script wrote it, without its decorators."""
    return getattr(inspect.unwrap(run), "__code__", None)


def _is_mismatch(error: BaseException, own_code: Optional[CodeType]) -> bool:
    """Return whether inference_schema failed to convert the input, before run()'s own code began."""
    trace: Optional[TracebackType] = error.__traceback__
    converting = False
    while trace is not None:
        if trace.tb_frame.f_code is own_code:
            return False
        converting = converting or _is_conversion(trace.tb_frame)
        trace = trace.tb_next
    return converting and isinstance(error, Exception)


def _is_conversion(frame: FrameType) -> bool:
    """Return whether a frame converts input; inference_schema's other frames may hold errors of the script's own."""
    module = str(frame.f_globals.get("__name__"))
    nested = module == "inference_schema.schema_decorators" and "deserialize" in frame.f_code.co_name
    return nested or module.startswith("inference_schema.parameter_types.")
