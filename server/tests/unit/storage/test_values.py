from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from themis_server.storage import values


@given(st.integers(0, 2**53 - 1), st.binary(max_size=64))
def test_a_stored_entity_gives_back_version_and_document(version: int, document: bytes) -> None:
    stored = values.pack(version, document)

    assert (values.version_of(stored), values.document_of(stored)) == (version, document)


def test_the_header_never_changes() -> None:
    # Written into data directories: format, flags, key id, version.
    assert values.pack(258, b"{}") == b"\x01\x00\x00\x00" + b"\x00" * 6 + b"\x01\x02" + b"{}"
    assert values.HEADER_BYTES == 12
