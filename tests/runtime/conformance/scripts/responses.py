from azureml_inference_server_http.api.aml_response import AMLResponse
from flask import Response
from werkzeug.exceptions import abort


class OwnResponse(AMLResponse):
    default_mimetype = "text/plain"


def changed():
    response = AMLResponse("text", 200)
    response.mimetype = "text/csv"
    response.status_code = 202
    response.headers["X-Own"] = "yes"
    response.set_data("a,b")
    return response


def cookie():
    response = AMLResponse("", 200)
    response.set_cookie("name", "value", max_age=60, path="/")
    return response


RESPONSES = {
    "text": lambda: AMLResponse("text é", 200),
    "bytes": lambda: AMLResponse(b"\x00\xff", 200, {"Content-Type": "application/octet-stream"}),
    "created": lambda: AMLResponse("made", 201, {"Location": "/made/1"}),
    "none": lambda: AMLResponse(None, 200),
    "none 202": lambda: AMLResponse(None, 202, {"X-Own": "yes"}),
    "json": lambda: AMLResponse({"a": "é"}, 200, json_str=True),
    "json list": lambda: AMLResponse([1, None], 404, {"X-Own": "a"}, json_str=True),
    "json error": lambda: AMLResponse({"error": "bad"}, 400, json_str=True, run_function_failed=True),
    "500": lambda: AMLResponse("broken", 500),
    "503": lambda: AMLResponse("busy", 503, {"Retry-After": "3"}),
    "418": lambda: AMLResponse("teapot", 418),
    "204": lambda: AMLResponse("", 204),
    "304": lambda: AMLResponse("", 304),
    "repeated": lambda: AMLResponse("x", 200, {"X-Many": "a, b,c"}),
    "date": lambda: AMLResponse("x", 200, {"Expires": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    "two cookies": lambda: AMLResponse("x", 200, {"Set-Cookie": "a=1, b=2"}),
    "type": lambda: AMLResponse("<a/>", 200, {"Content-Type": "application/xml"}),
    "lower type": lambda: AMLResponse("x", 200, {"content-type": "text/plain"}),
    "own id": lambda: AMLResponse("x", 200, {"x-request-id": "mine", "x-ms-request-id": "mine"}),
    "own time": lambda: AMLResponse("x", 200, {"x-ms-run-fn-exec-ms": "1"}),
    "own failed": lambda: AMLResponse("x", 200, {"x-ms-run-function-failed": "True"}),
    "changed": changed,
    "cookie": cookie,
    "subclass": lambda: OwnResponse("plain", 200),
    "list of parts": lambda: AMLResponse([b"a", b"b"], 200),
    "text parts": lambda: AMLResponse(["a", "é"], 200),
    "stream": lambda: AMLResponse((part for part in [b"a", b"b", b"c"]), 200),
    "stream text": lambda: AMLResponse((part for part in ["a", "é"]), 200),
    "stream empty": lambda: AMLResponse(iter([]), 200),
    "werkzeug": lambda: Response("plain", 200),
    "abort": lambda: abort(404),
    "allow origin": lambda: AMLResponse("x", 200, {"Access-Control-Allow-Origin": "https://own.test"}),
}


def init():
    pass


def run(raw_data):
    return RESPONSES[raw_data]()
