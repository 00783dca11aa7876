-- The role of the site and its database, made once when the server is new. The role owns the database, so that it can
-- make the extensions that the first migration asks for (pg_trgm, unaccent, both trusted), and is no superuser.
\getenv password SITE_PASSWORD
CREATE ROLE transfer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE transfer OWNER transfer;
