from azureml_inference_server_http.api.aml_request import rawhttp


def init():
    pass


@rawhttp
def other():
    pass


def run(request):
    return request.method
