"""Pages for users, views and roles. Imports the forms, actions and search of `accounts.people`."""
