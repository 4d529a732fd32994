"""Logs and metrics: what a node says about itself.

Its one job is to make saying cheap: a metric is a plain number in memory that its one writer changes, a log call below
the level costs a comparison. Invariant: no secret leaves through here, and a failing measurement never fails a request.
It knows no other part of the server; who has figures hands in a function that reads them.

    metrics      counters, gauges, histograms and the registry that holds them
    exposition   the registry as Prometheus text
    catalogue    every metric the node has, with its help; the reference page is rendered from it
    instruments  the metric objects themselves, under the names the code uses
    series       the last fifteen minutes of latency and throughput
    looplag, process, rocksdb   what feeds them
    log, logformat, redaction   structured logs
"""
