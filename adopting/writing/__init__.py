"""The files of an adopted app, as a person would have written them."""
