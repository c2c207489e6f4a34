//! The field `Forwarded` (RFC 7239): who asked each proxy, from the last one back. Contract: a line is read as a whole
//! or not at all, since a quote that is never closed would move what stands behind it.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::FORWARDED;

use super::Node;

/// What is left of a line.
struct Reader<'a>(&'a str);

/// Who asked each proxy, from right to left, `nodes_max` of them and one more at most.
pub(super) fn from_right(headers: &HeaderMap, nodes_max: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    for line in headers.get_all(FORWARDED).iter().rev() {
        let read = line.to_str().ok().and_then(|text| Reader(text).nodes());
        nodes.extend(read.unwrap_or_else(|| vec![Node::Malformed]).into_iter().rev());
        if nodes.len() > nodes_max {
            nodes.truncate(nodes_max + 1);
            break;
        }
    }
    nodes
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// Every element of the line, from left to right; `None` where it is no `Forwarded` (RFC 7239, section 4).
    fn nodes(mut self) -> Option<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            self.skip_blanks();
            if !self.0.is_empty() && !self.0.starts_with(',') {
                nodes.push(self.element()?);
                self.skip_blanks();
            }
            if self.0.is_empty() {
                return Some(nodes);
            }
            self.eat(',')?;
        }
    }

    /// The pairs of one element; what is not said is hidden.
    fn element(&mut self) -> Option<Node> {
        let mut node = None;
        loop {
            self.skip_blanks();
            if !self.0.is_empty() && !self.0.starts_with([';', ',']) {
                let name = self.token()?;
                self.eat('=')?;
                let value = if self.0.starts_with('"') { self.quoted()? } else { self.token()?.to_owned() };
                if name.eq_ignore_ascii_case("for") && node.replace(node_of(&value)).is_some() {
                    // Said twice, it is not said.
                    return None;
                }
                self.skip_blanks();
            }
            if self.eat(';').is_none() {
                return Some(node.unwrap_or(Node::Hidden));
            }
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let len = self.0.bytes().take_while(|byte| is_token(*byte)).count();
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        (len > 0).then_some(token)
    }

    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut characters = self.0.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(characters.next()?.1),
                character => value.push(character),
            }
        }
        None
    }

    fn eat(&mut self, character: char) -> Option<()> {
        self.0 = self.0.strip_prefix(character)?;
        Some(())
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }
}

/// RFC 7239, section 6: an address with or without a port, one that is not known, or a made-up name.
fn node_of(value: &str) -> Node {
    let (name, port) = match value.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.contains(':') => (address, port),
            _ => return Node::Malformed,
        },
        None => value.find(':').map_or((value, ""), |at| value.split_at(at)),
    };
    if !is_port(port) {
        return Node::Malformed;
    }
    if name.eq_ignore_ascii_case("unknown") || is_made_up(name) {
        return Node::Hidden;
    }
    name.parse::<IpAddr>().map_or(Node::Malformed, Node::Address)
}

/// Nothing, or a colon with a number or a made-up name.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return text.is_empty() };
    is_made_up(port) || (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_made_up(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.strip_prefix('_').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_letter))
}
