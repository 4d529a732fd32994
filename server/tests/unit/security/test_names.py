from __future__ import annotations

import pytest

from themis_server.security.names import CertificateName, InvalidName, certificate_name, parse_uri


def test_a_name_reads_as_it_is_written() -> None:
    for name in (CertificateName("prod", "node", "node-1"), CertificateName("a.b", "client", "_x")):
        assert parse_uri(name.checked().uri) == name


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "themis://prod/node/",
        "themis://prod/node/a/b",
        "themis://prod/node/a?b",
        "themis://prod/node/a\n",
        "themis://prod/admin/a",
        "themis:///node/a",
        "THEMIS://prod/node/a",
        "themis://prod/node/" + "a" * 64,
        "themis://prod/node/ä",
        "https://prod/node/a",
    ],
)
def test_what_names_nobody_is_refused(uri: str) -> None:
    with pytest.raises(InvalidName):
        parse_uri(uri)


@pytest.mark.parametrize("part", ["", "a/b", "a b", "-a", "a" * 64, "a\x00"])
def test_a_name_that_could_be_read_in_two_ways_is_refused(part: str) -> None:
    with pytest.raises(InvalidName):
        CertificateName("prod", "node", part).checked()
    with pytest.raises(InvalidName):
        CertificateName(part, "node", "a").checked()


def test_exactly_one_name_of_a_certificate_counts() -> None:
    ours, other = ("URI", "themis://prod/node/a"), ("URI", "spiffe://elsewhere/a")

    assert certificate_name({"subjectAltName": (("DNS", "db1"), other, ours)}).name == "a"
    for names in ((), (other,), (ours, ours), (ours, ("URI", "themis://prod/node/b")), (("DNS", ours[1]),)):
        with pytest.raises(InvalidName):
            certificate_name({"subjectAltName": names})
    with pytest.raises(InvalidName):
        certificate_name({})
    with pytest.raises(InvalidName):
        certificate_name({"subjectAltName": (ours, ("URI", "Themis://other/node/b"))})
