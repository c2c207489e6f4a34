//! SVG made safe: read by an XML parser, and written anew from what may stay.
//!
//! Nothing of the original's text is copied. Elements and attributes are compared with lists by namespace and name,
//! values are looked at by what they mean, and what goes out is plain XML with one way to write each thing, so that no
//! second parser can see in it what the first did not. Every SVG comes through here, before it is rendered and before
//! it passes through. Sanitising what was sanitised changes nothing. Source of the rules: standards reference,
//! section 13.
//!
//! What stays draws as before, except that nothing is fetched: pictures and links of other places go, small rasters
//! inside the drawing stay. Animations of listed attributes stay, animations of where something points go. Titles and
//! descriptions stay as text; metadata, editors' own elements and attributes, comments, processing instructions and a
//! plain document type go. A document type that declares entities is refused, as is any document that is not
//! well-formed UTF-8.

mod attributes;
mod bounds;
mod css;
mod names;
#[cfg(test)]
mod never;
mod picture;
mod refs;
mod style;
mod write;

use bytes::Bytes;
use quick_xml::NsReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::{Bound, EngineError};
use refs::References;
use write::Writer;

/// Bytes of a document, before and after.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Elements within elements.
const DEPTH_MAX: usize = 64;

/// Elements of a document, those that go included.
const ELEMENTS_MAX: u32 = 100_000;

/// Attributes of one element; comparing them with each other is quadratic.
const ATTRIBUTES_MAX: usize = 256;

/// Bytes of one text with all its parts. Laying it out takes a renderer ten kilobytes each, and time by their square.
const TEXT_BYTES_MAX: usize = 8 * 1024;

/// Namespaces in scope at once; editors declare about ten.
const NAMESPACES_MAX: usize = 64;

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Why a document is refused; for logs, as clients are told no more than that.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("not well-formed")]
    Xml(#[from] quick_xml::Error),
    #[error("not UTF-8")]
    Encoding,
    #[error("declares or uses entities")]
    Entities,
    #[error("has a character that XML does not allow")]
    Character,
    #[error("does not start with an svg element and end with it")]
    Root,
    #[error("larger than {BYTES_MAX} bytes")]
    Bytes,
    #[error("more than {DEPTH_MAX} levels deep")]
    Depth,
    #[error("more than {ELEMENTS_MAX} elements")]
    Elements,
    #[error("more than {ATTRIBUTES_MAX} attributes in one element")]
    Attributes,
    #[error("references multiply without bound")]
    References,
    #[error("more than {TEXT_BYTES_MAX} bytes of text in one piece")]
    Text,
    #[error("a convolution of more than {} numbers", bounds::KERNEL_MAX)]
    Kernel,
}

/// One pass over a document.
struct Sanitiser {
    out: Writer,
    /// Elements that stay and are not closed yet.
    open: Vec<Open>,
    /// Levels below an element that goes, itself included; 0 where things stay.
    skipped: usize,
    elements: u32,
    has_root: bool,
    /// The root has no namespace, as drawings cut out of a page: then no namespace is that of SVG.
    is_bare: bool,
    references: References,
    embedded_pixels: u64,
    /// Text of the style sheet that is being read.
    sheet: String,
    /// Bytes of the text that is being read.
    text_bytes: usize,
}

/// An element that stays.
struct Open {
    name: &'static str,
    number: u32,
    id: Option<String>,
}

/// What an element may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Elements,
    Mixed,
    Text,
    Sheet,
}

/// The same drawing without anything that runs or loads.
///
/// # Errors
/// [`EngineError::UnsafeSvg`] for what is no well-formed UTF-8 document with an `svg` root, declares entities, or is
/// larger, deeper or richer than the limits of this module.
pub fn sanitised(bytes: &Bytes) -> Result<Bytes, EngineError> {
    clean(bytes).map(Bytes::from).map_err(|refusal| {
        tracing::debug!(reason = %refusal, bytes = bytes.len(), "svg refused");
        refusal.limit().unwrap_or(EngineError::UnsafeSvg)
    })
}

