"""Generated from spec/ by `python -m tools.codegen`: do not edit.

models: the bodies. operations: the table of operations. errors: the error codes. Import the modules, not this
package; it knows nothing, so that importing one of them costs no more than that one.
"""
