"""Amazon resource names: read strictly, written in one way (spec 0, D.1, D.3, E.4; IAM "ARNs")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_PARTITION = re.compile(r"aws(-[a-z]+)*")
_SERVICE = re.compile(r"[a-z0-9-]+")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ROLE = re.compile(r"role(?P<path>/(?:[\x21-\x29\x2b-\x3e\x40-\x7e]{1,510}/)?)(?P<name>[\w+=,.@-]{1,64})", re.ASCII)
_USER = re.compile(r"user(?P<path>/(?:[\x21-\x29\x2b-\x3e\x40-\x7e]{1,510}/)?)(?P<name>[\w+=,.@-]{1,64})", re.ASCII)
_SESSION = re.compile(r"assumed-role/(?P<name>[\w+=,.@-]{1,64})/(?P<session>[\w+=,.@-]{2,64})", re.ASCII)
_OIDC = re.compile(r"oidc-provider/(?P<name>[A-Za-z0-9.:_~%/-]{1,255})")
_SAML = re.compile(r"saml-provider/(?P<name>[\w.-]{1,128})", re.ASCII)
_IDENTITY_POOL = re.compile(r"identitypool/(?P<name>[\w-]+:[0-9a-f-]+)", re.ASCII)
_USER_POOL = re.compile(r"userpool/(?P<name>[\w-]+_[0-9A-Za-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arn:
    """`arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; region and account may be empty."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


@dataclass(frozen=True, slots=True)
class RoleArn:
    """A role. `path` begins and ends with `/`."""

    account: str
    name: str
    path: str = "/"
    partition: str = "aws"

    def __str__(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role{self.path}{self.name}"

    def session(self, session_name: str) -> SessionArn:
        """The ARN of a session of this role: it has the role's name, without its path."""
        return SessionArn(self.account, self.name, session_name, self.partition)


@dataclass(frozen=True, slots=True)
class SessionArn:
    """A session of a role (API `AssumedRoleUser`)."""

    account: str
    role: str
    session: str
    partition: str = "aws"

    def __str__(self) -> str:
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.role}/{self.session}"


def split(text: str) -> tuple[str, str, str, str, str, str] | None:
    """The six parts of an ARN, or None if there are not six or the first is not `arn`. The last may hold colons."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    return parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]


def parse(text: str) -> Arn:
    """Raises ValueError if it is no ARN."""
    parts = split(text)
    # Of all white space the plain space alone is printable.
    if parts is None or not text.isprintable() or " " in text:
        raise ValueError(f"not an ARN: {text[:80]!r}")
    _, partition, service, region, account, resource = parts
    if not _PARTITION.fullmatch(partition) or not _SERVICE.fullmatch(service) or not resource or (account and not _is_account(account)):
        raise ValueError(f"not an ARN: {text[:80]!r}")
    if region and not _SERVICE.fullmatch(region):
        raise ValueError(f"not an ARN: {text[:80]!r}")
    return Arn(partition, service, region, account, resource)


def account_of(text: str) -> str:
    """The account that an ARN names, or "" if it names none or is no ARN."""
    parts = split(text)
    return parts[4] if parts else ""


@lru_cache(maxsize=1024)
def parse_role(text: str) -> RoleArn:
    """Raises ValueError if it is not the ARN of a role. Remembered, since every call of a session asks for its role's; those are short."""
    arn, found = _of(text, "iam", _ROLE)
    return RoleArn(arn.account, found["name"], found["path"], arn.partition)


def parse_session(text: str) -> SessionArn:
    """Raises ValueError if it is not the ARN of a role's session."""
    arn, found = _of(text, "sts", _SESSION)
    return SessionArn(arn.account, found["name"], found["session"], arn.partition)


def parse_oidc_provider(text: str) -> str:
    """The provider's issuer without its scheme. Raises ValueError if it is not the ARN of an OIDC provider."""
    return _of(text, "iam", _OIDC)[1]["name"]


def parse_saml_provider(text: str) -> str:
    """The provider's name. Raises ValueError if it is not the ARN of a SAML provider."""
    return _of(text, "iam", _SAML)[1]["name"]


def parse_identity_pool(text: str) -> str:
    """The pool's id, `REGION:UUID`. Raises ValueError if it is not the ARN of an identity pool, or its regions differ."""
    arn, found = _of(text, "cognito-identity", _IDENTITY_POOL)
    return _same_region(arn, found["name"], ":")


def parse_user_pool(text: str) -> str:
    """The pool's id, `REGION_NAME`. Raises ValueError if it is not the ARN of a user pool, or its regions differ."""
    arn, found = _of(text, "cognito-idp", _USER_POOL)
    return _same_region(arn, found["name"], "_")


def oidc_provider(account: str, issuer: str) -> str:
    """The ARN of an OIDC provider. `issuer` is with or without `https://`. Raises ValueError if that makes no such ARN."""
    text = f"arn:aws:iam::{account}:oidc-provider/{issuer.removeprefix('https://')}"
    parse_oidc_provider(text)
    return text


def saml_provider(account: str, name: str) -> str:
    """The ARN of a SAML provider. Raises ValueError if that makes no such ARN."""
    text = f"arn:aws:iam::{account}:saml-provider/{name}"
    parse_saml_provider(text)
    return text


def identity_pool(account: str, pool_id: str) -> str:
    """The ARN of an identity pool. Raises ValueError if that makes no such ARN."""
    text = f"arn:aws:cognito-identity:{pool_id.partition(':')[0]}:{account}:identitypool/{pool_id}"
    parse_identity_pool(text)
    return text


def user_pool(account: str, pool_id: str) -> str:
    """The ARN of a user pool. Raises ValueError if that makes no such ARN."""
    text = f"arn:aws:cognito-idp:{pool_id.rpartition('_')[0]}:{account}:userpool/{pool_id}"
    parse_user_pool(text)
    return text


def names_account(text: str) -> str | None:
    """The account, if `text` names a whole one: twelve digits, or the ARN of its root. A trust policy may write either."""
    if _is_account(text):
        return text
    found = re.fullmatch(r"arn:aws[a-z-]*:iam::([0-9]{12}):root", text)
    return found[1] if found else None


def is_caller(text: str) -> bool:
    """Whether it is the ARN of somebody who calls: a role, a role's session, or a user."""
    for service, pattern in (("iam", _ROLE), ("sts", _SESSION), ("iam", _USER)):
        try:
            _of(text, service, pattern)
        except ValueError:
            continue
        return True
    return False


def _is_account(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None


def _of(text: str, service: str, pattern: re.Pattern[str]) -> tuple[Arn, re.Match[str]]:
    arn = parse(text)
    found = pattern.fullmatch(arn.resource)
    # IAM and STS are global: their ARNs name an account and no region. All others here name both.
    if arn.service != service or found is None or not arn.account or bool(arn.region) == (service in {"iam", "sts"}):
        raise ValueError(f"not such an ARN: {text[:80]!r}")
    return arn, found


def _same_region(arn: Arn, pool_id: str, separator: str) -> str:
    if pool_id.rpartition(separator)[0] != arn.region:
        raise ValueError(f"the pool is not in the region of its ARN: {pool_id!r}")
    return pool_id
