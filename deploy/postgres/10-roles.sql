-- The two roles of docs/database-roles.md and the database, made once when the server is new. The owner can make the
-- extensions that the first migration asks for (pg_trgm, unaccent, both trusted); neither is a superuser.
\getenv password SITE_PASSWORD
\getenv owner_password OWNER_PASSWORD
CREATE ROLE transfer_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE transfer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE transfer OWNER transfer_owner;
GRANT CONNECT, TEMPORARY ON DATABASE transfer TO transfer;
