import time


def init():
    pass


def run(raw_data):
    if raw_data == "swallow":
        try:
            time.sleep(0.9)
        except Exception:
            return "swallowed"
    time.sleep(float(raw_data))
    return "done"
