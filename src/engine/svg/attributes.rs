//! The attributes of an element: which stay, and with which value.

use std::borrow::Cow;

use quick_xml::escape::EscapeError;
use quick_xml::events::BytesStart;
use quick_xml::events::attributes::Attribute as Source;
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{Error, NsReader, XmlVersion};

use super::bounds::bounded;
use super::names::{self, Attribute};
use super::{Refusal, Sanitiser, XLINK, XML, picture, style};

/// Whether an element of this name may stay for what its attributes say.
pub fn permit(name: &str, element: &BytesStart<'_>, reader: &NsReader<&[u8]>) -> Result<bool, Refusal> {
    let mut target = None;
    for source in element.attributes() {
        let source = source.map_err(Error::from)?;
        match known(&source, reader) {
            Some(("attributeName", _)) => target = Some(meant(&source)?.trim().to_owned()),
            // The only language for styles is CSS.
            Some(("type", _)) if name == "style" => {
                let kind = meant(&source)?.trim().to_ascii_lowercase();
                if !matches!(kind.as_str(), "" | "text/css") {
                    return Ok(false);
                }
            }
            // No renderer has extensions, so what asks for one is never shown.
            None if source.key.0 == "requiredExtensions" => return Ok(false),
            _ => {}
        }
    }
    let animates = matches!(name, "animate" | "animateTransform" | "set");
    Ok(!animates || target.is_some_and(|target| names::is_animated(&target)))
}

/// The attribute by namespace and name, if it is on a list, and what its value is.
fn known(source: &Source<'_>, reader: &NsReader<&[u8]>) -> Option<(&'static str, Attribute)> {
    let (namespace, local) = reader.resolver().resolve_attribute(source.key);
    match (namespace, local.as_ref()) {
        (ResolveResult::Unbound, local) => names::attribute(local),
        (ResolveResult::Bound(Namespace(XLINK)), "href") => Some(("xlink:href", Attribute::Address)),
        (ResolveResult::Bound(Namespace(XML)), "space") => Some(("xml:space", Attribute::Text)),
        (ResolveResult::Bound(Namespace(XML)), "lang") => Some(("xml:lang", Attribute::Text)),
        _ => None,
    }
}

fn meant<'a>(source: &Source<'a>) -> Result<Cow<'a, str>, Refusal> {
    source.normalized_value(XmlVersion::Implicit1_0).map_err(|error| match error {
        Error::Escape(EscapeError::UnrecognizedEntity(..)) => Refusal::Entities,
        error => Refusal::Xml(error),
    })
}

// === impl Sanitiser ===

impl Sanitiser {
    /// Writes the attributes that may stay, and gives the element's name among others.
    pub(super) fn attributes(
        &mut self,
        element: &'static str,
        number: u32,
        source: &BytesStart<'_>,
        reader: &NsReader<&[u8]>,
    ) -> Result<Option<String>, Refusal> {
        let mut id = None;
        let mut written: Vec<&str> = Vec::new();
        for source in source.attributes() {
            let source = source.map_err(Error::from)?;
            let Some((name, kind)) = known(&source, reader) else { continue };
            // Two prefixes of one namespace make one attribute.
            if written.contains(&name) {
                continue;
            }
            let value = meant(&source)?;
            let Some(value) = self.value(element, kind, value) else { continue };
            let value = bounded(name, value)?;
            match kind {
                Attribute::Address => {
                    if let Some(target) = value.strip_prefix('#') {
                        self.references.refer(number, target);
                    }
                }
                Attribute::Styled | Attribute::Style | Attribute::Listed => self.references.refer_in(number, &value),
                Attribute::Plain | Attribute::Text => {}
            }
            self.out.attribute(name, &value)?;
            if name == "id" {
                id = Some(value.into_owned());
            }
            written.push(name);
        }
        Ok(id)
    }

    /// The value as it may stay.
    fn value<'a>(&mut self, element: &str, kind: Attribute, value: Cow<'a, str>) -> Option<Cow<'a, str>> {
        match kind {
            Attribute::Plain => is_plain(&value).then_some(value),
            Attribute::Text => Some(value),
            Attribute::Styled => style::value(&value).map(Cow::Owned),
            Attribute::Listed => style::values(&value).map(Cow::Owned),
            Attribute::Style => Some(Cow::Owned(style::declarations(&value))),
            Attribute::Address => self.address(element, &value).map(Cow::Owned),
        }
    }

    /// Parts of this drawing; and where pictures are shown, small pictures that stand in the address itself.
    fn address(&mut self, element: &str, address: &str) -> Option<String> {
        let address = address.trim();
        if address.starts_with('#') {
            return Some(address.to_owned());
        }
        if !matches!(element, "image" | "feImage") {
            return None;
        }
        let (address, pixels) = picture::embedded(address)?;
        self.embedded_pixels = self.embedded_pixels.saturating_add(pixels);
        (self.embedded_pixels <= picture::PIXELS_MAX).then_some(address)
    }
}

/// Whether a value holds numbers, names, lists and listed functions of them, and nothing that an address needs.
fn is_plain(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "+-.,;()%#_".contains(c);
    let mut functions = value.split('(').map(|before| {
        let before = before.trim_ascii_end();
        before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
    });
    // What stands behind the last bracket is no function's name.
    functions.next_back();
    value.chars().all(plain) && functions.all(names::is_function)
}
