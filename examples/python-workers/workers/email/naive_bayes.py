"""Multinomial naive Bayes over the words of a text: small, quick to train, and hard to beat for sorting short messages."""

import math
import re
from collections import Counter

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")


def tokens(text):
    """Words in lower case, numbers as one word, and pairs of neighbours: "past due" says more than "past" and "due"."""
    words = ["<number>" if word.isdigit() else word for word in WORD.findall(text.lower())]
    return words + [f"{a} {b}" for a, b in zip(words, words[1:])]


class NaiveBayes:
    """`counts`: label -> how often each token was seen in its texts; `texts`: label -> how many texts it was trained on."""

    def __init__(self, counts=None, texts=None):
        self.counts = {label: Counter(seen) for label, seen in (counts or {}).items()}
        self.texts = Counter(texts or {})
        self._prepare()

    def learn(self, examples):
        """`examples`: (label, text) pairs."""
        for label, text in examples:
            self.texts[label] += 1
            self.counts.setdefault(label, Counter()).update(tokens(text))
        self._prepare()

    def classify(self, text):
        """The probability of each label, the likeliest first. Words that no label knows say nothing."""
        known = [token for token in tokens(text) if token in self.vocabulary]
        logs = {label: self._log_of(label, known) for label in self.counts}
        highest = max(logs.values())
        weights = {label: math.exp(log - highest) for label, log in logs.items()}
        total = sum(weights.values())
        return dict(sorted(((label, weight / total) for label, weight in weights.items()), key=lambda pair: -pair[1]))

    def as_data(self):
        return {"counts": self.counts, "texts": self.texts}

    def _log_of(self, label, known):
        seen, total = self.counts[label], self.totals[label] + len(self.vocabulary)
        prior = math.log(self.texts[label] / self.texts.total())
        # One is added to each count (Laplace), so that a word that a label has not seen yet does not rule it out.
        return prior + sum(math.log((seen[token] + 1) / total) for token in known)

    def _prepare(self):
        self.vocabulary = set().union(*self.counts.values())
        self.totals = {label: seen.total() for label, seen in self.counts.items()}
