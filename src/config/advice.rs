//! What is allowed but probably not meant.

use super::groups::Config;

/// Signatures shorter than this can be found by trying: at 2^64 guesses a forger runs out of time.
const SIGNATURE_SAFE_BYTES: usize = 8;

// === impl Config ===

impl Config {
    /// Remarks for the person who starts the process; none of them keeps it from starting.
    pub fn advice(&self) -> Vec<&'static str> {
        let signing = &self.signing;
        let is_signed = !signing.keys.is_empty();
        let admin_is_open = self.admin.listen.is_some_and(|address| !address.ip().is_loopback());
        let remarks = [
            (
                !is_signed && !signing.allow_unsigned,
                "no key is set and unsigned URLs are denied, so every image request is refused: set TINTYPE_KEY and \
                 TINTYPE_SALT, or TINTYPE_UNSIGNED=allow",
            ),
            (
                signing.allow_unsigned && signing.bearer.is_none(),
                "unsigned URLs are allowed: whoever reaches the listener can have any picture made",
            ),
            (
                !signing.keys.is_empty() && signing.size_bytes < SIGNATURE_SAFE_BYTES,
                "signatures of fewer than 8 bytes can be guessed: raise TINTYPE_SIGNATURE_SIZE",
            ),
            (
                admin_is_open && self.admin.token.is_none(),
                "the operations listener is reachable from other machines and has no TINTYPE_ADMIN_TOKEN",
            ),
            (
                self.server.client_misses_max > 0 && self.server.trusted_proxies.is_empty(),
                "clients are capped and no proxy is trusted: behind a CDN all requests would be those of one client; \
                 set TINTYPE_TRUSTED_PROXIES",
            ),
            (
                self.server.proxy_protocol && self.server.trusted_proxies.is_empty(),
                "the PROXY protocol is switched on and no proxy is trusted: set TINTYPE_TRUSTED_PROXIES",
            ),
        ];
        remarks.into_iter().filter(|(holds, _)| *holds).map(|(_, remark)| remark).collect()
    }
}
