"""OpenID Connect, we as the relying party: code flow, ID token by our own strict rules, UserInfo, logout."""
