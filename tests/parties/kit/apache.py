"""Apache with mod_auth_openidc as an app of ours: a private instance that reads nothing of /etc/apache2."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from tests.parties.kit.places import discard, free_port, scratch
from tests.parties.kit.process import Process, answers

MODULES = Path("/usr/lib/apache2/modules")
LOADED = (
    "mpm_event", "authn_core", "authz_core", "authz_user", "alias", "dir", "env", "include", "filter", "mime", "auth_openidc",
)  # fmt: skip
PAGE = """<pre>signed in
user=<!--#echo var="REMOTE_USER" -->
sub=<!--#echo var="OIDC_CLAIM_sub" -->
email=<!--#echo var="OIDC_CLAIM_email" -->
issuer=<!--#echo var="OIDC_CLAIM_iss" -->
</pre>
"""
CONFIGURATION = """
ServerRoot "{directory}"
ServerName http://127.0.0.1:{port}
UseCanonicalName On
Listen 127.0.0.1:{port}
PidFile "{directory}/run/pid"
DefaultRuntimeDir "{directory}/run"
Mutex "file:{directory}/run" default
ErrorLog "{directory}/error.log"
LogLevel warn auth_openidc:info
User {user}
TypesConfig /etc/mime.types
DocumentRoot "{directory}/pages"
<Directory "{directory}/pages">
  Options +Includes
  Require all granted
</Directory>
<Files "*.shtml">
  SetOutputFilter INCLUDES
  ForceType text/html
</Files>
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRedirectURI {callback}
OIDCDefaultLoggedOutURL http://127.0.0.1:{port}/
OIDCScope "openid email profile"
OIDCRemoteUserClaim email
OIDCPKCEMethod S256
OIDCSessionType server-cache
OIDCCacheType shm
OIDCCookie app_{port}
OIDCStateCookiePrefix app_{port}_
OIDCCryptoPassphrase passphrase-of-the-tests
OIDCPassClaimsAs environment
<Location /members>
  AuthType openid-connect
  Require valid-user
</Location>
"""


class Apache:
    """An app whose members' page only the signed-in may see."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.members = f"{self.url}/members/index.shtml"
        self.callback = f"{self.url}/members/callback"
        self.backchannel = f"{self.callback}?logout=backchannel"
        self.directory = scratch("apache")
        (self.directory / "pages" / "members").mkdir(parents=True)
        (self.directory / "run").mkdir()
        (self.directory / "pages" / "index.html").write_text("out\n")
        (self.directory / "pages" / "members" / "index.shtml").write_text(PAGE)
        self.process: Process | None = None

    def start(self, issuer: str, client_id: str, client_secret: str) -> None:
        # Started as root, it works on as the user that its package made.
        user = "www-data" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            os.chown(self.directory / "run", pwd.getpwnam(user).pw_uid, -1)
        modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in LOADED)
        configuration = self.directory / "httpd.conf"
        configuration.write_text(
            modules
            + CONFIGURATION.format(
                directory=self.directory, port=self.port, user=user, issuer=issuer, client_id=client_id,
                client_secret=client_secret, callback=self.callback,
            )
        )  # fmt: skip
        # Not everybody's path leads to /usr/sbin.
        self.process = Process("apache", ["/usr/sbin/apache2", "-f", str(configuration), "-DFOREGROUND"])
        self.process.wait(answers(f"{self.url}/"))

    def log(self) -> str:
        return (self.directory / "error.log").read_text(errors="replace")

    def close(self) -> None:
        if self.process is not None:
            self.process.stop()
        discard(self.directory)
