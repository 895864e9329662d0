"""A server's base URL from what people paste."""

import re

from yarl import URL


class CredentialsInUrlError(ValueError):
    """An address holds a name and a password, which would be stored and shown with it."""


def normalise_url(url: str) -> str:
    """Return a base URL without trailing slash, query or fragment.

    Raises ValueError for what is no http or https address, CredentialsInUrlError for one with
    a name or a password in it.
    """
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parsed = URL(text)
    except IndexError as err:  # yarl trips over some brackets
        raise ValueError("not an http or https address") from err
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError("not an http or https address")
    if not parsed.host.isprintable() or " " in parsed.host:
        raise ValueError("the host name contains spaces")
    parsed.host.encode("idna")  # name resolution does it first, and nobody expects it to fail
    if parsed.user is not None or parsed.password is not None:
        raise CredentialsInUrlError("the address contains a user name and password")
    return str(parsed.with_query(None).with_fragment(None)).rstrip("/")


def without_page(base: str, page: str) -> str:
    """Return a base URL without a page of the server's own web interface, such as `/web`."""
    # A host may have the same name as the page.
    return re.split(rf"(?<!/)/{page}(?:/|$)", base, maxsplit=1)[0].rstrip("/")


def with_default_port(base: str, port: int) -> str | None:
    """Return a base URL under a service's usual port, or nothing where a port was given."""
    url = URL(base)
    if url.explicit_port is not None or url.path.strip("/"):
        return None
    return str(url.with_port(port)).rstrip("/")


def redirected_base(base: str, path: str, location: str) -> str | None:
    """Return the base URL to which a server redirects a path of it.

    Nothing unless that is the same host, encrypted, and nothing but the base changed.
    """
    try:
        asked = URL(base + path)
        target = asked.join(URL(location))
        found = normalise_url(str(target.with_query(None)))
    except ValueError:
        return None
    is_same = target.host == asked.host and target.scheme == "https"
    return found.removesuffix(path).rstrip("/") if is_same and found.endswith(path) else None
