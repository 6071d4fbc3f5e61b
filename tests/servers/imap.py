"""A real IMAP server (Debian's Dovecot): a temporary folder, free ports, the password `right` for
whomever, and with the address of a token server OAuth 2.0's tokens too."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from imaplib import IMAP4
from pathlib import Path

from tests.servers.endpoint import free_port, is_free

SETTINGS = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login{mechanisms}
mail_location = maildir:{folder}/mail/%u
default_internal_user = {inside}
default_internal_group = {inside_group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
{passwords}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
LOGIN = """
passdb {
  driver = static
  args = password=right
}
"""
OAUTH = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
"""
# doc.dovecot.org/2.3/configuration_manual/authentication/oauth2
INTROSPECTION = """
introspection_url = {url}
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
"""


class Missing(Exception):
    """Dovecot cannot be run here; the message says why."""


@dataclass(frozen=True)
class Server:
    """Listens at `plain` with STARTTLS and at `tls`."""

    folder: Path
    plain: int
    tls: int

    @property
    def certificate(self) -> Path:
        return self.folder / "cert.pem"

    def log(self) -> str:
        return (self.folder / "log").read_text()

    @contextmanager
    def box(self, user: str = "care") -> Iterator[IMAP4]:
        """The user's mailbox, as another program has it."""
        with IMAP4("127.0.0.1", self.plain) as box:
            box.login(user, "right")
            yield box

    def put(self, *mails: bytes, user: str = "care", folder: str = "INBOX") -> None:
        """Mails arrive."""
        with self.box(user) as box:
            for mail in mails:
                box.append(folder, "", None, mail)  # type: ignore[arg-type]


@contextmanager
def running(introspection: str = "") -> Iterator[Server]:
    """A server as long as the block lasts. Raises `Missing`."""
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    if not Path(program).exists() or not Path("/usr/lib/dovecot/imap").exists():
        raise Missing("Dovecot is not installed: run `.ci/system-packages dovecot-imapd`")
    folder = Path(tempfile.mkdtemp(prefix="warmline-imap-"))  # short: a socket's path has 107 bytes
    server = Server(folder, free_port(), free_port())
    try:
        _settings(server, introspection)
        process = subprocess.Popen([program, "-F", "-c", folder / "dovecot.conf"])
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(server: Server, introspection: str) -> None:
    folder, root = server.folder, os.geteuid() == 0
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "mail").mkdir()
    uid, gid, me = os.getuid(), os.getgid(), getpass.getuser()
    if root:  # mail is never root's
        uid, gid = 65534, 65534
        os.chown(folder / "mail", uid, gid)
        folder.chmod(0o755)
    passwords = (OAUTH.format(folder=folder) if introspection else "") + LOGIN
    (folder / "oauth2.conf").write_text(INTROSPECTION.format(url=introspection))
    text = SETTINGS.format(
        folder=folder, uid=uid, gid=gid, plain=server.plain, tls=server.tls, passwords=passwords,
        mechanisms=" xoauth2" if introspection else "", inside="dovecot" if root else me,
        inside_group="dovecot" if root else _group(gid), login="dovenull" if root else me,
    )  # fmt: skip
    (folder / "dovecot.conf").write_text(text)


def _group(gid: int) -> str:
    import grp

    return grp.getgrgid(gid).gr_name


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while is_free(server.plain) or is_free(server.tls):
        assert process.poll() is None, server.log()
        assert time.monotonic() < until, server.log()
        time.sleep(0.02)
