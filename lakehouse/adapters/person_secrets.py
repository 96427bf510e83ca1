"""Keys of some people from one look-up in the vault (PROTOCOLS section 1)."""

from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.adapters.key_tree import KeyUse, derive_key, expand_root, extract_root

Secrets = Mapping[str, bytes]


class PersonSecrets:
    """Secrets of some people, looked up and unwrapped once: when a key is first asked for."""

    def __init__(self, look_up: Callable[[], Secrets]) -> None:
        self._look_up = look_up
        self._roots: dict[str, bytes] | None = None
        self._keys: dict[KeyUse, dict[str, bytes]] = {}
        self._ciphers: dict[KeyUse, dict[str, AESGCM]] = {}

    def keys(self, use: KeyUse) -> dict[str, bytes]:
        """Return the 32-byte key of every one of them for one use, by pseudonym."""
        if use not in self._keys:
            self._keys[use] = self._derived(use)
        return self._keys[use]

    def ciphers(self, use: KeyUse) -> Mapping[str, AESGCM]:
        """Return the cipher of every one of them for one use, by pseudonym, each made once."""
        if use not in self._ciphers:
            self._ciphers[use] = {name: AESGCM(key) for name, key in self.keys(use).items()}
        return self._ciphers[use]

    def _derived(self, use: KeyUse) -> dict[str, bytes]:
        if use == "digest":
            return {name: derive_key(key, use) for name, key in self.keys("receipt").items()}
        if self._roots is None:
            self._roots = {name: extract_root(secret) for name, secret in self._look_up().items()}
        return {name: expand_root(root, use) for name, root in self._roots.items()}
