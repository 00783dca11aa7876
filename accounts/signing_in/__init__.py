"""Signing in: passwords, second factors, identity providers, lock-out and sessions, built on django-allauth.

Imports `accounts.access`, `accounts.models` and the packages in the layers below `accounts`. Only `second_factors`
imports `accounts.people`, to record its changes.
"""
