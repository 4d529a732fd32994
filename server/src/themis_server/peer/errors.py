"""What can become of a call to another node, exactly.

PeerFailed
├── PeerUnreachable   surely not delivered: nothing happened
│   └── PeerBusy      not taken: too much is under way
└── PeerLost          delivered or not, carried out or not: unknown
PeerRefused           delivered, and the other node's handler said no
"""

from __future__ import annotations

from collections.abc import Mapping

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.hello import Refusal

__all__ = ["PeerBusy", "PeerFailed", "PeerLost", "PeerRefused", "PeerUnreachable"]


class PeerFailed(Exception):
    """A call got no answer; the subclass says whether it can have been carried out."""


class PeerUnreachable(PeerFailed):
    """The call was surely not delivered, so it may be sent anywhere again.

    Args:
        detail: why, for a person.
        refusal: what the other node said if it refused the connection (or this node refused it); None otherwise.
    """

    def __init__(self, detail: str, refusal: Refusal | None = None) -> None:
        super().__init__(detail)
        self.refusal = refusal


class PeerBusy(PeerUnreachable):
    """The call was not taken: as many as may be are under way, here or there. Nothing happened."""


class PeerLost(PeerFailed):
    """No answer came, and whether the call was carried out is unknown."""


class PeerRefused(Exception):
    """The other node's handler answered with an error.

    Args:
        code: of spec/errors.yaml, or of a newer release of it.
        detail: a sentence for a person.
        fields: what the error carries beside it.
    """

    def __init__(self, code: str, detail: str, fields: Mapping[str, object]) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.fields = dict(fields)

    def as_error(self) -> ThemisServerError | None:
        """Return it as the error that the handler raised; None if this release does not know the code."""
        try:
            code = ErrorCode(self.code)
        except ValueError:
            return None
        return ThemisServerError(code, self.detail, **self.fields)
