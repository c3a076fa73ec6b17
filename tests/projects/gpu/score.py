import pynvml


def init():
    pynvml.nvmlInit()


def run(data):
    return {"gpus": pynvml.nvmlDeviceGetCount(), "request": data}
