"""Reading one signed Response (8 kB, twelve attributes): our reader beside the bare verification, and beside other libraries.

Every reader is fed the same octets, over and over, in turns. CPU counts, of the process and of the children that it started.
"""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import xmlsec
from lxml import etree

from bench.party import Party
from bench.results import Row, Run, median
from providers.base import Inbound, KeyPair, LoginAsk, ProviderSpec, Toolbox
from providers.saml.provider import SamlProvider
from tests.fakes.saml_forge import form_value, read_request
from tests.fakes.saml_names import NSMAP
from tests.fakes.saml_seal import encrypt_element

SP, ACS = "https://sp.example.org/sp", "https://sp.example.org/acs"
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


class Other:
    """A library in a process of its own: told how often to read the message, it answers with the CPU that this took."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command, self._folder = command, folder

    def __enter__(self) -> Other:
        pipe = subprocess.PIPE
        self._process: Any = subprocess.Popen([*self._command, str(self._folder)], stdin=pipe, stdout=pipe, text=True, cwd=self._folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.stdin.close()
        self._process.wait(10)

    def read(self, case: str, calls: int) -> float:
        """Microseconds of CPU a call."""
        self._process.stdin.write(f"{case} {calls}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._command[0]} ended")
        return float(line)


def run(run: Run) -> list[Row]:
    """Cases alternate within a round; medians over the rounds."""
    party = Party.write(run.folder)
    finish, messages = _provider(party, run.folder)
    bare = _Bare(party, messages)
    with ExitStack() as stack:
        here = Path(__file__).parent / "peers"
        node = run.home / "node" / "node_saml.mjs"
        node.write_text((here / node.name).read_text())
        python = stack.enter_context(Other([str(run.home / "venv/bin/python"), str(here / "saml_libraries.py")], run.folder))
        javascript = stack.enter_context(Other(["node", str(node)], run.folder))
        cases: dict[str, tuple[Callable[[int], float], int]] = {
            "ours": (partial(_timed, lambda: finish("signed")), 200),
            "bare": (partial(_timed, lambda: bare("signed")), 400),
            "ours, encrypted": (partial(_timed, lambda: finish("encrypted")), 60),
            "bare, encrypted": (partial(_timed, lambda: bare("encrypted")), 60),
            "pysaml2": (partial(python.read, "pysaml2"), 5),
            "python3-saml": (partial(python.read, "python3-saml"), 30),
            "node-saml": (partial(javascript.read, "node-saml"), 30),
        }
        found: dict[str, list[float]] = {name: [] for name in cases}
        for read, calls in cases.values():
            read(calls)
        for _ in range(run.times(9, 3)):
            for name, (read, calls) in cases.items():
                found[name].append(read(calls))
    middle = {name: median(values) for name, values in found.items()}
    return [
        _slower("signed Response against bare verification", middle["ours"], middle["bare"], "<= 2"),
        _slower("encrypted, against bare decryption and verification", middle["ours, encrypted"], middle["bare, encrypted"], "<= 1.5"),
        _faster("against pysaml2 with xmlsec1", middle["ours"], middle["pysaml2"], ">= 40"),
        _faster("against node-saml", middle["ours"], middle["node-saml"], ">= 10"),
        _faster("against python3-saml", middle["ours"], middle["python3-saml"], ">= 4"),
    ]


def _slower(what: str, ours: float, peer: float, target: str) -> Row:
    return Row(what, f"{ours / 1000:.2f} ms", f"{peer / 1000:.2f} ms", ours / peer, target)


def _faster(what: str, ours: float, peer: float, target: str) -> Row:
    return Row(f"{what}: times faster", f"{ours / 1000:.2f} ms", f"{peer / 1000:.2f} ms", peer / ours, target)


def _timed(call: Callable[[], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls * 1e6


def _provider(party: Party, folder: Path) -> tuple[Callable[[str], object], dict[str, bytes]]:
    """What our reader needs, and the messages that answer its request; `signed.xml` is there for the others too."""
    pair = KeyPair(party.sp.name, party.sp.private_pem, party.sp.certificate_pem)
    options = {"metadata": party.box.metadata(), "sign_requests": False}
    spec = ProviderSpec("pool", "idp", "IdP", "saml", options, {}, SP, (ACS,), ("https://sp.example.org/slo",), pair, (pair,))
    now = datetime.now(UTC)  # our clock stands still; the other libraries read by the machine's, so the message lives long
    provider = SamlProvider.from_spec(spec, Toolbox(clock=lambda: now, fetch=None, token=lambda size: "x" * 27))
    start = provider.start(LoginAsk("handle", ACS))
    asked = read_request(start)
    answer = replace(party.answer(asked, 1, timedelta(hours=12)), now=now)
    root = etree.fromstring(party.box.respond(answer, "G-A"))
    messages = {"signed": etree.tostring(root)}
    encrypt_element(root.find("saml:Assertion", NSMAP), party.box.seal())
    messages["encrypted"] = etree.tostring(root)
    (folder / "signed.xml").write_bytes(messages["signed"])
    (folder / "request.id").write_text(asked.request_id)
    posted = {name: Inbound("POST", ACS, form=(("SAMLResponse", form_value(xml)),)) for name, xml in messages.items()}

    def finish(name: str) -> object:
        identity = provider.finish(start.memo, posted[name])
        assert len(identity.attributes) >= 12
        return identity

    return finish, messages


class _Bare:
    """What cannot be done without: parse with lxml, decrypt and verify with python-xmlsec. Keys are loaded once; nothing is checked."""

    def __init__(self, party: Party, messages: dict[str, bytes]) -> None:
        self._encoded = {name: base64.b64encode(xml) for name, xml in messages.items()}
        self._key = xmlsec.Key.from_memory(party.box.key.certificate_pem, xmlsec.KeyFormat.CERT_PEM, None)
        self._manager = xmlsec.KeysManager()
        self._manager.add_key(xmlsec.Key.from_memory(party.sp.private_pem, xmlsec.KeyFormat.PEM, None))

    def __call__(self, name: str) -> None:
        document = etree.fromstring(base64.b64decode(self._encoded[name]), PARSER)
        if name == "encrypted":
            xmlsec.EncryptionContext(self._manager).decrypt(next(document.iter(f"{{{NSMAP['xenc']}}}EncryptedData")))
        assertion = next(document.iter(f"{{{NSMAP['saml']}}}Assertion"))
        context = xmlsec.SignatureContext()
        context.register_id(assertion, "ID")
        context.key = self._key
        context.verify(assertion.find("ds:Signature", NSMAP))
