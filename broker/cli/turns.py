"""The web worker: gunicorn's parent minds it, but inside, threads take turns, and hardly ever pass one on.

Whoever has the turn waits for all connections at once, gathers whole requests, and answers them itself, one after the other: no hand-over,
no lock and no second thread in the way of a request that only computes. The worker's main thread watches. If a request is still being
answered after PATIENCE, it waits for something, an upstream or the database, and the turn goes to another thread. So `threads` requests
may wait at the same time, and one thread runs as long as none does.
"""

from __future__ import annotations

import os
import select
import selectors
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

from gunicorn.sock import ssl_context
from gunicorn.workers.base import Worker

from broker.cli.answering import answer_of, environ_of
from broker.cli.connection import ANSWER_SECONDS, NEVER, Connection, Outbox

PATIENCE = 0.002
WATCHES_IN_VAIN = 50
SWEEP_SECONDS = 0.5
# At a stop: for a request that was on its way when the port closed.
LAST_WORDS_SECONDS = 1.0
# What all connections may have sent of requests that are not whole. Beyond it, who sends more is cut off.
MOST_HELD = 64 * 1024 * 1024


class Turn:
    """`since` is when the request at hand began (monotonic), or 0.0 between two."""

    __slots__ = ("since",)

    def __init__(self) -> None:
        self.since = 0.0


