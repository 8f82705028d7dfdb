"""nginx and HAProxy from Debian in front of a web server, each on a free port of its own."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from huleedu.machine.programs import dying_with_us
from tests.installation import free_port, wait_until

NGINX = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_max_body_size 100m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  server {{
    listen 127.0.0.1:{port}{listening};
    {server}
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      {location}
    }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 60s
frontend front
  bind 127.0.0.1:{port}
  default_backend web
backend web
  server one 127.0.0.1:{upstream}
"""


def listens(port: int) -> bool:
    """True when somebody takes connections on ``port``."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def served(command: list[str], port: int) -> Iterator[int]:
    """``command`` while it runs, once it listens on ``port``."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is missing")
    # nginx writes over its environment, where the tests' guard would look.
    command = dying_with_us(command, signal.SIGTERM)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), 20, f"{command[0]} listens")
        yield port
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def nginx(
    folder: Path, upstream: int, location: str = "", server: str = "", listening: str = ""
) -> Iterator[int]:
    """The port of an nginx before the server on port ``upstream``, with more lines of configuration."""
    port = free_port()
    text = NGINX.format(
        user="" if os.getuid() else "user root;",
        folder=folder,
        port=port,
        upstream=upstream,
        location=location,
        server=server,
        listening=listening,
    )
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with served(command, port):
        yield port


def certificate(folder: Path) -> str:
    """nginx's lines for a certificate of its own making."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *subject],
        check=True,
        capture_output=True,
    )
    return f"ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"


@contextmanager
def haproxy(folder: Path, upstream: int) -> Iterator[int]:
    """The port of a HAProxy before the server on port ``upstream``."""
    port = free_port()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, upstream=upstream))
    with served(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], port):
        yield port
