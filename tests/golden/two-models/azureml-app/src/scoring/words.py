def count(text, vocabulary):
    return {word: text.split().count(word) for word in vocabulary}
