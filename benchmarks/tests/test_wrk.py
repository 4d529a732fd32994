"""What wrk reports is believed only if every request was answered."""

from __future__ import annotations

import pytest

from benchmarks.load.wrk import Report, WrkError, parse_report

_PRINTED = """Running 2s test @ http://127.0.0.1:8080
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.13ms    1.02ms  45.81ms   97.01%
    Req/Sec    10.56k     1.51k   12.03k    80.00%
  20000 requests in 2.00s, 9.64MB read
Requests/sec:  10000.00
Transfer/sec:      4.82MB
"""
_FAILED = '{"connect":0,"read":0,"write":0,"status":0,"timeout":0}'
_OUTPUT = (
    f'{_PRINTED}\nREPORT {{"requests":20000,"duration_us":2000000,"bytes":9640000,"failed":{_FAILED},'
    '"p50_us":1132,"p99_us":45815}\n'
)


def test_the_report_is_found_between_what_wrk_itself_prints() -> None:
    report = parse_report(_OUTPUT)

    assert report == Report(
        requests=20000,
        duration_us=2_000_000,
        bytes=9_640_000,
        failed={"connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0},
        p50_us=1132,
        p99_us=45815,
    )
    assert report.requests_per_s == pytest.approx(10_000)
    assert report.answer_bytes == pytest.approx(482)


@pytest.mark.parametrize("kind", ["connect", "read", "write", "status", "timeout"])
def test_a_server_is_not_faster_for_refusing(kind: str) -> None:
    with pytest.raises(WrkError, match=kind):
        parse_report(_OUTPUT.replace(f'"{kind}":0', f'"{kind}":3'))


def test_no_answer_at_all_is_no_result() -> None:
    with pytest.raises(WrkError, match="not one request"):
        parse_report(_OUTPUT.replace('"requests":20000', '"requests":0'))


def test_output_without_a_report_is_shown() -> None:
    with pytest.raises(WrkError, match="unable to connect"):
        parse_report("unable to connect to 127.0.0.1:8080 Connection refused")
