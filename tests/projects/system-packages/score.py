import json
import os


def init():
    pass


def run(raw_data):
    return {"greeting": os.environ["GREETING"], "request": json.loads(raw_data)}
