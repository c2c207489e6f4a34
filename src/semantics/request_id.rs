//! Which `X-Request-Id` of a client is taken over into answers and logs.

/// The longest id that is taken over.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// Whether an incoming id is 1 to 64 letters, digits, `_` and `-`: safe in a header, a log line and a URN.
pub fn is_valid_request_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_at_and_over_the_rule() {
        let longest = "a".repeat(REQUEST_ID_BYTES_MAX);
        for good in ["a", "0", "_-", "7k3f-A_z", longest.as_str()] {
            assert!(is_valid_request_id(good), "{good}");
        }
        let too_long = "a".repeat(REQUEST_ID_BYTES_MAX + 1);
        for bad in ["", " ", "a b", "a\n", "a.b", "a/b", "é", "\"a\"", too_long.as_str()] {
            assert!(!is_valid_request_id(bad), "{bad:?}");
        }
    }
}
