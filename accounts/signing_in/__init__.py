"""Signing in: passwords, second factors, identity providers, lock-out and sessions, built on django-allauth.

Imports `accounts.access`, `accounts.scope` and `accounts.models`, and the packages below `accounts`.
"""
