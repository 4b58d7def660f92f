#!/usr/bin/env python3
"""The unit under a real systemd: a container boots from this machine's own files, with thox installed over them,
and story.sh runs in it. Rows 9, 10, 11.

usage: boot.py BUILD-DIR

Needs root, systemd-nspawn and overlayfs; without them it is skipped.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BOOT_S = 150
STORY_UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /story/story.sh
ExecStopPost=/bin/systemctl --no-block poweroff
"""
# Everything the machine would start is no business of this container.
TARGET = """[Unit]
Requires=basic.target
Wants=thox.service story.service
After=basic.target
AllowIsolate=yes
"""
WATCHDOG = "[Service]\nWatchdogSec=2\n"


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def install(build, root):
    """thox as its packager would, and what starts the story."""
    subprocess.run(["meson", "install", "--no-rebuild", "-C", build], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, DESTDIR=str(root)))
    units = root / "etc/systemd/system"
    (units / "thox.service.d").mkdir(parents=True)
    (units / "thox.service.d/watchdog.conf").write_text(WATCHDOG, encoding="ascii")
    (units / "story.service").write_text(STORY_UNIT, encoding="ascii")
    (units / "story.target").write_text(TARGET, encoding="ascii")


def boot(directory):
    """In a mount namespace of its own, so that nothing stays mounted. What the container said."""
    mount = f"lowerdir=/,upperdir={directory}/upper,workdir={directory}/work"
    container = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--boot",
                 f"--directory={directory}/root", f"--bind={directory}/out:/out", f"--bind-ro={HERE}:/story",
                 "systemd.unit=story.target"]
    script = f'mount -t overlay overlay -o {mount} {directory}/root && exec "$@"'
    # Its own filter stands before that of the unit, and knows no landlock.
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", *container], timeout=BOOT_S, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, SYSTEMD_SECCOMP="0"))
    return done.stdout.decode(errors="replace")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    if os.geteuid() != 0:
        skip("only root boots a container")
    if not shutil.which("systemd-nspawn"):
        skip("there is no systemd-nspawn (package systemd-container)")

    with tempfile.TemporaryDirectory(prefix="thox.", dir="/var/tmp") as name:
        directory = pathlib.Path(name)
        for part in ("upper", "work", "root", "out"):
            (directory / part).mkdir()
        install(build, directory / "upper")
        said = boot(directory)
        tap = directory / "out/tap"
        if not tap.exists():
            skip("the container does not boot: " + " ".join(said.split())[-300:])
        print(tap.read_text(encoding="utf-8", errors="replace"), end="")
        print((directory / "out/err").read_text(encoding="utf-8", errors="replace"), file=sys.stderr)


if __name__ == "__main__":
    main()
