import importlib.util
import os

spec = importlib.util.spec_from_file_location("driven", os.path.join(os.path.dirname(__file__), "driven.py"))
driver_module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(driver_module)
said = []


def init():
    driver_module.init()
    driver_module.started.append("outer")


def run(http_body, request_headers):
    return "the outer run() is never called"
