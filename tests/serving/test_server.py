"""Where a server listens."""

import pytest

from casnet_cli.errors import InputError
from casnet_cli.serving import server


@pytest.mark.parametrize(
    "host, own", [("127.0.0.1", True), ("127.3.4.5", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_only_addresses_of_this_machine_alone_are_loopback(host: str, own: bool) -> None:
    assert server.is_loopback(host) is own
    names = server.names_of(host)
    assert (names is not None and {"localhost", host} <= names) if own else names is None


def test_a_port_in_use_is_named() -> None:
    with server.listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert server.address_of("127.0.0.1", first) == f"http://127.0.0.1:{port}/"
        with pytest.raises(
            InputError, match=rf"127\.0\.0\.1:{port}: cannot listen there: Address already in use \(--p"
        ):
            server.listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InputError, match="192.0.2.1:8000: cannot listen there"):
        server.listen("192.0.2.1", 8000)
    with pytest.raises(InputError, match="--host of.no.machine.invalid: no address"):
        server.listen("of.no.machine.invalid", 8000)
