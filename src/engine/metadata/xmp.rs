//! Rights, creators and licences of XMP: read out of a packet by an XML parser, written into a new one.
//!
//! Kept are `dc:rights`, `dc:creator`, `dc:contributor` and `dc:publisher`, and everything simple of the namespaces
//! for rights and of Creative Commons: a text, a resource, or a list of texts. Structures go.
//! Source: XMP specification part 1, section 7.

use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, QName, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

use super::tidied;

/// One property with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The usual prefix of its namespace.
    prefix: &'static str,
    name: String,
    form: Form,
    values: Vec<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Value {
    language: Option<String>,
    text: String,
}

/// How a property holds its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    /// The address of something.
    Resource,
    List(&'static str),
}

/// What an open element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Rdf,
    Description,
    Property,
    List,
    Item,
    Elsewhere,
}

/// Bytes of a packet that are read; thumbnails in XMP make them large.
const BYTES_MAX: usize = 1024 * 1024;

/// Elements within elements.
const DEPTH_MAX: usize = 32;

/// Properties, and values of one of them.
const PROPERTIES_MAX: usize = 32;
const VALUES_MAX: usize = 32;

/// Bytes of a new packet: with the markup around it, it has to fit into one segment of a JPEG.
const PACKET_BYTES_MAX: usize = 48 * 1024;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Namespaces that are kept, by their usual prefixes.
const KEPT: [(&str, &str); 3] = [
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("xmpRights", "http://ns.adobe.com/xap/1.0/rights/"),
    ("cc", "http://creativecommons.org/ns#"),
];

/// What of Dublin Core says who made a picture.
const CORE: [&str; 4] = ["rights", "creator", "contributor", "publisher"];

/// Lists of RDF.
const LISTS: [&str; 3] = ["Alt", "Seq", "Bag"];

/// The properties of a packet that are kept; none of a packet that is too large, too deep or not well-formed.
pub fn read(packet: &[u8]) -> Vec<Property> {
    let text = std::str::from_utf8(packet).ok().filter(|text| text.len() <= BYTES_MAX);
    let mut properties = text.and_then(|text| found(text.trim_end_matches('\0'))).unwrap_or_default();
    for property in &mut properties {
        for value in &mut property.values {
            value.text = tidied(&value.text);
        }
        property.values.retain(|value| !value.text.is_empty());
    }
    properties.retain(|property| !property.values.is_empty());
    properties
}

/// Adds a property of Dublin Core that another standard knows, where the packet had none.
pub fn complete(properties: &mut Vec<Property>, name: &str, text: Option<&str>) {
    let is_there = properties.iter().any(|property| property.prefix == "dc" && property.name == name);
    if let Some(text) = text.filter(|_| !is_there) {
        let (list, language) = if name == "rights" { ("Alt", Some("x-default".to_owned())) } else { ("Seq", None) };
        let values = vec![Value { language, text: text.to_owned() }];
        properties.push(Property { prefix: "dc", name: name.to_owned(), form: Form::List(list), values });
    }
}

/// A packet of these properties; nothing for none.
pub fn packet(properties: &[Property]) -> Option<String> {
    let mut body = String::new();
    for property in properties {
        let written = property.written();
        if body.len() + written.len() <= PACKET_BYTES_MAX {
            body.push_str(&written);
        }
    }
    let namespaces: String = KEPT.iter().flat_map(|(prefix, uri)| [" xmlns:", prefix, "=\"", uri, "\""]).collect();
    let packet = format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"{RDF}\"><rdf:Description rdf:about=\"\"{namespaces}>{body}</rdf:Description></rdf:RDF>\
         </x:xmpmeta><?xpacket end=\"r\"?>"
    );
    (!body.is_empty()).then_some(packet)
}

// === impl Property ===

impl Property {
    fn new(prefix: &'static str, name: &str) -> Self {
        Self { prefix, name: name.to_owned(), form: Form::Text, values: vec![Value::default()] }
    }

    fn written(&self) -> String {
        let name = format!("{}:{}", self.prefix, self.name);
        let first = self.values.first().map_or("", |value| value.text.as_str());
        match self.form {
            Form::Text => format!("<{name}>{}</{name}>", escape(first)),
            Form::Resource => format!("<{name} rdf:resource=\"{}\"/>", escape(first)),
            Form::List(list) => {
                let item = |value: &Value| {
                    let language =
                        value.language.as_ref().map(|language| format!(" xml:lang=\"{}\"", escape(language)));
                    format!("<rdf:li{}>{}</rdf:li>", language.unwrap_or_default(), escape(&value.text))
                };
                let items: Vec<String> = self.values.iter().map(item).collect();
                format!("<{name}><rdf:{list}>{}</rdf:{list}></{name}>", items.concat())
            }
        }
    }
}

