"""What the faces share: whose request this is, strict reading of it, cookies, headers, pages, errors and languages.

`install.install(app, services)` puts all of it into a Flask app; `tenancy.Tenancy` is the WSGI middleware around it.
"""