fn clean(bytes: &[u8]) -> Result<String, Refusal> {
    if bytes.len() > BYTES_MAX {
        return Err(Refusal::Bytes);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::Encoding)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    reader.resolver_mut().set_max_namespace_bindings(NAMESPACES_MAX);
    let mut sanitiser = Sanitiser {
        out: Writer::with_capacity(bytes.len()),
        open: Vec::new(),
        skipped: 0,
        elements: 0,
        has_root: false,
        is_bare: false,
        references: References::default(),
        embedded_pixels: 0,
        sheet: String::new(),
        text_bytes: 0,
    };
    loop {
        match reader.read_event()? {
            Event::Decl(declaration) => check_encoding(&declaration, text)?,
            Event::DocType(declared) if sanitiser.has_root || declares(&declared) => return Err(Refusal::Entities),
            Event::DocType(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Start(element) => sanitiser.start(&element, &reader, false)?,
            Event::Empty(element) => sanitiser.start(&element, &reader, true)?,
            Event::End(_) => sanitiser.end()?,
            Event::Text(text) => sanitiser.text(&text.xml10_content())?,
            Event::CData(text) => sanitiser.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => sanitiser.reference(&reference)?,
            Event::Eof => return sanitiser.finish(),
        }
    }
}

/// Only UTF-8 is read. A document that calls itself something else may be anything but for its ASCII.
fn check_encoding(declaration: &BytesDecl<'_>, text: &str) -> Result<(), Refusal> {
    let Some(encoding) = declaration.encoding() else { return Ok(()) };
    let encoding = encoding.map_err(quick_xml::Error::from)?.to_ascii_lowercase();
    let holds_ascii = ["us-ascii", "ascii", "iso-8859-", "windows-", "latin"];
    let is_ascii = holds_ascii.iter().any(|known| encoding.starts_with(known)) && text.is_ascii();
    if is_ascii || matches!(encoding.as_str(), "utf-8" | "utf8") { Ok(()) } else { Err(Refusal::Encoding) }
}

/// Whether a document type declares entities, or names some that others declare.
fn declares(document_type: &str) -> bool {
    document_type.to_ascii_uppercase().contains("<!ENTITY") || document_type.contains('%')
}

// === impl Refusal ===

impl Refusal {
    /// The refusal as a limit that is met, for those that are one. Reading ends there, so that the number is the first
    /// one that is too much.
    fn limit(&self) -> Option<EngineError> {
        let (of, max) = match self {
            Self::Bytes => (Bound::DrawingBytes, BYTES_MAX as u64),
            Self::Depth => (Bound::DrawingDepth, DEPTH_MAX as u64),
            Self::Elements => (Bound::DrawingElements, u64::from(ELEMENTS_MAX)),
            Self::Attributes => (Bound::DrawingAttributes, ATTRIBUTES_MAX as u64),
            Self::References => (Bound::DrawingReferences, refs::FOLLOWED_MAX),
            Self::Text => (Bound::DrawingText, TEXT_BYTES_MAX as u64),
            Self::Kernel => (Bound::DrawingKernel, u64::from(bounds::KERNEL_MAX)),
            Self::Xml(_) | Self::Encoding | Self::Entities | Self::Character | Self::Root => return None,
        };
        Some(EngineError::Limit { of, got: max + 1, max })
    }
}

// === impl Sanitiser ===

impl Sanitiser {
    fn start(&mut self, element: &BytesStart<'_>, reader: &NsReader<&[u8]>, is_empty: bool) -> Result<(), Refusal> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(Refusal::Elements);
        }
        if element.attributes().with_checks(false).take(ATTRIBUTES_MAX + 1).count() > ATTRIBUTES_MAX {
            return Err(Refusal::Attributes);
        }
        if self.open.len() + self.skipped >= DEPTH_MAX {
            return Err(Refusal::Depth);
        }
        if self.open.is_empty() && self.has_root {
            return Err(Refusal::Root);
        }
        let name = if self.skipped == 0 { self.allowed(element, reader)? } else { None };
        let Some(name) = name else {
            self.skipped += usize::from(!is_empty);
            return Ok(());
        };
        if name == "text" && !self.open.iter().any(|open| open.name == "text") {
            self.text_bytes = 0;
        }
        let number = self.elements - 1;
        self.out.start(name);
        if !self.has_root {
            self.has_root = true;
            self.out.namespaces();
        }
        let id = self.attributes(name, number, element, reader)?;
        self.open.push(Open { name, number, id });
        if is_empty { self.end() } else { Ok(()) }
    }

    /// The element's name, if it may stay where it stands.
    fn allowed(&mut self, element: &BytesStart<'_>, reader: &NsReader<&[u8]>) -> Result<Option<&'static str>, Refusal> {
        let (namespace, local) = reader.resolver().resolve_element(element.name());
        if !self.has_root {
            self.is_bare = namespace == ResolveResult::Unbound;
        }
        let is_svg = match namespace {
            ResolveResult::Bound(namespace) => namespace == Namespace(SVG),
            ResolveResult::Unbound => self.is_bare,
            ResolveResult::Unknown(_) => false,
        };
        let name = names::element(local.as_ref()).filter(|_| is_svg);
        let Some(parent) = self.open.last() else {
            return if name == Some("svg") { Ok(name) } else { Err(Refusal::Root) };
        };
        let holds = matches!(content(parent.name), Content::Elements | Content::Mixed);
        match name {
            Some(name) if holds && attributes::permit(name, element, reader)? => Ok(Some(name)),
            _ => Ok(None),
        }
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        let open = self.open.pop().ok_or(Refusal::Root)?;
        if content(open.name) == Content::Sheet {
            let sheet = style::sheet(&std::mem::take(&mut self.sheet));
            self.out.text(&sheet)?;
        }
        self.out.end(open.name);
        if let Some(id) = open.id {
            self.references.name(id, open.number, self.elements);
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        match self.open.last().map(|open| content(open.name)) {
            None if text.trim_ascii().is_empty() => {}
            None => return Err(Refusal::Root),
            Some(_) if self.skipped > 0 => {}
            // Text between shapes is layout of the source.
            Some(Content::Elements) => {}
            Some(Content::Text) => self.out.text(text)?,
            Some(Content::Mixed) => {
                self.text_bytes += text.len();
                if self.text_bytes > TEXT_BYTES_MAX {
                    return Err(Refusal::Text);
                }
                self.out.text(text)?;
            }
            Some(Content::Sheet) => self.sheet.push_str(text),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Refusal> {
        if let Some(c) = reference.resolve_char_ref()? {
            return self.text(c.encode_utf8(&mut [0; 4]));
        }
        self.text(resolve_predefined_entity(reference).ok_or(Refusal::Entities)?)
    }

    fn finish(self) -> Result<String, Refusal> {
        if !self.open.is_empty() || !self.has_root {
            return Err(Refusal::Root);
        }
        if !self.references.is_bounded(self.elements) {
            return Err(Refusal::References);
        }
        let text = self.out.finish();
        if text.len() > BYTES_MAX { Err(Refusal::Bytes) } else { Ok(text) }
    }
}

/// What may stand in an element of this name.
fn content(name: &str) -> Content {
    match name {
        "text" | "tspan" | "textPath" | "a" => Content::Mixed,
        "title" | "desc" => Content::Text,
        "style" => Content::Sheet,
        _ => Content::Elements,
    }
}

#[cfg(test)]
mod tests;
