import numpy


def init():
    pass


def run(data):
    return numpy.__version__
