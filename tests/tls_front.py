"""A TLS proxy with a self-signed certificate in front of a plain local server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
import ssl
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    type _Handler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]

HOST = "127.0.0.1"
HANDSHAKE_FAILED = "Error on transport creation for incoming connection"  # asyncio's message


@asynccontextmanager
async def self_signed_front(port: int, folder: Path) -> AsyncIterator[str]:
    """Forward HTTPS connections to a local port; yield the address."""
    context = await asyncio.to_thread(_context, folder)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(HOST, port)
        for source, target in ((reader, inner_writer), (inner_reader, writer)):
            task = asyncio.create_task(_pump(source, target))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    loop = asyncio.get_running_loop()
    reporting = loop.get_exception_handler()
    loop.set_exception_handler(_only_reporting(reporting))
    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    try:
        yield f"https://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        loop.set_exception_handler(reporting)


def _only_reporting(report: _Handler | None) -> _Handler:
    """Ignore failed handshakes, which are expected, and pass on all other errors."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if report is not None and context["message"] != HANDSHAKE_FAILED:
            report(loop, context)

    return handle


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy data until the end of the stream."""
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    finally:
        with suppress(OSError):
            target.close()


def _context(folder: Path) -> ssl.SSLContext:
    """Create a self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)  # noqa: FBT003 - not critical
        .sign(key, hashes.SHA256())
    )
    file = folder / "front.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
