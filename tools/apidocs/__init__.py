"""The API references of the three SDKs on one site, and the proof that they leave nothing out.

themis-python's pages are MkDocs' own (mkdocstrings); typedoc and javadoc write theirs beside them. One module is one
language: what its public names are, which of them are documented, and how its pages are made. Invariant: names are
counted by the language's own tool (griffe, typedoc, a doclet), from the same sources that it makes pages of. It must
not know what an SDK does.
"""
