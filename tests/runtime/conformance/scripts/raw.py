from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp  # noqa: F401
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    pass


WAYS = {
    "method": lambda request: request.method,
    "args": lambda request: request.args.to_dict(flat=False),
    "form": lambda request: request.form.to_dict(flat=False),
    "values": lambda request: request.values.to_dict(flat=False),
    "data": lambda request: request.data.decode("latin-1"),
    "get_data": lambda request: request.get_data(cache=False, as_text=True),
    "json": lambda request: request.json,
    "get_json": lambda request: request.get_json(),
    "get_json_silent": lambda request: request.get_json(silent=True),
    "get_json_force": lambda request: request.get_json(force=True),
    "is_json": lambda request: request.is_json,
    "full_path": lambda request: request.full_path,
    "path": lambda request: request.path,
    "headers": lambda request: sorted([name, value] for name, value in request.headers if name != "Host"),
    "header": lambda request: request.headers.get("x-own", "none"),
    "content": lambda request: [request.content_type, request.content_length, request.mimetype],
    "content_type": lambda request: [request.content_type, request.mimetype, request.mimetype_params],
    "files": lambda request: {
        name: [[file.filename, file.content_type, file.read().decode()] for file in request.files.getlist(name)]
        for name in request.files
    },
    "stream": lambda request: request.stream.read().decode("latin-1"),
    "cookies": lambda request: dict(request.cookies),
    "host": lambda request: [request.host, request.url, request.base_url, request.scheme],
    "remote": lambda request: request.remote_addr,
    "authorization": lambda request: str(request.authorization and request.authorization.username),
    "accept": lambda request: [str(request.accept_mimetypes), request.accept_mimetypes.best],
    "user_agent": lambda request: str(request.user_agent),
    "if": lambda request: [str(request.if_none_match), str(request.range)],
    "query": lambda request: request.query_string.decode(),
    "response": lambda request: AMLResponse(request.get_data(), 201, {"X-Own": "yes"}),
    "500": lambda request: AMLResponse("broken", 500),
    "dict": lambda request: {"a": 1},
    "none": lambda request: None,
    "error": lambda request: 1 / 0,
    "not_found": lambda request: request.files["missing"],
}


@rawhttp
def run(request):
    return WAYS[request.args.get("way", "method")](request)
