"""Run when the image is built: training.tsv -> model.json."""

import json
from pathlib import Path

from naive_bayes import NaiveBayes


def read_examples(path):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [tuple(line.split("\t", 1)) for line in lines]


if __name__ == "__main__":
    folder = Path(__file__).parent
    examples = read_examples(folder / "training.tsv")
    model = NaiveBayes()
    model.learn(examples)
    (folder / "model.json").write_text(json.dumps(model.as_data()), encoding="utf-8")
    print(f"trained on {len(examples)} messages, {len(model.vocabulary)} words and pairs")
