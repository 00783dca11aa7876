-- Creates the database and the two roles of docs/database-roles.md, once, at the first start. The owner may create the
-- extensions of the first migration (pg_trgm, unaccent: both trusted); neither role is a superuser.
\getenv password SITE_PASSWORD
\getenv owner_password OWNER_PASSWORD
CREATE ROLE transfer_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE transfer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE transfer OWNER transfer_owner;
GRANT CONNECT, TEMPORARY ON DATABASE transfer TO transfer;
