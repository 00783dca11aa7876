"""Helpers for pages, shared by all apps: client address, paging, rate limits, uploads, downloads.

Imports `spreadsheets` for its file size limit.
"""
