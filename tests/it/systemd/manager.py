"""Opens the sockets of a daemon, hands them over, and keeps them while it restarts the daemon.

usage: manager.py NAME=ADDRESS:PORT... -- COMMAND...
SIGUSR1 restarts, SIGTERM ends. It does what systemd does for a service with socket units.
"""

import os
import signal
import socket
import sys

split = sys.argv.index("--")
listeners = dict(word.split("=", 1) for word in sys.argv[1:split])
command = sys.argv[split + 1 :]

sockets = []
for address in listeners.values():
    host, port = address.rsplit(":", 1)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(1024)
    sockets.append(listener)


def start():
    child = os.fork()
    if child:
        return child
    # Away from the numbers that they are to have.
    away = [os.dup(listener.fileno()) for listener in sockets]
    away = [os.dup2(fd, 100 + at) for at, fd in enumerate(away)]
    for at, fd in enumerate(away):
        os.dup2(fd, 3 + at)
    os.closerange(3 + len(away), 200)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    handed = {
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDS": str(len(away)),
        "LISTEN_FDNAMES": ":".join(listeners),
    }
    # It must not outlive this process, however that ends.
    ends_with_us = ["setpriv", "--pdeathsig", "KILL", "--"]
    os.execvpe(ends_with_us[0], ends_with_us + command, os.environ | handed)


def stop(child):
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)


SIGNALS = [signal.SIGUSR1, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
child = start()
while signal.sigwait(SIGNALS) == signal.SIGUSR1:
    stop(child)
    child = start()
stop(child)
