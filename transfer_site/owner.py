"""As whom PostgreSQL runs when the site is started by root, and folders that only its owner may enter."""

import os
import pwd
import shutil
import stat
from pathlib import Path

from transfer_site.processes import Refusal

CAP_DAC_OVERRIDE = 1  # its bit in CapBnd, capabilities(7)


def owner_of(data: Path) -> pwd.struct_passwd | None:
    """As root: whom PostgreSQL, which refuses root, runs as - the owner of the data, at first `nobody`. Else None."""
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


def as_owner(owner: pwd.struct_passwd | None) -> list[str]:
    """The words before a command that make it run as `owner`; none for an ordinary user.

    The capability lets the server walk through parents it may not see (/root is 0700), so that nothing outside the
    folder has to be opened for it. A change of user forgets the death signal, therefore setpriv sets it again.
    """
    if owner is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Refusal(
            "PostgreSQL does not run as root, and setpriv, which starts it as another user, is missing. Install"
            " util-linux, start as an ordinary user, or set DATABASE_URL."
        )
    words = [
        setpriv,
        f"--reuid={owner.pw_uid}",
        f"--regid={owner.pw_gid}",
        "--clear-groups",
        "--pdeathsig=INT",
    ]
    if may_pass_on(CAP_DAC_OVERRIDE):
        words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return words


def may_pass_on(capability: int) -> bool:
    """Whether the bounding set holds the capability; a container may have taken it away."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> capability & 1)
    return False


def private_folder(folder: Path, owner: pwd.struct_passwd | None) -> None:
    """A folder that nobody but its owner may enter. In the shared temporary folder somebody else's is refused."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(
            f"{folder} cannot be made ({error.strerror}). Make its parent writable, or set DATA_DIR."
        ) from error
    found = folder.lstat()
    allowed = {os.geteuid(), owner.pw_uid if owner else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise Refusal(f"{folder} belongs to somebody else. Remove it, or name another folder with DATA_DIR.")
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    folder.chmod(0o700)
