"""Answers whether a request to a service behind us is authentic and allowed: to proxies over HTTP, to programs in process."""
