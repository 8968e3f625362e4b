"""How long things stay for reasons that no single record knows."""

from __future__ import annotations

from datetime import timedelta

# The longest life of an access token (spec A.5: five minutes to one day). A family is remembered that much longer than its refresh
# tokens live, because whoever is shown an access token asks whether its family is revoked, and a family that is gone counts as revoked.
ACCESS_TOKEN_CEILING = timedelta(days=1)
