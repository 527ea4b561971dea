"""The ``veracity`` command without its start: calls go to a process that has everything loaded, and forks.

What a test runs is still a process of its own for each call, with its own arguments, streams,
directory and environment; only the second of imports is not paid again and again. For tests in
which starting is not the point: those that are about the process itself start a real one.
"""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

SERVER = Path(__file__).parent / "warm_server.py"
#: Commands that run until they are told to end, and what asks on a terminal, are always real processes.
REAL = ("up", "serve", "witness", "monitor", "gateway", "demo")
SHIM = """\
#!{python} -ISE
import os, signal, socket, sys
if sys.argv[1:2] and sys.argv[1] in {real} or any(os.isatty(n) for n in (0, 1, 2)):
    os.execv({python!r}, [{python!r}, "-m", "veracity", *sys.argv[1:]])
import json
umask = os.umask(0)
os.umask(umask)
call = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "umask": umask}}
server = socket.socket(socket.AF_UNIX)
server.connect({socket!r})
for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(told, lambda number, _frame: server.sendall(bytes([number])))
here = os.open(".", os.O_RDONLY)
line = json.dumps(call).encode() + b"\\n"
n = socket.send_fds(server, [line], [0, 1, 2, here])
server.sendall(line[n:])
code = int(server.recv(16))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@cache
def warm_command() -> Path:
    """Return the command, a file named ``veracity`` in a folder of its own, for all tests of this process."""
    if not hasattr(os, "pidfd_open"):
        return Path(sys.executable).with_name("veracity")
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        started = subprocess.Popen(
            [sys.executable, str(SERVER), str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        assert started.stdin is not None
        started.stdin.close()
        started.wait()
        shutil.rmtree(folder)

    atexit.register(end)
    command = folder / "veracity"
    command.write_text(SHIM.format(python=sys.executable, real=REAL, socket=str(folder / "socket")), "utf-8")
    command.chmod(0o755)
    return command
