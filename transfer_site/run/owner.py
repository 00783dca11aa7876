"""The user that PostgreSQL runs as when root starts the site, and folders that only their owner may enter."""

import os
import pwd
import shutil
import stat
from pathlib import Path

from transfer_site.run.processes import Refusal

# Bit numbers in CapBnd; see capabilities(7). By default Docker gives both capabilities to root in a container.
CAP_SETPCAP, CAP_DAC_OVERRIDE = 8, 1


def owner_of(data: Path) -> pwd.struct_passwd | None:
    """Return the user to run PostgreSQL as, or None if this process is not run by root. PostgreSQL never runs as root.

    The user is the owner of `data`, or `nobody` if there is no data yet or root owns it. Raises Refusal if that user
    does not exist.
    """
    if os.geteuid() != 0:
        return None
    try:
        if data.exists() and data.stat().st_uid != 0:
            return pwd.getpwuid(data.stat().st_uid)
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise Refusal(
            "PostgreSQL does not run as root, and there is no user to run it as. Start as an ordinary user, or set"
            " DATABASE_URL."
        ) from error


def as_owner(owner: pwd.struct_passwd | None, *needed: Path) -> list[str]:
    """Return the command prefix that runs a program as `owner`, who must be able to reach the `needed` paths.

    It is empty if `owner` is None. Raises Refusal if the owner cannot reach the paths and cannot be given the
    capability to do so.
    """
    if owner is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Refusal(
            "PostgreSQL does not run as root, and setpriv, which starts it as another user, is missing. Install"
            " util-linux, start as an ordinary user, or set DATABASE_URL."
        )
    # A change of user clears the parent-death signal, so setpriv sets it again.
    words = [
        setpriv,
        f"--reuid={owner.pw_uid}",
        f"--regid={owner.pw_gid}",
        "--clear-groups",
        "--pdeathsig=INT",
    ]
    if may_pass_on(CAP_DAC_OVERRIDE, CAP_SETPCAP):
        return words + THROUGH_CLOSED_FOLDERS
    for path in needed:
        refuse_closed(path, owner)
    return words


# The checkout may be in a folder that only root may enter (/root is 0700), and nothing outside the checkout may be
# changed. The capability lets the server open files in such a folder. PostgreSQL's programs also call access(2) on
# themselves, which ignores the capabilities of users other than root unless no_setuid_fixup is set (Linux, fs/open.c).
THROUGH_CLOSED_FOLDERS = [
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
]


def may_pass_on(*capabilities: int) -> bool:
    """Return whether the bounding set contains all these capabilities; a container may have dropped them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return all(int(line.split()[1], 16) >> capability & 1 for capability in capabilities)
    return False


def refuse_closed(path: Path, owner: pwd.struct_passwd) -> None:
    """Raise Refusal if a parent folder of `path` cannot be entered by the owner."""
    for folder in reversed(path.resolve().parents):
        found = folder.stat() if folder.exists() else None
        if found and not (found.st_mode & stat.S_IXOTH or found.st_uid == owner.pw_uid):
            raise Refusal(
                f"PostgreSQL runs as {owner.pw_name} here, not as root, and may not enter {folder}; this container has"
                " dropped the capabilities (DAC_OVERRIDE, SETPCAP) that would let it. Move the checkout to a folder"
                " that every user may enter, start as an ordinary user, or set DATABASE_URL."
            )


def private_folder(folder: Path, owner: pwd.struct_passwd | None) -> None:
    """Create a folder that only its owner may enter. Raises Refusal if it exists and belongs to another user."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(
            f"{folder} cannot be created ({error.strerror}). Make its parent writable, or set DATA_DIR."
        ) from error
    found = folder.lstat()
    allowed = {os.geteuid(), owner.pw_uid if owner else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise Refusal(f"{folder} belongs to another user. Remove it, or name another folder with DATA_DIR.")
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    folder.chmod(0o700)
