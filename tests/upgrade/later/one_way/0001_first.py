from importlib import import_module

Migration = import_module("transfers.migrations.0001_first").Migration
