"""Remotes as a user has them, on loopback: a folder, S3 by moto's server, SSH by a real sshd."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SSHD = "/usr/sbin/sshd"
KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "wallaby"}


@dataclass(frozen=True)
class Remote:
    """A remote of one of the kinds of docs/remotes.md, and the test's own way to the bytes there.

    `words`: what stands in place of the page's addresses; `env`: what the user's shell has set.
    """

    heading: str
    words: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    client: Any = None

    def read(self, oid: str) -> bytes:
        """An object's bytes."""
        if self.folder:
            return self._file(oid).read_bytes()
        return self.client.get_object(Bucket="bucket", Key=self._key(oid))["Body"].read()

    def write(self, oid: str, data: bytes) -> None:
        """Put other bytes in its place, as a failing disk or a stranger does."""
        if self.folder:
            self._file(oid).chmod(0o644)
            self._file(oid).write_bytes(data)
        else:
            self.client.put_object(Bucket="bucket", Key=self._key(oid), Body=data)

    def remove(self, oid: str) -> None:
        """Take it away; a DVC that hashes what it fetches may have done so already."""
        if self.folder:
            self._file(oid).unlink(missing_ok=True)
        else:
            self.client.delete_object(Bucket="bucket", Key=self._key(oid))

    def _file(self, oid: str) -> Path:
        return Path(str(self.folder), "files", "md5", oid[:2], oid[2:])

    def _key(self, oid: str) -> str:
        return f"store/files/md5/{oid[:2]}/{oid[2:]}"


@contextmanager
def folder(path: Path) -> Iterator[Remote]:
    """A folder beside the project, such as a mounted disk."""
    words = {"/mnt/team/store": str(path / "disk")}
    yield Remote("A folder", words, folder=path / "disk")


@contextmanager
def s3(path: Path) -> Iterator[Remote]:
    """A bucket on a server of this process; its keys come by the environment, as a user's do."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        env = {**KEYS, "AWS_DEFAULT_REGION": "us-east-1"}
        address = f"http://{host}:{port}"
        keys = {name.lower(): value for name, value in KEYS.items()}
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)
        client.create_bucket(Bucket="bucket")
        yield Remote("S3", {"https://s3.example.com": address}, env, client=client)
        client.close()
    finally:
        server.stop()


@dataclass(frozen=True)
class SshServer:
    """An sshd on loopback; `folder` has the private key `user`, and `host.pub`."""

    folder: Path
    port: int

    @property
    def known_hosts(self) -> str:
        """Its line of known_hosts."""
        kind, key = (self.folder / "host.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {key}"


@contextmanager
def sshd(command: str | None = None) -> Iterator[SshServer]:
    """An sshd with its own keys, for this user only; the test is skipped where none is installed.

    `command`: all that the key may do.
    """
    if not Path(SSHD).exists():
        pytest.skip(f"{SSHD} is not installed; apt-get install openssh-server")
    with tempfile.TemporaryDirectory(prefix="ssh-") as name:  # short, and its rights are right
        one = SshServer(Path(name), _free_port())
        server = _sshd(one.folder, one.port, command)
        try:
            _wait(one.port, server)
            yield one
        finally:
            server.terminate()
            server.wait(60)


@contextmanager
def ssh(path: Path) -> Iterator[Remote]:
    """A folder by sftp."""
    with sshd() as server:
        words = {"ssh://you@host/srv/store": f"ssh://{getpass.getuser()}@127.0.0.1{path}/disk"}
        words |= {
            "~/.ssh/id_ed25519": str(server.folder / "user"),
            "port=22": f"port={server.port}",
        }
        yield Remote("SSH", words, folder=path / "disk")


KINDS = {"folder": folder, "s3": s3, "ssh": ssh}


def _sshd(folder: Path, port: int, command: str | None) -> subprocess.Popen[bytes]:
    for key in ("host", "user"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
        subprocess.run(words, check=True)
    restriction = f'restrict,command="{command}" ' if command else ""
    (folder / "authorized").write_text(restriction + (folder / "user.pub").read_text())
    lines = (
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {folder}/host", "UsePAM no",
        f"AuthorizedKeysFile {folder}/authorized", "PasswordAuthentication no", "StrictModes no",
        "PidFile none", "PermitRootLogin prohibit-password", "Subsystem sftp internal-sftp",
        "MaxStartups 100", "MaxSessions 100",
    )  # fmt: skip
    (folder / "config").write_text("\n".join(lines) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it leaves its rights
    words = [SSHD, "-D", "-E", str(folder / "log"), "-f", str(folder / "config")]
    return subprocess.Popen(words, start_new_session=True)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, "sshd ended"
        time.sleep(0.1)
    raise AssertionError("sshd does not listen")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
