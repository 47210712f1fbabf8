# Stands in for `python` and `dvc`: hands its arguments, folder, environment and streams to the server, and
# ends as the process that the server forks ends. It imports next to nothing, as it starts each time.
import _socket
import marshal
import os
import sys

FOLDER, NAME = os.path.split(os.path.realpath(sys.argv[0]))
SOCKET = FOLDER + "/socket"
COLD = ("PYTHONHASHSEED", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "OMP_NUM", "LD_", "LC_ALL", "COV_")


def cold() -> bool:
    """Whether the environment asks for what only a new Python can be."""
    folders = [] if os.environ.get("HOOK_FORKS") else os.environ.get("PYTHONPATH", "").split(":")
    return any(name.startswith(COLD) for name, value in os.environ.items() if value) or any(
        os.path.exists(os.path.join(folder, "sitecustomize.py")) for folder in folders if folder
    )


def fork(words: list) -> int:
    """The exit code of the process that the server forks; -n where signal n ended it."""
    mask = os.umask(0o077)
    os.umask(mask)
    request = marshal.dumps((words, os.getcwd(), dict(os.environ), mask, FOLDER + "/python"))
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.connect(SOCKET)
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)]
    server.sendmsg([len(request).to_bytes(4, "big")], rights)
    server.sendall(request)
    reply = server.recv(4)
    return int.from_bytes(reply, "big", signed=True) if reply else 1


def main() -> None:
    words = [*(["-m", "dvc"] if NAME == "dvc" else []), *sys.argv[1:]]
    option = words[1:2] if words[:1] == ["-P"] else words[:1]
    if option not in (["-m"], ["-c"]) or len(words) < 2 or cold() or not os.path.exists(SOCKET):
        python = os.readlink(FOLDER + "/cold")
        os.execv(python, [python, *words])
    code = fork(words)
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
