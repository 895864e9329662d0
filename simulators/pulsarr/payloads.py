"""Pulsarr's responses and webhook payloads, built from plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .rules import Import, arr_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from simulators.catalog import CatalogTitle

    from .knobs import PulsarrKnobs
    from .records import Endpoint, PulsarrUser, WatchlistEntry

EVENT_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "media.available": "A watchlisted title was imported",
    "watchlist.added": "A title was added to a watchlist",
    "watchlist.removed": "A title was removed from a watchlist",
    "approval.created": "A request waits for approval",
    "approval.resolved": "A request was approved or rejected",
    "approval.auto": "A request was approved automatically",
    "delete_sync.completed": "A delete sync run has ended",
    "user.created": "A new Plex user was found",
    "quota.cap_reached": "A user has used up a quota",
}

_DIGEST_FIELDS = (
    "notify_digest_mode",
    "notify_digest_window_minutes",
    "notify_digest_time",
    "notify_quiet_hours_enabled",
    "notify_quiet_hours_start",
    "notify_quiet_hours_end",
    "notify_timezone",
)


def user_json(user: PulsarrUser, knobs: PulsarrKnobs, count: int | None = None) -> dict[str, Any]:
    """Return one entry of the user list, with the fields of the chosen version."""
    answer: dict[str, Any] = {
        "id": user.id,
        "name": user.name,
        "apprise": user.apprise,
        "alias": user.alias,
        "discord_id": user.discord_id,
        "notify_apprise": user.notify_apprise,
        "notify_discord": user.notify_discord,
        "notify_discord_mention": user.notify_discord_mention,
        "can_sync": user.can_sync,
        "requires_approval": user.requires_approval,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
    if knobs.user_fields == "oldest":
        answer |= {"notify_tautulli": user.notify_plex_mobile, "tautulli_notifier_id": None}
    else:
        answer |= {
            "notify_plex_mobile": user.notify_plex_mobile,
            "is_primary_token": user.primary,
            "plex_uuid": user.plex_uuid,
            "avatar": None if user.plex_uuid is None else _avatar(user.plex_uuid),
            "friend_created_at": None if user.primary else user.created_at,
        }
        if knobs.display_names:
            answer["display_name"] = user.display_name
    if knobs.user_fields == "newest":
        answer |= dict.fromkeys(_DIGEST_FIELDS)
    if count is not None:
        answer["watchlist_count"] = count
    return answer


def _avatar(plex_uuid: str) -> str:
    return f"https://plex.tv/users/{plex_uuid}/avatar"


def entry_json(entry: WatchlistEntry) -> dict[str, Any]:
    """Return one item of a watchlist response."""
    return {
        "title": entry.title,
        "key": entry.key,
        "type": entry.type,
        "thumb": entry.thumb,
        "guids": list(entry.stored_guids),
        "genres": list(entry.genres),
        "status": entry.status,
        "added": entry.added,
    }


def endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    """Return one webhook endpoint as the API shows it: with the header's value in clear text."""
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "url": endpoint.url,
        "authHeaderName": endpoint.auth_header_name,
        "authHeaderValue": endpoint.auth_header_value,
        "eventTypes": list(endpoint.event_types),
        "enabled": endpoint.enabled,
        "createdAt": endpoint.created_at,
        "updatedAt": endpoint.updated_at,
    }


def envelope(event: str, data: Mapping[str, Any], moment: str) -> dict[str, Any]:
    """Return the envelope that is posted to an endpoint."""
    return {"event": event, "timestamp": moment, "data": dict(data)}


def media_available(
    title: CatalogTitle,
    imported: Import,
    listed: Iterable[PulsarrUser],
    *,
    guids: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return the data of media.available, which has no `key`."""
    data: dict[str, Any] = {
        "mediaType": imported.kind,
        "title": title.title,
        "guids": list(title.guids if guids is None else guids),
        "posterUrl": f"https://image.tmdb.org/t/p/w500/{title.key}.jpg",
        "isBulkRelease": imported.bulk,
        "instanceType": arr_of(imported.kind),
        "instanceId": 1,
        "watchlistedBy": [_watcher_json(user) for user in listed],
    }
    if imported.season is not None:
        details: dict[str, Any] = {"seasonNumber": imported.season}
        if imported.episode is not None:
            details |= {
                "episodeNumber": imported.episode,
                "title": f"Episode {imported.episode}",
                "airDateUtc": f"{title.year}-09-04T00:00:00Z",
            }
        data["episodeDetails"] = details
    return data


def _watcher_json(user: PulsarrUser) -> dict[str, Any]:
    answer: dict[str, Any] = {"userId": user.id, "username": user.name}
    if user.alias is not None:
        answer["alias"] = user.alias
    return answer


def watchlist_added(user: PulsarrUser, entry: WatchlistEntry) -> dict[str, Any]:
    """Return the data of watchlist.added, which is sent for what was just routed."""
    content = _content(entry)
    if entry.thumb is not None:
        content["thumb"] = entry.thumb
    route = {
        "instanceId": 1,
        "instanceType": arr_of(entry.kind),
        "qualityProfile": "HD-1080p",
        "rootFolder": "/movies" if entry.kind == "movie" else "/tv",
        "tags": [user.name],
        "searchOnAdd": True,
    }
    return {
        "addedBy": {"userId": user.id, "username": user.name},
        "content": content,
        "routedTo": [route],
    }


def watchlist_removed(user: PulsarrUser, entry: WatchlistEntry) -> dict[str, Any]:
    """Return the data of watchlist.removed."""
    return {
        "watchlistItemId": entry.id,
        "content": _content(entry),
        "removedBy": {"userId": user.id, "username": user.name},
    }


def _content(entry: WatchlistEntry) -> dict[str, Any]:
    return {"title": entry.title, "type": entry.kind, "key": entry.key, "guids": list(entry.guids)}


def user_created(user: PulsarrUser) -> dict[str, Any]:
    """Return the data of user.created (`id` and `name` here, not userId and username)."""
    return {
        "user": {"id": user.id, "name": user.name, "alias": user.alias},
        "canSync": user.can_sync,
        "requiresApproval": user.requires_approval,
        "createdAt": user.created_at,
    }


def probe_event(endpoint_name: str) -> dict[str, Any]:
    """Return the data of the `test` event."""
    return {"message": "This is a test webhook from Pulsarr", "endpointName": endpoint_name}
