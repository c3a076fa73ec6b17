def init():
    pass


def run(raw_data, second="default"):
    return [raw_data, second]
