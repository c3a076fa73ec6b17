from azureml.contrib.services.aml_request import AMLRequest, rawhttp  # noqa: F401
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request, request_headers):
    if request.method == "GET":
        return AMLResponse(f"query {request.full_path}", 200)
    if request.method == "POST":
        return AMLResponse(request.get_data(False).upper(), 200, {"X-Own": request_headers.get("X-Own", "")})
    return AMLResponse("bad request", 500)
