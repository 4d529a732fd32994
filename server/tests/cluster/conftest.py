"""A real cluster for the tests of a module: three nodes, one process each, TLS between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tests.cluster.harness import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes that are whole; tests of a module share them and leave them running."""
    with Cluster.formed(tmp_path_factory.mktemp("cluster")) as formed:
        yield formed


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes for one test alone."""
    with Cluster.formed(tmp_path / "cluster") as formed:
        yield formed
