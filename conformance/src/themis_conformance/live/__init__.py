"""A real server: asked by raw sockets, filled through its API."""
