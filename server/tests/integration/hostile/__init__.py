"""Requests that no well-behaved client sends, byte by byte.

Each gets a problem document, never a 5xx, and the node lives on.
"""
