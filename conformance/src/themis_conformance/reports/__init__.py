"""What is left of a run: a line per subject, JUnit XML, a matrix in Markdown, JSON."""

from themis_conformance.reports.json_report import write_json
from themis_conformance.reports.junit import write_junit
from themis_conformance.reports.matrix import matrix_text, write_matrix
from themis_conformance.reports.totals import Totals

__all__ = ["Totals", "matrix_text", "write_json", "write_junit", "write_matrix"]
