"""Namespaces and algorithm URIs of SAML, XML Signature and XML Encryption, and short ways to find elements by them."""

from __future__ import annotations

from lxml import etree

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XS = "http://www.w3.org/2001/XMLSchema"
EC = "http://www.w3.org/2001/10/xml-exc-c14n#"
NSMAP = {"saml": SAML, "samlp": SAMLP, "md": MD, "ds": DS, "xenc": XENC, "ec": EC}

DSIG_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N11 = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = DS + "enveloped-signature"
RSA_SHA1 = DS + "rsa-sha1"
RSA_SHA256 = DSIG_MORE + "rsa-sha256"
RSA_SHA384 = DSIG_MORE + "rsa-sha384"
RSA_SHA512 = DSIG_MORE + "rsa-sha512"
SHA1 = DS + "sha1"
SHA256 = XENC + "sha256"
SHA512 = XENC + "sha512"

FORMAT_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
FORMAT_UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
FORMAT_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
FORMAT_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
FORMAT_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
NAME_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
NAME_BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
PASSWORD_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


def q(name: str) -> str:
    """`saml:Issuer` in the notation of lxml, `{urn...}Issuer`."""
    prefix, _, local = name.partition(":")
    return f"{{{NSMAP[prefix]}}}{local}"


def find(root: etree._Element, path: str) -> etree._Element:
    """The first element of that path, which must be there: a forger that misses its aim is a broken test."""
    found = root.xpath(path, namespaces=NSMAP)
    if not found:
        raise LookupError(f"{path} is not in {root.tag}")
    return found[0]


def find_all(root: etree._Element, path: str) -> list[etree._Element]:
    """Every element of that path, at least one."""
    found = root.xpath(path, namespaces=NSMAP)
    if not found:
        raise LookupError(f"{path} is not in {root.tag}")
    return list(found)


def xml(text: str) -> etree._Element:
    """A fragment; the usual prefixes are bound."""
    bound = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in {**NSMAP, "xsi": XSI, "xs": XS}.items())
    wrapper = etree.fromstring(f"<w {bound}>{text}</w>".encode())
    element = wrapper[0]
    element.tail = None
    wrapper.remove(element)
    return element


def parse(data: bytes) -> etree._Element:
    """A document, with nothing resolved and nothing lost."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, strip_cdata=False)
    return etree.fromstring(data, parser)


def serialize(root: etree._Element) -> bytes:
    """The element as a document, without its tail."""
    return etree.tostring(root, encoding="utf-8", with_tail=False)
