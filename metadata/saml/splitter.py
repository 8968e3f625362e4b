"""A signed aggregate, canonicalised and cut into entities while it streams by: memory holds one entity at a time.

The signature of a whole document seems to need the whole tree. It does not: exclusive canonical form is written from the front to the
back, so its digest can be fed as the tree grows and what was fed can be forgotten. What is handed on are cuts of the very octets that
went into the digest (A32, J3), each given the namespaces that its groups declare.

libxml2 is the one parser of the document. The octets are only looked at to choose where a feed ends: behind the next end tag of an entity
or a group, so that the tree never holds more than what is being written. A look that errs changes how much is fed, and nothing else.

The answer counts only when `split` returns: until then the digest is unproved. It runs in a process that is thrown away
(`metadata.saml.aggregate`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml.lifetime import Lifetime, lifetime
from metadata.saml.names import MD, tag
from metadata.saml.signature import SIGNATURE, check_digest, open_signature
from metadata.saml.signed_info import DIGESTS, SignedInfo
from metadata.saml.xml import DOCUMENT, Limits, refuse, reparse, screen, screen_more

ENTITY: Final = tag(MD, "EntityDescriptor")
ENTITIES: Final = tag(MD, "EntitiesDescriptor")
IDP_ROLE: Final = tag(MD, "IDPSSODescriptor")
EXTENSIONS: Final = tag(MD, "Extensions")
MAX_GROUPS: Final = 8
"""How deep groups may lie in groups."""
MAX_TOLD: Final = 1000
_BLOCK = 1 << 16
_BESIDE: Final = (EXTENSIONS, ENTITY, ENTITIES, etree.Comment)
_CUT = re.compile(rb"Entit(?:y|ies)Descriptor[ \t\r\n]*>")
_PROLOG = re.compile(rb"(?:[ \t\r\n]+|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
_DECLARED = re.compile(rb' (xmlns(?::[^ =<>"]+)?)="([^"]*)"')
_START_TAG = re.compile(rb'<[^ <>"]+(?: [^ =<>"]+="[^"]*")*>')

Write = Callable[[bytes, Lifetime], None]


@dataclass(frozen=True, slots=True)
class SplitAsk:
    """What to demand of an aggregate. `certificates` (PEM) are the pinned ones, None takes a document that nobody signed.

    Sizes are octets: of the document, and of one entity with what is before it. `first_wins` passes over a second entity of one entityID,
    which is refused otherwise (J6). `idps_only` passes over entities without an IDPSSODescriptor.
    """

    now: datetime
    certificates: tuple[str, ...] | None
    idps_only: bool = True
    first_wins: bool = False
    max_bytes: int = 512_000_000
    max_entity_bytes: int = 2_000_000
    max_entities: int = 200_000


@dataclass(frozen=True, slots=True)
class Split:
    """What an aggregate turned out to be. `entities` counts all in it, `written` those handed on, `doubled` those passed over (J6)."""

    name: str
    key_sha256: str
    lifetime: Lifetime
    entities: int
    written: int
    doubled: tuple[str, ...]


def split(source: BinaryIO, write: Write, ask: SplitAsk) -> Split:
    """Read an aggregate and give each entity to `write`, as octets that stand alone, with the lifetime of the groups around it.

    Raises DocumentInvalid (xml_*, not_metadata, valid_until_invalid, several_of_one_entity, too_many_entities) and SignatureInvalid;
    then nothing that was written may be used.
    """
    return _Splitter(write, ask).run(source)


class _Splitter:
    def __init__(self, write: Write, ask: SplitAsk) -> None:
        self._write, self._ask = write, ask
        self._parser: Any = etree.XMLPullParser(
            events=("start", "end"), tag=(ENTITY, ENTITIES), encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
            dtd_validation=False, attribute_defaults=False, huge_tree=True, remove_comments=False, remove_pis=False, recover=False,
        )  # fmt: skip
        self._groups: list[etree._Element] = []
        self._root: etree._Element | None = None
        self._info: SignedInfo | None = None
        self._digest: Any = None
        self._key_sha256 = ""
        self._name = ""
        self._id_attribute = b""
        self._prefix = b""  # what has been written of the groups that are open
        self._declared: list[tuple[bytes, bytes]] = []
        self._lifetime = self._root_lifetime = self._shortest = Lifetime()
        self._seen: set[int] = set()
        self._doubled: list[str] = []
        self._entities = self._written = 0
        self._closed = self._changed = self._entered = self._wanted = False

    def run(self, source: BinaryIO) -> Split:
        try:
            for part in _parts(source, self._ask):
                self._parser.feed(part)
                for event, element in self._parser.read_events():
                    self._start(element) if event == "start" else self._end(element)
            self._parser.close()
        except (etree.LxmlError, ValueError) as error:
            raise refuse("xml_malformed", f"not well-formed: {error}"[:300]) from None
        except MemoryError:
            raise refuse("xml_too_large", "out of memory") from None
        if not self._closed:
            raise refuse("xml_malformed", "ends early")
        if self._info is not None:
            check_digest(self._info, self._digest.digest())
        life = Lifetime(self._root_lifetime.valid_until, self._shortest.cache_seconds)
        return Split(self._name, self._key_sha256, life, self._entities, self._written, tuple(self._doubled))

    def _start(self, element: etree._Element) -> None:
        if self._root is None:
            if element.tag != ENTITIES or element.getparent() is not None:
                raise DocumentInvalid("This is not an aggregate of SAML metadata.", f"root is not {ENTITIES}", code="not_metadata")
            self._root = element
        parent = element.getparent()
        if self._groups and parent is not self._groups[-1]:
            raise refuse("xml_unexpected_element", "an entity or a group inside something else")  # J3
        if element.tag == ENTITIES:
            self._groups.append(element)
            self._changed = True
            if len(self._groups) > MAX_GROUPS:
                raise refuse("xml_too_deep", f"groups deeper than {MAX_GROUPS}")

    def _end(self, element: etree._Element) -> None:
        if element.getnext() is not None or element.tail:
            raise refuse("xml_unexpected_element", "an entity or a group without content")
        if self._digest is None:
            self._open()
        self._check_group()
        whole = self._canonical()
        if element.tag == ENTITIES:
            self._groups.pop()
        written = self._cut(whole)
        self._digest.update(written)
        if element.tag == ENTITY:
            self._check_entity(element)
        self._forget()
        self._closed = not self._groups
        if self._closed:
            return
        if element.tag == ENTITIES or self._changed:
            self._enter()
        if element.tag == ENTITY:
            self._keep(element, written)

    def _open(self) -> None:
        """Judge the root's signature when the first entity is there: the Signature stands before it."""
        root = self._groups[0]
        if self._ask.certificates is None:
            self._digest = hashlib.sha256()
            return
        self._info, key = open_signature(root, self._ask.certificates)
        self._digest, self._key_sha256 = DIGESTS[self._info.digest_method](b""), key.sha256
        self._id_attribute = b'="%s"' % root.get("ID", "").encode()

    def _check_group(self) -> None:
        """Nothing but extensions may stand between entities: what is unknown might hide one (J3, J18)."""
        for group, inner in zip(self._groups, (*self._groups[1:], None), strict=False):
            if group.text and not group.text.isspace():
                raise refuse("xml_unexpected_text", "text between entities")
            for child in group:
                signed_root = group is self._root and self._info is not None
                if child is not inner and child.tag not in _BESIDE and not (child.tag == SIGNATURE and not signed_root):
                    raise refuse("xml_unexpected_element", f"{str(child.tag)[:100]} in a group")
                if child.tail and not child.tail.isspace():
                    raise refuse("xml_unexpected_text", "text between entities")

    def _canonical(self) -> bytes:
        assert self._root is not None
        options: Any = {"inclusive_ns_prefixes": list(self._info.prefixes)} if self._info is not None and self._info.prefixes else {}
        octets: bytes = etree.tostring(self._root, method="c14n", exclusive=True, with_comments=False, with_tail=False, **options)
        return octets

    def _cut(self, whole: bytes) -> bytes:
        """What of the canonical form is new: without what is written already, and without the end tags of groups that are open."""
        end = b"".join(b"</%s>" % _qname(group) for group in reversed(self._groups))
        if not whole.startswith(self._prefix) or not whole.endswith(end):
            raise refuse("xml_malformed", "the canonical form is not one of a tree that grows")
        new = whole[len(self._prefix) : len(whole) - len(end)]
        if b"<?" in new:
            raise refuse("xml_processing_instruction", "a processing instruction in an aggregate")
        return new

    def _forget(self) -> None:
        """Empty the open groups. The parser stands behind an end tag, where libxml2 holds on to none of what goes."""
        for group, inner in zip(self._groups, (*self._groups[1:], None), strict=False):
            for child in list(group):
                if child is not inner:
                    group.remove(child)
            group.text = None

    def _enter(self) -> None:
        """The open groups are others than before: what they declare and how long they count, from their canonical form, read again."""
        whole = self._canonical()
        self._prefix = whole[: len(whole) - sum(len(_qname(group)) + 3 for group in self._groups)]
        self._declared = list(dict(_DECLARED.findall(self._prefix)).items())
        groups = list(reparse(whole).iter(ENTITIES))
        self._lifetime = lifetime(groups)
        if not self._entered:
            self._name, self._root_lifetime, self._entered = groups[0].get("Name", "")[:1024], lifetime(groups[:1]), True
        self._shortest = self._lifetime.within(self._shortest)
        self._changed = False

    def _check_entity(self, element: etree._Element) -> None:
        self._entities += 1
        if self._entities > self._ask.max_entities:
            raise DocumentInvalid("The metadata describes too many entities.", f"> {self._ask.max_entities}", code="too_many_entities")
        entity_id = element.get("entityID", "")
        self._wanted = not self._ask.idps_only or element.find(IDP_ROLE) is not None
        number = hash(entity_id)  # a text each would be megabytes
        if number in self._seen:
            if not self._ask.first_wins:
                raise DocumentInvalid("The metadata describes an entity id more than once.", entity_id[:1024], code="several_of_one_entity")
            self._wanted = False
            if len(self._doubled) < MAX_TOLD:
                self._doubled.append(entity_id[:1024])
        self._seen.add(number)

    def _keep(self, element: etree._Element, written: bytes) -> None:
        """Hand on the cut. In canonical form a `<` is markup, and only one entity is in a cut, so its start tag is found by its name."""
        start = written.find(b"<%s " % _qname(element))
        tag_end = _START_TAG.match(written, start) if start >= 0 else None
        if tag_end is None:
            raise refuse("xml_malformed", "an entity without an entityID")
        if self._id_attribute and self._id_attribute in written[start:]:
            raise refuse("xml_id_duplicate", "the ID of the root on something else")
        if not self._wanted:
            return
        own = {name for name, _ in _DECLARED.findall(tag_end[0])}
        added = b"".join(b' %s="%s"' % pair for pair in self._declared if pair[0] not in own)
        at = start + 1 + len(_qname(element))
        self._write(written[start:at] + added + written[at:], self._lifetime)
        self._written += 1


