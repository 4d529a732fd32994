"""Makes spec/vectors/*.json: the rules that every language must follow to the byte, as inputs and expected outcomes.

`python -m tools.vectors` writes the files, `python -m tools.vectors --check` says whether they are as they would be
written. One module a rule; each carries a plain reference of its own (XXH64 after the xxHash specification, the URN
grammar, the ring, entity tags, versions) that is written for reading, not for speed.

Invariant: nothing here imports the server, the SDK or a hash library. A vector that came from the code it judges would
judge nothing.
"""
