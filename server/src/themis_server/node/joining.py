"""The first start of a node that joins: it asks seeds until one admits it, and begins with the topology it is given."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from themis_server.config import Config
from themis_server.errors import StartRefusedError
from themis_server.metadata.joining import METHOD, JoinAnswer, JoinRequest, decode_answer
from themis_server.metadata.topology import Node
from themis_server.node.peering import seeds
from themis_server.observability.log import get_logger
from themis_server.peer import PeerCalls, PeerFailed, PeerRefused

_PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 0.5
_CALL_S: Final = 10.0
_LATER: Final = {"metadata_unavailable", "no_leader", "outcome_unknown", "metadata_conflict", "too_many_requests"}
"""With which a seed says that it cannot admit anybody just now."""
_log = get_logger(__name__)


async def join(config: Config, calls: PeerCalls, me: Node) -> JoinAnswer:
    """Ask the seeds in turn until one admits this node; raises `StartRefusedError`."""
    request = JoinRequest(_token(config), config.node.cluster, me, config.metadata.store).encoded()
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + _PATIENCE_S
    while True:
        why = []
        for seed in seeds(config.cluster.join):
            try:
                answer = decode_answer(await calls.call(seed, METHOD, request, timeout_s=_CALL_S))
            except PeerRefused as refused:
                if refused.code not in _LATER:
                    raise StartRefusedError(
                        f"{seed.where} does not admit this node: {refused.code}: {refused.detail}"
                    ) from refused
                why.append(f"{seed.where}: {refused.detail}")
            except PeerFailed as failed:
                refusal = getattr(failed, "refusal", None)
                if refusal is not None:
                    raise StartRefusedError(
                        f"{seed.where} does not speak to this node: {refusal.code}: {refusal.detail}"
                    ) from failed
                why.append(f"{seed.where}: {failed}")
            else:
                _log.info("cluster.joined", seed=seed.where, epoch=answer.decoded().epoch)
                return answer
        if loop.time() > deadline_s:
            raise StartRefusedError("no node of the cluster could be asked to join: " + "; ".join(why))
        _log.warning("cluster.join.waits", why="; ".join(why))
        await asyncio.sleep(_PAUSE_S)


def _token(config: Config) -> str:
    file = Path(config.cluster.join_token_file)
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefusedError(f"cluster.join_token_file: {file} cannot be read: {error}") from error
    if not token:
        raise StartRefusedError(f"cluster.join_token_file: {file} is empty")
    return token
