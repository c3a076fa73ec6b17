"""An entry script that imports nothing and answers the text that it gets."""


def init():
    pass


def run(text):
    return text
