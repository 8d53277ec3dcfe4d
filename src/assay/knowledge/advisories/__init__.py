"""Advisories, exploitation, likelihood and lifecycles: read, keep, and hold against releases."""
