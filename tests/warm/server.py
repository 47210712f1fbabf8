"""Imports the large libraries, then forks a process for each command: `server.py FOLDER PID`.

It ends when the process PID does. A client that ends early takes its process with it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import marshal
import os
import runpy
import selectors
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

LIBRARIES = (
    *("pandas", "pyarrow.dataset", "pyarrow.parquet", "pyarrow_hotfix", "scipy.stats", "duckdb"),
    *("ibis.backends.duckdb", "sqlglot", "sklearn.linear_model", "sklearn.metrics", "sklearn.tree"),
    *("xgboost", "hyperopt", "feast", "jinja2.ext", "pydantic.dataclasses", "psutil", "typer"),
    *("matplotlib.figure", "matplotlib.style", "matplotlib.backends.backend_agg"),
    *("matplotlib.backends.backend_svg", "PIL.BmpImagePlugin", "PIL.GifImagePlugin"),
    *("PIL.JpegImagePlugin", "PIL.PngImagePlugin", "PIL.PpmImagePlugin"),
    *("great_expectations", "great_expectations.render.view", "evidently.presets"),
    *("evidently.presets.classification", "evidently.presets.regression", "plotly.offline"),
    *("narwhals._pandas_like.dataframe", "narwhals._pandas_like.namespace", "plotly.tools"),
    *("mlflow", "mlflow.store.tracking.sqlalchemy_store", "configobj", "platformdirs.unix"),
    *("dvc.cli.parser", "dvc.repo.brancher", "dvc.repo.checkout", "dvc.repo.graph"),
    *("dvc.lock", "dvc.repo.artifacts", "dvc.repo.datasets", "dvc.repo.index", "dvc.repo.plots"),
    *("dvc.repo.push", "dvc.repo.reproduce", "dvc.repo.trie", "dvc.repo.worktree", "dvc.cachemgr"),
    *("dulwich.ignore", "dulwich.worktree"),
    *("dvc.data_cloud", "dvc.stage.run", "dvc.utils.strictyaml", "dvc._debug", "dvc.analytics"),
    *("dvc_data.hashfile.db.local", "dvc_data.hashfile.status", "dvc_data.index.checkout"),
    *("dvc_data.index.collect", "dvc_data.index.fetch", "dvc_data.index.push", "scmrepo.git"),
    *("fsspec.implementations.memory", "flufl.lock", "zc.lockfile", "s3fs", "sshfs"),
)
BASE = list(sys.path)
sys.path.insert(0, str(Path(__file__).parent))
import parsed  # noqa: E402 (in isolation, no folder but its own has them)
from project import Imported  # noqa: E402

sys.path.pop(0)


def load(folder: Path) -> Imported:
    """Import the libraries, and what of this project its clones may share; what they parse is kept in `folder`."""
    sys.modules["rfc3987_syntax"] = (
        None  # a grammar of addresses that nothing uses: a second of parsing
    )
    for name in LIBRARIES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    draw()
    parsed.keep_yaml(folder / "yaml")
    del sys.modules["rfc3987_syntax"]
    own = Imported()
    if own.files:
        parsed.keep_imports(folder / "imports")
    assert threading.active_count() == 1, "a fork would lose a thread"
    gc.collect()
    gc.freeze()
    return own


def draw() -> None:
    """A picture by each library for them: fonts, a parser and many small modules wait for the first."""
    from matplotlib import figure as matplotlib
    from plotly import subplots

    for ending in ("png", "svg"):
        figure = matplotlib.Figure(layout="constrained")
        figure.subplots().set(title="a", xlabel="$x$", ylabel="b", yscale="log", ylim=(1, 100))
        figure.savefig(io.BytesIO(), format=ending)
    page = subplots.make_subplots(cols=2, subplot_titles=["a", "b"])
    page.update_layout(title={"text": "a"}, template="plotly").update_xaxes(title={"text": "a"})
    page.to_json()


class Server:
    """Clients and the processes forked for them, by the descriptors that tell of their end."""

    def __init__(self, folder: Path, session: int, own: Imported) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / "socket"))
        self.listener.listen(64)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.selector.register(os.pidfd_open(session), selectors.EVENT_READ, self.end)
        self.folder, self.own = folder, own

    def serve(self) -> None:
        while True:
            for key, _ in self.selector.select():
                if key.fd in self.selector.get_map():
                    key.data()

    def end(self) -> None:
        """The session is over."""
        shutil.rmtree(self.folder)
        os._exit(0)

    def accept(self) -> None:
        client, _ = self.listener.accept()
        head, streams, *_ = socket.recv_fds(client, 4, 3)
        body = b""
        while len(body) < int.from_bytes(head, "big"):
            body += client.recv(1 << 16)
        caller, *_ = struct.unpack(
            "3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        )
        child = os.fork()
        if not child:
            self.forget(client)
            run(marshal.loads(body), streams, caller, self.own)
        for stream in streams:
            os.close(stream)
        ended = os.pidfd_open(child)
        self.selector.register(client, selectors.EVENT_READ, lambda: self.gone(child))
        self.selector.register(ended, selectors.EVENT_READ, lambda: self.done(child, ended, client))

    def forget(self, client: socket.socket) -> None:
        """In the child: no other client's end may depend on it."""
        for key in list(self.selector.get_map().values()):
            key.fileobj.close() if isinstance(key.fileobj, socket.socket) else os.close(key.fd)
        self.selector.close()
        client.close()

    def gone(self, child: int) -> None:
        """The client ended first: so does its process."""
        os.kill(child, signal.SIGKILL)

    def done(self, child: int, ended: int, client: socket.socket) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.selector.unregister(ended)
        os.close(ended)
        self.selector.unregister(client)
        with suppress(OSError):  # it is gone
            client.send(code.to_bytes(4, "big", signed=True))
        client.close()


