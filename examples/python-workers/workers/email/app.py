"""The HTTP API of the e-mail classifier."""

import json
import logging
import os
from pathlib import Path

from fastapi import FastAPI
from naive_bayes import NaiveBayes
from pydantic import BaseModel, Field

logging.basicConfig(level=os.environ.get("LOG_LEVEL", "info").upper())
log = logging.getLogger("email")
model = NaiveBayes(**json.loads((Path(__file__).parent / "model.json").read_text(encoding="utf-8")))
certificates = Path(os.environ.get("CERT_DIR", "/nowhere"))
app = FastAPI(title="E-mail classifier")


class Mail(BaseModel):
    subject: str = Field(default="", max_length=1000)
    text: str = Field(max_length=100_000)


class Verdict(BaseModel):
    label: str
    confidence: float
    scores: dict[str, float]


@app.post("/classify")
def classify(mail: Mail) -> Verdict:
    scores = model.classify(f"{mail.subject}\n{mail.text}")
    label, confidence = next(iter(scores.items()))
    log.info("classified as %s (%.2f)", label, confidence)
    return Verdict(label=label, confidence=confidence, scores=scores)


@app.get("/health")
def health() -> dict:
    names = sorted(path.name for path in certificates.iterdir()) if certificates.is_dir() else []
    return {"status": "ok", "labels": sorted(model.counts), "messages": model.texts.total(), "certificates": names}
