"""Pages for users, views and roles. They import the forms, actions and search of `accounts.people`."""
