def init():
    pass


def run(raw_data):
    return [type(raw_data).__name__, raw_data]
