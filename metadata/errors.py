"""What can go wrong with a trust document. Every error has a public half, fit for a page, and a private half for the log."""

from __future__ import annotations


class TrustError(Exception):
    """A trust document could not be fetched, read or believed.

    `code` is machine-readable (snake_case) and stable; `public` may be shown to anyone; `private` goes to the log only.
    """

    code = "trust_error"

    def __init__(self, public: str, private: str = "", *, code: str | None = None) -> None:
        super().__init__(private or public)
        self.public = public
        self.private = private or public
        if code is not None:
            self.code = code


class FetchRefused(TrustError):
    """The address, the scheme, the redirect or the size is not allowed; nothing was, or no more will be, read."""

    code = "fetch_refused"


class FetchFailed(TrustError):
    """The other side did not answer, or answered with an error. Trying again later may help."""

    code = "fetch_failed"


class FetchTimeout(FetchFailed):
    """The other side was too slow."""

    code = "fetch_timeout"


class DocumentInvalid(TrustError):
    """The document is not what it must be: not well-formed, not signed as demanded, expired, or without keys."""

    code = "document_invalid"


class SignatureInvalid(DocumentInvalid):
    """A signature is missing, malformed, of a refused algorithm, or does not verify under the pinned keys."""

    code = "signature_invalid"