def _qname(element: etree._Element) -> bytes:
    local = str(element.tag).rpartition("}")[2]
    return (f"{element.prefix}:{local}" if element.prefix else local).encode()


def _parts(source: BinaryIO, ask: SplitAsk) -> Iterator[bytes]:
    """The document in parts that end behind a tag, screened on the raw octets (J13), without what is before the root."""
    waiting, total, first = bytearray(), 0, True
    limits = Limits(ask.max_entity_bytes + 2 * _BLOCK, DOCUMENT.max_elements, DOCUMENT.max_attributes, DOCUMENT.max_depth, comments=True)
    while block := source.read(_BLOCK):
        total += len(block)
        if total > ask.max_bytes:
            raise refuse("xml_too_large", f"more than {ask.max_bytes} octets")
        done = 0
        known = max(0, len(waiting) - 64)
        waiting += block
        for found in _CUT.finditer(waiting, known):
            yield _screened(bytes(waiting[done : found.end()]), first, limits)
            done, first = found.end(), False
        del waiting[:done]
        if len(waiting) > ask.max_entity_bytes:
            raise refuse("xml_too_large", f"one entity of more than {ask.max_entity_bytes} octets")
    if waiting or first:
        yield _screened(bytes(waiting), first, limits)


def _screened(part: bytes, first: bool, limits: Limits) -> bytes:
    if not first:
        screen_more(part)
        return part
    part = screen(part, limits)
    prolog = _PROLOG.match(part)
    return part[prolog.end() :] if prolog is not None else part