/// Everything that is kept, with values as they stand; nothing where the packet is not well-formed.
fn found(packet: &str) -> Option<Vec<Property>> {
    let mut reader = NsReader::from_str(packet);
    let mut properties: Vec<Property> = Vec::new();
    let mut open: Vec<Place> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                if open.len() >= DEPTH_MAX {
                    return None;
                }
                open.push(enter(&element, &reader, open.last().copied(), &mut properties));
            }
            Event::Empty(element) => {
                enter(&element, &reader, open.last().copied(), &mut properties);
            }
            Event::End(_) => {
                open.pop()?;
            }
            Event::Text(text) => say(&mut properties, open.last(), &text.xml10_content()),
            Event::CData(text) => say(&mut properties, open.last(), &text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(c) => say(&mut properties, open.last(), c.encode_utf8(&mut [0; 4])),
                None => say(&mut properties, open.last(), resolve_predefined_entity(&reference)?),
            },
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return open.is_empty().then_some(properties),
        }
    }
}

/// Takes what an element says by its name and its attributes, and tells what stands in it.
fn enter(
    element: &BytesStart<'_>,
    reader: &NsReader<&[u8]>,
    parent: Option<Place>,
    properties: &mut Vec<Property>,
) -> Place {
    let (namespace, local) = reader.resolver().resolve_element(element.name());
    let local: &str = local.as_ref();
    let is_rdf = namespace == ResolveResult::Bound(Namespace(RDF));
    match parent {
        _ if is_rdf && local == "RDF" => Place::Rdf,
        Some(Place::Rdf) => {
            attributes(element, |key, value| {
                let (namespace, local) = reader.resolver().resolve_attribute(key);
                if let Some(mut property) = kept(&namespace, local.as_ref(), properties) {
                    value.clone_into(&mut property.values[0].text);
                    properties.push(property);
                }
            });
            Place::Description
        }
        Some(Place::Description) => match kept(&namespace, local, properties) {
            Some(mut property) => {
                if let Some(address) = attribute(element, reader, RDF, "resource") {
                    property.form = Form::Resource;
                    property.values[0].text = address;
                }
                properties.push(property);
                Place::Property
            }
            None => Place::Elsewhere,
        },
        Some(Place::Property) => match (LISTS.into_iter().find(|list| *list == local), properties.last_mut()) {
            (Some(list), Some(property)) if is_rdf => {
                property.form = Form::List(list);
                property.values.clear();
                Place::List
            }
            _ => Place::Elsewhere,
        },
        Some(Place::List) => match properties.last_mut() {
            Some(property) if is_rdf && local == "li" && property.values.len() < VALUES_MAX => {
                let language = attribute(element, reader, XML, "lang").map(|language| tidied(&language));
                property.values.push(Value { language, text: String::new() });
                Place::Item
            }
            _ => Place::Elsewhere,
        },
        Some(Place::Item | Place::Elsewhere) | None => Place::Elsewhere,
    }
}

/// A new property of this name, if it is kept and not there yet.
fn kept(namespace: &ResolveResult<'_>, local: &str, properties: &[Property]) -> Option<Property> {
    let ResolveResult::Bound(namespace) = namespace else { return None };
    let (prefix, _) = KEPT.into_iter().find(|(_, uri)| *uri == namespace.0)?;
    let is_name = local.len() <= 64 && local.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_kept = is_name && (prefix != "dc" || CORE.contains(&local)) && properties.len() < PROPERTIES_MAX;
    let is_there = properties.iter().any(|property| property.prefix == prefix && property.name == local);
    (is_kept && !is_there).then(|| Property::new(prefix, local))
}

/// Adds text to the value that is being read.
fn say(properties: &mut [Property], place: Option<&Place>, text: &str) {
    let Some(property) = properties.last_mut() else { return };
    let is_said = match place {
        Some(Place::Item) => true,
        Some(Place::Property) => property.form == Form::Text,
        _ => false,
    };
    if let Some(value) = property.values.last_mut().filter(|_| is_said) {
        value.text.push_str(text);
    }
}

fn attributes(element: &BytesStart<'_>, mut each: impl FnMut(QName<'_>, &str)) {
    // Duplicates are not looked for, as that takes the square of their number; the first one counts.
    for attribute in element.attributes().with_checks(false).flatten() {
        if let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) {
            each(attribute.key, &value);
        }
    }
}

