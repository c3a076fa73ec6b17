"""An entry script that computes for about a millisecond in Python, and answers the text that it gets."""


def init():
    pass


def run(text):
    total = 0
    for number in range(20_000):
        total += number
    return text if total else None
