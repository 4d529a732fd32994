"""Asks openapi-spec-validator whether the bundled document is OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

__all__ = ["openapi_faults"]


def openapi_faults(document: dict[str, Any]) -> list[str]:
    """Return what breaks the OpenAPI 3.1 specification, each as a sentence."""
    errors = OpenAPIV31SpecValidator(document).iter_errors()
    return [f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}" for error in errors]
