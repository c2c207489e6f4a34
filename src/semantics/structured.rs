//! Dictionaries of structured fields (RFC 9651 §4.2.2), read strictly: one mistake anywhere and there is no field.
//!
//! Only what cache directives need is kept of a value: whole numbers, booleans and names; everything else is checked
//! against its grammar and then only known to be there. Parameters are checked and left out.

use super::fields::is_token_byte;

/// The value of a member, as far as anyone here asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// At most 15 digits.
    Integer(i64),
    /// A member without a value is true.
    Boolean(bool),
    /// A string or a token, such as the field names after `private`.
    Text,
    /// A decimal, a date, bytes, a display string or an inner list.
    Other,
}

const INTEGER_DIGITS_MAX: usize = 15;
const DECIMAL_WHOLE_DIGITS_MAX: usize = 12;
const DECIMAL_FRACTION_DIGITS_MAX: usize = 3;

/// What is still to be read; every method takes what it read off the front, and is `None` on a mistake.
struct Cursor<'a> {
    rest: &'a str,
}

/// The members of a dictionary in their order, where the last of several with one key counts; `None` when it is
/// malformed. An empty field is an empty dictionary.
pub(super) fn dictionary(field: &str) -> Option<Vec<(&str, Value)>> {
    if !field.is_ascii() {
        return None;
    }
    let mut cursor = Cursor { rest: field.trim_matches(' ') };
    let mut members: Vec<(&str, Value)> = Vec::new();
    while !cursor.rest.is_empty() {
        let key = cursor.key()?;
        let value = if cursor.take('=') { cursor.member_value()? } else { Value::Boolean(true) };
        cursor.parameters()?;
        members.retain(|(known, _)| *known != key);
        members.push((key, value));
        cursor.skip(&[' ', '\t']);
        if cursor.rest.is_empty() {
            break;
        }
        cursor.mark(',')?;
        cursor.skip(&[' ', '\t']);
        // A comma promises another member.
        if cursor.rest.is_empty() {
            return None;
        }
    }
    Some(members)
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    fn skip(&mut self, characters: &[char]) {
        self.rest = self.rest.trim_start_matches(characters);
    }

    fn take(&mut self, character: char) -> bool {
        let after = self.rest.strip_prefix(character);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn mark(&mut self, character: char) -> Option<()> {
        self.take(character).then_some(())
    }

    /// Everything from here on whose bytes are `wanted`.
    fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let len = self.rest.bytes().position(|byte| !wanted(byte)).unwrap_or(self.rest.len());
        let (found, rest) = self.rest.split_at(len);
        self.rest = rest;
        found
    }

    fn key(&mut self) -> Option<&'a str> {
        let is_start = self.rest.starts_with(|first: char| first.is_ascii_lowercase() || first == '*');
        let is_key_byte =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*');
        is_start.then(|| self.run(is_key_byte))
    }

    fn parameters(&mut self) -> Option<()> {
        while self.take(';') {
            self.skip(&[' ']);
            self.key()?;
            if self.take('=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    fn member_value(&mut self) -> Option<Value> {
        if !self.take('(') {
            return self.bare_item();
        }
        loop {
            self.skip(&[' ']);
            if self.take(')') {
                return Some(Value::Other);
            }
            self.bare_item()?;
            self.parameters()?;
            if !self.rest.starts_with([' ', ')']) {
                return None;
            }
        }
    }

    fn bare_item(&mut self) -> Option<Value> {
        match self.rest.bytes().next()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.run(|byte| is_token_byte(byte) || matches!(byte, b':' | b'/'));
                Some(Value::Text)
            }
            b':' => self.bytes(),
            b'?' => self.boolean(),
            b'@' => {
                self.mark('@')?;
                matches!(self.number()?, Value::Integer(_)).then_some(Value::Other)
            }
            b'%' => self.display_string(),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Value> {
        let sign = if self.take('-') { -1 } else { 1 };
        let whole = self.run(|byte| byte.is_ascii_digit());
        if !self.take('.') {
            let is_integer = (1..=INTEGER_DIGITS_MAX).contains(&whole.len());
            return is_integer.then(|| whole.parse::<i64>().ok()).flatten().map(|number| Value::Integer(sign * number));
        }
        let fraction = self.run(|byte| byte.is_ascii_digit());
        let is_decimal = (1..=DECIMAL_WHOLE_DIGITS_MAX).contains(&whole.len())
            && (1..=DECIMAL_FRACTION_DIGITS_MAX).contains(&fraction.len());
        is_decimal.then_some(Value::Other)
    }

    fn string(&mut self) -> Option<Value> {
        self.mark('"')?;
        loop {
            self.run(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
            if self.take('"') {
                return Some(Value::Text);
            }
            self.mark('\\')?;
            if !self.take('"') {
                self.mark('\\')?;
            }
        }
    }

    /// Base64 between colons, padded or not.
    fn bytes(&mut self) -> Option<Value> {
        self.mark(':')?;
        self.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
        self.run(|byte| byte == b'=');
        self.mark(':')?;
        Some(Value::Other)
    }

    fn boolean(&mut self) -> Option<Value> {
        self.mark('?')?;
        let is_true = self.take('1');
        if !is_true {
            self.mark('0')?;
        }
        Some(Value::Boolean(is_true))
    }

    /// `%"…"`: printable ASCII, where `%` and two lower-case hexadecimal digits stand for a byte of UTF-8.
    fn display_string(&mut self) -> Option<Value> {
        self.mark('%')?;
        self.mark('"')?;
        let mut decoded = Vec::new();
        loop {
            let plain = self.run(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'%'));
            decoded.extend_from_slice(plain.as_bytes());
            if self.take('"') {
                return std::str::from_utf8(&decoded).is_ok().then_some(Value::Other);
            }
            self.mark('%')?;
            let (digits, rest) = self.rest.split_at_checked(2)?;
            let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            decoded.push(is_hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()?);
            self.rest = rest;
        }
    }
}

#[cfg(test)]
mod tests;
