"""Carries a case out and says how it ended.

    scenario.py          steps with clients against a cluster
    stage.py             what they happen on: variables, cluster or live server, clients
    steps.py             each kind of step
    wire.py              what the wire log must say
    exchange_client.py   a protocol case, asked of an SDK
    exchange_server.py   a protocol case, asked of a server
    vector.py            a vector

A case that goes as expected returns; any other raises CaseFailed. Nothing here knows how many cases there are.
"""
