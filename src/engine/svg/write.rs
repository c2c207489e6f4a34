//! XML written in one way: no prefix but `xlink`, double quotes, every character that means something escaped.

use super::{Refusal, SVG, XLINK};

/// A document being written.
pub struct Writer {
    out: String,
    /// The last start tag still lacks its end, so that it can become an empty element.
    is_in_tag: bool,
}

// === impl Writer ===

impl Writer {
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes), is_in_tag: false }
    }

    /// Starts an element; attributes follow.
    pub fn start(&mut self, name: &'static str) {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.is_in_tag = true;
    }

    /// Declares the two namespaces that are used, on the element just started.
    pub fn namespaces(&mut self) {
        for part in [" xmlns=\"", SVG, "\" xmlns:xlink=\"", XLINK, "\""] {
            self.out.push_str(part);
        }
    }

    /// An attribute of the element just started.
    pub fn attribute(&mut self, name: &'static str, value: &str) -> Result<(), Refusal> {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        for c in value.chars() {
            match c {
                '"' => self.out.push_str("&quot;"),
                // Readers make spaces of these where they are not spelled out.
                '\t' => self.out.push_str("&#9;"),
                '\n' => self.out.push_str("&#10;"),
                c => self.character(c)?,
            }
        }
        self.out.push('"');
        Ok(())
    }

    /// Text in the element just started or ended.
    pub fn text(&mut self, text: &str) -> Result<(), Refusal> {
        if !text.is_empty() {
            self.close_tag();
        }
        text.chars().try_for_each(|c| self.character(c))
    }

    /// Ends an element.
    pub fn end(&mut self, name: &'static str) {
        if self.is_in_tag {
            self.out.push_str("/>");
            self.is_in_tag = false;
            return;
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    pub fn finish(self) -> String {
        self.out
    }

    fn close_tag(&mut self) {
        if self.is_in_tag {
            self.out.push('>');
            self.is_in_tag = false;
        }
    }

    fn character(&mut self, c: char) -> Result<(), Refusal> {
        match c {
            '&' => self.out.push_str("&amp;"),
            '<' => self.out.push_str("&lt;"),
            '>' => self.out.push_str("&gt;"),
            '\r' => self.out.push_str("&#13;"),
            // Source: XML 1.0, production 2.
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => self.out.push(c),
            _ => return Err(Refusal::Character),
        }
        Ok(())
    }
}
