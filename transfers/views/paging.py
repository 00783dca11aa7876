"""Pages of a list; the same for every list of the site."""

from accounts.paging import ROWS, ROWS_PER_PAGE, page_of, query_without, rows_per_page, search_text

__all__ = ["ROWS", "ROWS_PER_PAGE", "page_of", "query_without", "rows_per_page", "search_text"]
