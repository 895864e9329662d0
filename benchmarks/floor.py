"""The theoretical minimum: the fewest requests to Plex that any client could need for a case."""

from typing import Final

SECTIONS: Final = 2
IDS_PER_EDIT: Final = 150  # proxies refuse a URL with more ids
ITEMS_PER_READ: Final = 200  # 240 ids in one URL are known to work

WHY: Final[dict[str, str]] = {
    "first": "most of the time is the server's own: adding one label to one item costs it 2 ms, however few edits "
    "say so. Listing rows carry no labels and external ids cannot be filtered on, so each library is "
    "listed once (one answer may hold all of it) and asked which labels it has; an edit gives the "
    "same labels to all of its items, so each label of each library needs at least one edit (more "
    "when its items do not fit into one address); and written means read back: one "
    "query per label and library, or as many items in one answer as an address has room for.",
    "cold": "a client that remembers nothing lists each library and asks for the labels, as many "
    "items in one answer as an address has room for, or the list and the carriers of each label where that "
    "is less; the carriers of several labels in one answer cannot be told apart. "
    "Ours lists in pages of up to 5,000 rows, so that memory does not grow with the library: of 100,000 "
    "items that is 22 requests instead of two.",
    "hand": "as after a restart: nothing remembered is believed.",
    "warm": "a client that remembers what the libraries hold asks for the sections (has anything "
    "changed?) and for the labels, as many items in one answer as an address has room for, or the list "
    "and the carriers of each label where that is less. Answers about single items are expected "
    "to tell labels, but that was never recorded of a real server: enough to leave everything as it is, "
    "not to change anything.",
    "person": "the sections and the labels of before, read from the items or label by label, whichever is less; then "
    "at least one edit per library for one new label (more when the items do not fit into one address), read back in "
    "the cheaper way as well.",
    "churn": "as with a new person: one edit for each label that changes in a library.",
    "pending": "one look per library at what was added last. Ours asks for the sections as well, and for ten "
    "of the titles by their keys, others each time: what Plex recognises late is not among the newest.",
}


def floor_requests(case: str, pairs: int, edits: int, touched: int, wanted: int) -> int:
    """Return the fewest requests to Plex.

    `pairs` is the number of labels to read, summed over the libraries, `wanted` the number of items
    with a label, `edits` the number of URLs that the items of all changed (label, library) pairs
    fill, `touched` the number of these pairs.
    """
    by_item = -(-wanted // ITEMS_PER_READ)
    by_label = SECTIONS + pairs
    if case == "pending":
        return SECTIONS
    if case == "first":
        return 1 + SECTIONS + min(SECTIONS, by_item) + edits + min(touched, by_item)
    if case in {"cold", "hand"}:
        return 1 + SECTIONS + min(by_label, by_item)
    if case == "warm":
        return 1 + min(by_label, by_item)
    return 1 + min(by_label, by_item) + edits + min(touched, by_item)
