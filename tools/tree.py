"""Where things are in this tree: the one place that names its directories."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CACHE = ROOT / ".cache"
LOGS = CACHE / "log"
REQUIREMENTS = ROOT / "requirements"
RAFT = ROOT / "server" / "raft"
SERVER = ROOT / "server"
CLIENT = ROOT / "clients" / "python"
JAVASCRIPT = ROOT / "clients" / "javascript"
JAVA = ROOT / "clients" / "java"
CONFORMANCE = ROOT / "conformance"
REPORTS = CACHE / "test"


def tracked_files(root: Path = ROOT) -> list[Path]:
    """Name every file that belongs to the tree: tracked by git, or new and not ignored.

    Args:
        root: The top directory of a git work tree.

    Returns:
        Absolute paths of regular files, sorted; symbolic links and files deleted but not yet committed are left out.

    Raises:
        subprocess.CalledProcessError: `root` is not in a git work tree.
    """
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (root / name for name in set(listing.stdout.split("\0")) if name)
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())
