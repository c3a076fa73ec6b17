"""An entry script that takes the raw request, and answers how many bytes it has."""

from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request):
    return AMLResponse(str(len(request.get_data())), 200)