class TurnWorker(Worker):  # type: ignore[misc]
    """Only who has the turn touches the poller, the connections and what is ready; a thread that lost it hands its connection back."""

    def init_process(self) -> None:
        """In the new process, before the application is built."""
        self._poller = selectors.DefaultSelector()
        self._bell = os.pipe()
        for end in self._bell:
            os.set_blocking(end, False)
        self._tls = ssl_context(self.cfg) if self.cfg.is_ssl else None
        self._connections: set[Connection] = set()
        self._ready: deque[Connection] = deque()
        self._returned: deque[Connection] = deque()
        self._held = 0
        self._accepting = self._parked = self._over = False
        self._sweep_at = self._stop_at = 0.0
        self._turn = threading.Lock()
        self._switch = threading.Lock()
        self._current: Turn | None = None
        super().init_process()

    # --- the main thread: it watches ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until a signal ends it, and then until the last request is answered or [server] drain_seconds have passed."""
        self._poller.register(self._bell[0], selectors.EVENT_READ)
        self._accept(True)
        for _ in range(self.cfg.threads):
            threading.Thread(target=self._serve, daemon=True).start()
        heard, in_vain = 0.0, 0
        while self.alive:
            if time.monotonic() - heard >= 1.0:
                heard = time.monotonic()
                self.notify()
                if self.ppid != os.getppid():
                    self.log.info("Parent changed, shutting down: %s", self)
                    break
            in_vain = 0 if self._watch() else in_vain + 1
            self._rest(in_vain)
        self._stop()

    def _rest(self, in_vain: int) -> None:
        """A moment; long, until something happens, if nothing has for some time."""
        if in_vain < WATCHES_IN_VAIN:
            time.sleep(PATIENCE)
            return
        self._parked = True
        turn = self._current
        if turn is None or not turn.since:  # looked at after `_parked` is set: a request that began before has not seen it
            select.select([self.PIPE[0]], [], [], 1.0)
        self._parked = False
        with suppress(BlockingIOError):
            os.read(self.PIPE[0], 4096)

    def _watch(self) -> bool:
        """Take the turn from a thread that has been in one request for too long. False if no request is being answered."""
        turn = self._current
        if turn is None or not (since := turn.since):
            return False
        if time.monotonic() - since >= PATIENCE:
            with self._switch:
                if turn is self._current and turn.since == since:
                    self._current = None
                    self._turn.release()
        return True

    def _stop(self) -> None:
        self.alive = False
        for listener in self.sockets:
            listener.close()
        self._stop_at = time.monotonic()
        self._ring()
        while self._connections and time.monotonic() < self._stop_at + self.cfg.graceful_timeout:
            self.notify()
            self._watch()
            time.sleep(PATIENCE)
        self._over = True
        self._ring()

    def _ring(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._bell[1], b"\0")

    # --- the other threads: they take turns --------------------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            self._take_turns()
        except BaseException:  # the turn may have ended with it: the parent starts another worker
            self.log.exception("A thread ended")
            self.alive = False

    def _take_turns(self) -> None:
        while True:
            self._turn.acquire()
            turn = self._current = Turn()
            while turn is self._current:
                connection = self._next()
                if connection is not None:
                    self._take(turn, connection)
                elif self._over:
                    self._turn.release()
                    return

    def _take(self, turn: Turn, connection: Connection) -> None:
        """Answer one request under the turn's clock."""
        turn.since = time.monotonic()
        if self._parked:
            with suppress(BlockingIOError):
                os.write(self.PIPE[1], b"\0")
        self._answer(connection)
        with self._switch:
            turn.since = 0.0
            mine = turn is self._current
        if mine:
            self._after(connection)
        else:
            self._returned.append(connection)
            self._ring()

    def _answer(self, connection: Connection) -> None:
        request, keep = connection.request, False
        try:
            environ = environ_of(request, connection.peer, connection.server, connection.body)
            keep = self.alive and not request.should_close()
            octets = answer_of(self.wsgi, environ, keep)
        except Exception as error:
            octets, keep = self._failed(request, connection, error), False
        connection.answer(octets, keep)

    def _failed(self, request: Any, connection: Connection, error: Exception) -> bytes:
        outbox = Outbox()
        self.handle_error(request, outbox, connection.peer, error)
        return outbox.octets()

    # --- with the turn: connections ----------------------------------------------------------------------------------------------

    def _next(self) -> Connection | None:
        """A connection with a whole request; None if there is none yet."""
        while self._returned:
            self._after(self._returned.popleft())
        if not self._ready:
            now = time.monotonic()
            if now >= self._sweep_at:
                self._sweep(now)
            for key, _ in self._poller.select(SWEEP_SECONDS):
                self._event(key)
        return self._ready.popleft() if self._ready else None

    def _event(self, key: selectors.SelectorKey) -> None:
        connection = key.data
        if connection is None:
            if key.fileobj == self._bell[0]:
                with suppress(BlockingIOError):
                    os.read(self._bell[0], 4096)
            else:
                self._welcome(key.fileobj)
            return
        try:
            if not self._heard(connection):
                self._close(connection)
        except OSError:  # TLS errors are among them
            self._close(connection)

    def _welcome(self, listener: Any) -> None:
        try:
            sock, peer = listener.accept()
        except OSError:  # another worker was faster, the client has gone, or the port has just been closed
            return
        try:
            server = sock.getsockname()
            sock.setblocking(False)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            connection = Connection(sock, peer, server, time.monotonic())
            self._poller.register(sock, selectors.EVENT_READ, connection)
        except OSError:
            sock.close()
            return
        self._connections.add(connection)
        if len(self._connections) >= self.cfg.worker_connections:
            self._accept(False)

    def _heard(self, connection: Connection) -> bool:
        """A connection can be read, or written. False: it is to be closed. Raises OSError."""
        now = time.monotonic()
        if connection.busy:  # it says more before it is answered: that waits
            self._poller.unregister(connection.sock)
            connection.muted = True
            return True
        if connection.writing:
            connection.flush()
            return bool(connection.out) or self._done(connection, now)
        if connection.leaving:
            return connection.discard()
        if connection.shaking:
            return self._shake(connection)
        before = connection.held
        open_still = connection.receive(now)
        self._held += connection.held - before
        return open_still and self._held <= MOST_HELD and self._look(connection)

    def _shake(self, connection: Connection) -> bool:
        try:
            connection.shake()
        except ssl.SSLWantReadError:
            self._poller.modify(connection.sock, selectors.EVENT_READ, connection)
        except ssl.SSLWantWriteError:
            self._poller.modify(connection.sock, selectors.EVENT_WRITE, connection)
        else:
            self._poller.modify(connection.sock, selectors.EVENT_READ, connection)
        return True

    def _look(self, connection: Connection) -> bool:
        """Put a whole request among those that are ready; one that is none is answered at once, and is the last."""
        try:
            if connection.gathered(self.cfg):
                connection.busy = True
                connection.deadline = NEVER
                self._ready.append(connection)
        except OSError:
            return False
        except Exception as error:  # whatever the parser finds wrong, and StopIteration for nothing at all
            connection.answer(self._failed(None, connection, error), False)
            self._after(connection)
        return True

    def _after(self, connection: Connection) -> None:
        """Its request is answered."""
        connection.busy = False
        now = time.monotonic()
        try:
            if connection.muted:
                connection.muted = False
                self._poller.register(connection.sock, selectors.EVENT_READ, connection)
            if connection.out:
                connection.writing = True
                connection.deadline = now + ANSWER_SECONDS
                self._poller.modify(connection.sock, selectors.EVENT_WRITE, connection)
            elif not self._done(connection, now):
                self._close(connection)
        except OSError:
            self._close(connection)

    def _done(self, connection: Connection, now: float) -> bool:
        """The answer is sent. False if the connection is to be closed. Raises OSError."""
        if connection.writing:
            connection.writing = False
            self._poller.modify(connection.sock, selectors.EVENT_READ, connection)
        self._held -= connection.held
        connection.held = 0
        if not connection.kept:
            connection.leave(now)
            return True
        more = connection.next_request(now, self.cfg.keepalive)
        self._held += connection.held
        return self._look(connection) if more else True

    def _close(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._held -= connection.held
        if not connection.muted:
            with suppress(KeyError, ValueError, OSError):
                self._poller.unregister(connection.sock)
        connection.sock.close()

    def _sweep(self, now: float) -> None:
        """Close whoever is too slow or silent, and open or close the door."""
        self._sweep_at = now + SWEEP_SECONDS
        leaving = self._stop_at and now > self._stop_at + LAST_WORDS_SECONDS
        for connection in [each for each in self._connections if each.deadline < now or (leaving and each.idle)]:
            self._close(connection)
        self._accept(self.alive and len(self._connections) < self.cfg.worker_connections)

    def _accept(self, wanted: bool) -> None:
        if wanted == self._accepting:
            return
        self._accepting = wanted
        for listener in self.sockets:
            if wanted:
                listener.setblocking(False)
                self._poller.register(listener, selectors.EVENT_READ)
            else:
                with suppress(KeyError, ValueError, OSError):
                    self._poller.unregister(listener)
