"""Keys of some people from one look-up in the vault (PROTOCOLS section 1)."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from lakehouse.adapters.key_tree import KEY_BYTES, KeyUse, expand_roots, extract_roots

Secrets = Mapping[str, bytes]
"""By pseudonym the 32 bytes of the secret, and behind them the first identifier where it was kept."""


class PersonSecrets:
    """Secrets of some people, looked up and unwrapped once: when a key is first asked for."""

    def __init__(self, look_up: Callable[[], Secrets]) -> None:
        self._look_up = look_up
        self._roots: dict[str, bytes] | None = None
        self._first: dict[str, str] = {}
        self._keys: dict[KeyUse, dict[str, bytes]] = {}

    def keys(self, use: KeyUse) -> dict[str, bytes]:
        """Return the 32-byte key of every one of them for one use, by pseudonym."""
        return self.keys_of(self._rooted().keys(), use)

    def keys_of(self, names: AbstractSet[str], use: KeyUse) -> dict[str, bytes]:
        """Return the keys for one use of at least these people, each made once; strangers have none."""
        made, roots = self._keys.setdefault(use, {}), self._rooted()
        missing = roots.keys() & (names - made.keys())
        if use == "digest":
            receipts = self.keys_of(missing, "receipt")
            above = extract_roots(map(receipts.__getitem__, missing))
        else:
            above = map(roots.__getitem__, missing)
        made.update(zip(missing, expand_roots(above, use), strict=True))
        return made

    def first_identifiers(self) -> Mapping[str, str]:
        """Return by which identifier each was first named; nobody of a home before format 3 has one here."""
        self._rooted()
        return self._first

    def _rooted(self) -> dict[str, bytes]:
        if self._roots is None:
            found = self._look_up()
            roots = extract_roots(secret[:KEY_BYTES] for secret in found.values())
            self._roots = dict(zip(found, roots, strict=True))
            self._first = {
                n: secret[KEY_BYTES:].decode() for n, secret in found.items() if secret[KEY_BYTES:]
            }
        return self._roots
