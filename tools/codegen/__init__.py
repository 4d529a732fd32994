"""From the specification to code: reads spec/ once, writes every file that is generated from it.

    spec/openapi.yaml + spec/errors.yaml -> bundle -> intermediate representation -> one emitter a language or page

`python -m tools.codegen` writes, `python -m tools.codegen --check` says whether anything would change. What comes out
is a function of spec/ alone: no timestamps, no environment, no order that depends on hashing.

Invariant: everything an emitter needs is in the intermediate representation (`ir`); no emitter reads YAML, and none
interprets JSON Schema. Adding a language is adding an emitter and its lines in `targets`.
"""
