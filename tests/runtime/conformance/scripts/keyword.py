def init():
    pass


def run(*, anything):
    return anything
