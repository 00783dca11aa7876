"""Reads and writes Excel workbooks (.xlsx, .xlsm) within fixed limits, whatever the file contains.

`package` opens the zip file, `xml` parses its parts, `workbook`, `styles` and `strings` read what the cells refer to,
`rows` streams the rows of a sheet with the texts of `cells`, `merged` finds merged cells, and `selection` chooses the
sheet. `opening` puts these together. `writer` writes a table. The reasons are in docs/decisions/xlsx.md.
"""