def run(request: tuple[Any, ...], streams: list[int], caller: int, own: Imported) -> None:
    """Become the command, and end as it ends."""
    words, folder, environment, mask, python = request
    safe, words = words[0] == "-P", [w for w in words[:1] if w != "-P"] + words[1:]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # TMPDIR is the command's
    time.tzset()
    os.umask(mask)
    os.chdir(folder)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    more = [p for p in environment.get("PYTHONPATH", "").split(":") if p]
    first = [] if safe else [folder if words[0] == "-m" else ""]
    sys.path[:] = [*first, *more, *BASE]
    sys.orig_argv, sys.argv, sys.executable = [python, *words], [words[0], *words[2:]], python
    importlib.invalidate_caches()
    own.hand(sys.path, words[1] if words[0] == "-m" else "")
    if "HOOK_FORKS" in environment:
        sys.modules.pop("sitecustomize", None)
        with suppress(ModuleNotFoundError):  # as Python: the path may be another than the caller's
            importlib.import_module("sitecustomize")
    if "PLAIN_PICTURES" in environment:
        plain_pictures()
    beneath(caller)
    code = 1
    try:
        code = executed(*words[:2])
    except BaseException:  # noqa: BLE001 (the command's own: shown as Python shows it)
        traceback.print_exc()
    finally:
        leave(code)


def plain_pictures() -> None:
    """Pictures are composed as ever, and what is saved is a frame: drawing takes half of a small evaluation."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    for canvas, name in ((FigureCanvasAgg, "print_png"), (FigureCanvasSVG, "print_svg")):
        setattr(canvas, name, framed(getattr(canvas, name), canvas(figure)))


def framed(save: Callable[..., None], frame: Any) -> Callable[..., None]:
    """The method `save` of a canvas, which saves `frame`, but where matplotlib only looks for a renderer."""

    @wraps(save)
    def saved(canvas: Any, file: Any, **given: Any) -> None:
        save(canvas if "draw" in vars(canvas.figure) else frame, file, **given)

    return saved


def beneath(caller: int) -> None:
    """Who looks for the processes above sees those of the client."""
    import psutil

    parents, own = psutil.Process.parents, os.getpid()
    psutil.Process.parents = lambda self: parents(
        psutil.Process(caller) if self.pid == own else self
    )


def executed(option: str, text: str) -> int:
    """The exit code of `-m text` or `-c text`."""
    try:
        if option == "-m":
            runpy.run_module(text, run_name="__main__", alter_sys=True)
        else:
            exec(compile(text, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 (that is -c)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return (ended.code or 0) & 255
        print(ended.code, file=sys.stderr)  # noqa: T201 (as Python does)
        return 1
    return 0


def leave(code: int) -> None:
    """End as an interpreter does: threads, what was registered, buffers."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    server = Server(Path(sys.argv[1]), int(sys.argv[2]), load(Path(sys.argv[1])))
    if child := os.fork():
        Path(sys.argv[1], "pid").write_text(str(child))
        os._exit(0)  # whoever started this need not wait for its end
    os.setsid()
    server.serve()
