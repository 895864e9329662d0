"""Normalize the URLs that users enter to a server's base URL."""

import re

from yarl import URL


class CredentialsInUrlError(ValueError):
    """A URL contains a username or password, which would be stored and shown."""


def normalize_url(url: str) -> str:
    """Return a base URL without trailing slash, query or fragment.

    Raises ValueError for anything but an http or https URL, CredentialsInUrlError for one with a
    username or password.
    """
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parsed = URL(text)
    except IndexError as err:  # yarl fails on some brackets
        raise ValueError("not an http or https address") from err
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError("not an http or https address")
    if not parsed.host.isprintable() or " " in parsed.host:
        raise ValueError("the host name contains spaces")
    parsed.host.encode(
        "idna"
    )  # name resolution starts with this, and its failure would be unhandled
    if parsed.user is not None or parsed.password is not None:
        raise CredentialsInUrlError("the address contains a user name and password")
    return str(parsed.with_query(None).with_fragment(None)).rstrip("/")


def without_page(base: str, page: str) -> str:
    """Return a base URL without a page of the server's web interface, such as `/web`."""
    # The host may have the same name as the page.
    return re.split(rf"(?<!/)/{page}(?:/|$)", base, maxsplit=1)[0].rstrip("/")


def with_default_port(base: str, port: int) -> str | None:
    """Return a base URL with a service's default port, None if it has a port."""
    url = URL(base)
    if url.explicit_port is not None or url.path.strip("/"):
        return None
    return str(url.with_port(port)).rstrip("/")


def redirected_base(base: str, path: str, location: str) -> str | None:
    """Return the base URL to which a server redirects one of its paths.

    None unless it is the same host over https, and only the base has changed.
    """
    try:
        requested = URL(base + path)
        target = requested.join(URL(location))
        found = normalize_url(str(target.with_query(None)))
    except ValueError:
        return None
    is_same = target.host == requested.host and target.scheme == "https"
    return found.removesuffix(path).rstrip("/") if is_same and found.endswith(path) else None
