"""TLS as a user asks for it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from themis.errors import ConfigurationError

__all__ = ["TlsOptions"]


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How to verify the server, and who we are.

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's.
        cert_file: PEM file of the client's own certificate chain, for mutual TLS.
        key_file: PEM file of its key, when not in `cert_file`.
        key_password: What decrypts the key.
        verify: False switches verification off: anyone may then pose as the server. For experiments.
    """

    ca_file: str | Path | None = None
    cert_file: str | Path | None = None
    key_file: str | Path | None = None
    key_password: str | None = field(default=None, repr=False)
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """The ssl.SSLContext of these options; raises ConfigurationError when a file is missing or wrong."""
        try:
            return self._context()
        except (OSError, ValueError) as error:
            # Python says of a missing certificate only that "a file" does not exist.
            named = ", ".join(str(path) for path in (self.ca_file, self.cert_file, self.key_file) if path)
            raise ConfigurationError(f"the TLS files cannot be used ({named or 'the system'}): {error}") from error

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(
                str(self.cert_file), str(self.key_file) if self.key_file else None, self.key_password
            )
        return context
