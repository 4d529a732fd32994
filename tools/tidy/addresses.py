"""The tree names neither a package registry's host nor a path of somebody's machine.

Where packages come from is configured on each machine; a lock says what they contain. Cargo alone insists: without the
exact `source` line below `cargo build --locked` refuses a Cargo.lock as out of date (tried with the line left out, and
with a shorter one), so that line is allowed in Cargo.lock, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.tidy.fault import Fault, Tree

# In pieces, so that this file does not name what it looks for.
_HOSTS = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry", "npmjs"),
    ("registry", "yarnpkg"),
    ("crates", "io-index"),
    ("index", "crates", "io"),
    ("static", "crates", "io"),
    ("repo", "maven"),
    ("repo1", "maven"),
    ("maven", "apache", "org/maven2"),
    ("proxy", "golang"),
    ("sum", "golang"),
    ("deb", "debian", "org"),
    ("archive", "ubuntu", "com"),
)
_HOST = re.compile("|".join(re.escape(".".join(parts)) for parts in _HOSTS), re.IGNORECASE)
_MACHINE_PATH = re.compile(r"(?<![\w.~])(?:/(?:root|work/main|work/shared|home/\w+|Users/\w+)/|[A-Z]:\\+Users\b)")
_CARGO_SOURCE = 'source = "registry+https://github.com/rust-lang/' + "crates" + '.io-index"'
_ANY_ADDRESS = re.compile(r"\w+://")
# In npm's lock: where a package's authors ask for money, which is not where the package comes from.
_NPM_FUNDING = re.compile(r'^\s+"(?:url|funding)": "')


def check(tree: Tree) -> Iterator[Fault]:
    """Find registry hosts, download addresses in locks, and absolute paths of a developer's machine."""
    for name, text in tree.texts():
        is_cargo_lock = name.endswith("Cargo.lock")
        is_npm_lock = name.endswith("package-lock.json")
        is_lock = is_npm_lock or name.endswith((".lock", "go.sum"))
        for number, line in enumerate(text.splitlines(), start=1):
            if is_cargo_lock and line == _CARGO_SOURCE:
                continue
            if _HOST.search(line):
                yield Fault(name, number, "names a package registry's host; leave that to the machine's configuration")
            elif is_lock and _ANY_ADDRESS.search(line) and not (is_npm_lock and _NPM_FUNDING.match(line)):
                yield Fault(name, number, "a lock with a download address; keep the hash only")
            if _MACHINE_PATH.search(line):
                yield Fault(name, number, "an absolute path of one machine")
