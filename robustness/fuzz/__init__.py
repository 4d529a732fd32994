"""Fuzzers: `python -m robustness.fuzz.api` over a live server, `python -m robustness.fuzz.codecs` over the codecs."""