fn attribute(element: &BytesStart<'_>, reader: &NsReader<&[u8]>, namespace: &str, name: &str) -> Option<String> {
    let mut found = None;
    attributes(element, |key, value| {
        let (bound, local) = reader.resolver().resolve_attribute(key);
        if found.is_none() && bound == ResolveResult::Bound(Namespace(namespace)) && local.as_ref() == name {
            found = Some(value.to_owned());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACKET: &str = r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
        <x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description rdf:about="uuid:CANARY" xmlns:p="http://ns.adobe.com/photoshop/1.0/"
         xmlns:r="http://ns.adobe.com/xap/1.0/rights/" r:Marked="True" p:City="CANARY"/>
        <rdf:Description xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:cc="http://creativecommons.org/ns#"
         xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:exif="http://ns.adobe.com/exif/1.0/">
        <d:rights><rdf:Alt><rdf:li xml:lang="x-default">&#169; Jo &amp; Al</rdf:li><rdf:li xml:lang="de">Jo</rdf:li>
        </rdf:Alt></d:rights><d:creator><rdf:Seq><rdf:li>Jo</rdf:li><rdf:li> </rdf:li></rdf:Seq></d:creator>
        <d:subject><rdf:Bag><rdf:li>CANARY</rdf:li></rdf:Bag></d:subject><exif:GPSLatitude>CANARY</exif:GPSLatitude>
        <cc:license rdf:resource="https://example.com/by?a=1&amp;b=2"/><d:publisher><![CDATA[P & Q]]></d:publisher>
        <xmpRights:Owner rdf:parseType="Resource"><d:rights>CANARY</d:rights></xmpRights:Owner>
        <d:rights>CANARY</d:rights></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#;

    #[test]
    fn rights_are_kept_and_nothing_beside_them() {
        let properties = read(PACKET.as_bytes());
        let names: Vec<String> = properties.iter().map(|found| format!("{}:{}", found.prefix, found.name)).collect();
        assert_eq!(names, ["xmpRights:Marked", "dc:rights", "dc:creator", "cc:license", "dc:publisher"]);
        let packet = packet(&properties).unwrap();
        for part in [
            "<xmpRights:Marked>True</xmpRights:Marked>",
            "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">\u{a9} Jo &amp; Al</rdf:li>",
            "<rdf:li xml:lang=\"de\">Jo</rdf:li></rdf:Alt></dc:rights>",
            "<dc:creator><rdf:Seq><rdf:li>Jo</rdf:li></rdf:Seq></dc:creator>",
            "<cc:license rdf:resource=\"https://example.com/by?a=1&amp;b=2\"/>",
            "<dc:publisher>P &amp; Q</dc:publisher>",
        ] {
            assert!(packet.contains(part), "{part} in {packet}");
        }
        assert!(!packet.contains("CANARY"), "{packet}");
        assert_eq!(read(packet.as_bytes()), properties);
    }

    #[test]
    fn what_is_missing_is_completed() {
        let mut properties = read(PACKET.as_bytes());
        let before = properties.clone();
        complete(&mut properties, "rights", Some("Al"));
        complete(&mut properties, "contributor", None);
        assert_eq!(properties, before);
        let mut properties = Vec::new();
        complete(&mut properties, "rights", Some("\u{a9} Al"));
        let packet = packet(&properties).unwrap();
        assert!(packet.contains("<rdf:Alt><rdf:li xml:lang=\"x-default\">\u{a9} Al</rdf:li></rdf:Alt>"), "{packet}");
    }

    #[test]
    fn bad_packets_hold_nothing() {
        let deep = format!("{}{}", "<a>".repeat(DEPTH_MAX + 1), "</a>".repeat(DEPTH_MAX + 1));
        let large = format!("{PACKET}{}", " ".repeat(BYTES_MAX));
        let entity = format!("<!DOCTYPE a [<!ENTITY e 'x'>]>{}", PACKET.split_once("?>").unwrap().1);
        for bad in ["", "<a>", &deep, &large, &entity, &PACKET[..900], &PACKET.replace("&#169;", "&copy;")] {
            assert_eq!(read(bad.as_bytes()), [], "{}", &bad[..bad.len().min(60)]);
        }
        assert_eq!(packet(&[]), None);
    }

    #[test]
    fn packets_stay_small() {
        let mut properties = Vec::new();
        for name in ["rights", "creator", "publisher"] {
            complete(&mut properties, name, Some(&"x".repeat(PACKET_BYTES_MAX / 2)));
        }
        assert!(packet(&properties).unwrap().len() < 60 * 1024);
    }

    proptest! {
        #[test]
        fn any_damage_is_answered(at in 0usize..2000, byte in "[ -~]", cut in 0usize..2000) {
            let mut bad = PACKET.to_owned();
            let at = at % bad.len();
            bad.replace_range(at..=at, &byte);
            bad.truncate(bad.len() - cut % bad.len());
            let properties = read(bad.as_bytes());
            if let Some(packet) = packet(&properties) {
                prop_assert_eq!(read(packet.as_bytes()), properties);
            }
        }
    }
}
