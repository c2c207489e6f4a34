//! Attacks that must not come through, drawings that must, and what holds for any bytes.

use proptest::prelude::*;

use super::never::NEVER;
use super::*;
use crate::engine::vips::{Op, Vips, VipsSpec};

const HEAD: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"";

/// One pixel of PNG.
const DOT: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAE\
    hQGAhKmMIQAAAABJRU5ErkJggg==";

/// What is left of elements in an ordinary root.
fn body(elements: &str) -> String {
    let clean = clean(format!("{HEAD}>{elements}</svg>").as_bytes()).expect(elements);
    let inner = clean.strip_prefix(HEAD).expect("the usual root");
    inner.strip_prefix('>').and_then(|inner| inner.strip_suffix("</svg>")).unwrap_or_default().to_owned()
}

#[test]
fn what_runs_goes() {
    let rows = [
        ("<script>alert(1)</script><g/>", "<g/>"),
        ("<script xlink:href='http://a/b.js'/><g/>", "<g/>"),
        ("<s:script xmlns:s='http://www.w3.org/2000/svg'>alert(1)</s:script>", ""),
        ("<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>", ""),
        ("<h:script xmlns:h='http://www.w3.org/1999/xhtml'>alert(1)</h:script>", ""),
        ("<SCRIPT>alert(1)</SCRIPT><Script/>", ""),
        ("<handler type='text/javascript'>alert(1)</handler>", ""),
        ("<foreignObject><g><script/></g><body xmlns='http://www.w3.org/1999/xhtml'/></foreignObject><g/>", "<g/>"),
        ("<iframe/><object/><embed/><audio/><video/><canvas/><link/><meta/><form/><input/><discard/>", ""),
        ("<g onclick='alert(1)' onload='a' ONLOAD='a' onbegin='a'/>", "<g/>"),
        ("<g ev:event='click' xmlns:ev='http://www.w3.org/2001/xml-events' ev:handler='#h'/>", "<g/>"),
        ("<a href='javascript:alert(1)'><text>x</text></a>", "<a><text>x</text></a>"),
        ("<a xlink:href='java&#10;script:alert(1)'/>", "<a/>"),
        ("<a xmlns:x='http://www.w3.org/1999/xlink' x:href='javascript:alert(1)'/>", "<a/>"),
        ("<a href='&#9; JavaScript:alert(1)'/>", "<a/>"),
        ("<animate attributeName='href' values='javascript:alert(1)'/>", ""),
        ("<animate attributeName='xlink:href' to='javascript:alert(1)'/>", ""),
        ("<set attributeName='onclick' to='alert(1)'/><set attributeName=' href ' to='#b'/><set to='1'/>", ""),
        ("<set attributeName='class' to='x'/><set attributeName='style' to='fill:red'/>", ""),
        ("<title><g><script>x</script></g>kept</title>", "<title>kept</title>"),
        ("<style><script>alert(1)</script></style>", "<style/>"),
        ("<text>&lt;script&gt;alert(1)&lt;/script&gt;</text>", "<text>&lt;script&gt;alert(1)&lt;/script&gt;</text>"),
        ("<text><![CDATA[<script>alert(1)</script>]]></text>", "<text>&lt;script&gt;alert(1)&lt;/script&gt;</text>"),
        ("<!-- <script> --><g/><?php echo 1 ?>", "<g/>"),
        ("<g id='\"&gt;&lt;script&gt;'/>", "<g id=\"&quot;&gt;&lt;script&gt;\"/>"),
    ];
    for (given, left) in rows {
        assert_eq!(body(given), left, "{given}");
    }
}

#[test]
fn what_loads_goes() {
    let rows = [
        ("<image href='http://a/b.png' width='1'/>", "<image width=\"1\"/>"),
        (
            "<image xlink:href='//a/b.png'/><image href='b.png'/><image href='file:///etc/passwd'/>",
            "<image/><image/><image/>",
        ),
        ("<image href='data:image/svg+xml;base64,PHN2Zy8+'/>", "<image/>"),
        ("<image href='data:image/svg+xml,&lt;svg/>'/>", "<image/>"),
        ("<filter><feImage href='http://a/b.png'/></filter>", "<filter><feImage/></filter>"),
        (
            "<use href='http://a/b.svg#c'/><use href='b.svg#c'/><use xlink:href='data:image/svg+xml,x#c'/>",
            "<use/><use/><use/>",
        ),
        ("<textPath href='http://a#b'/><mpath xlink:href='http://a#b'/>", "<textPath/><mpath/>"),
        ("<linearGradient xlink:href='http://a#b'/><pattern href='http://a#b'/>", "<linearGradient/><pattern/>"),
        ("<g xml:base='http://a/'><use href='#b'/></g>", "<g><use href=\"#b\"/></g>"),
        ("<rect fill='url(http://a#b)' stroke='red'/>", "<rect stroke=\"red\"/>"),
        ("<rect fill='u&#92;72l(http://a#b)' stroke='red'/>", "<rect stroke=\"red\"/>"),
        ("<rect filter='url(//a#b)' mask=\"url('a.svg#b')\" clip-path='url(a#b)' marker-end='url(a#b)'/>", "<rect/>"),
        ("<rect cursor='url(http://a/c.cur), auto' x='url(http://a)' d='javascript:x'/>", "<rect/>"),
        ("<rect style='fill:url(http://a#b);stroke:red'/>", "<rect style=\"stroke:red\"/>"),
        ("<rect style='background:url(http://a);-moz-binding:url(#a)'/>", "<rect style=\"\"/>"),
        ("<style>@import url(http://a/b.css);.a{fill:red}</style>", "<style>.a{fill:red}</style>"),
        ("<style>@imp&#x6f;rt 'a';</style><style><![CDATA[@import 'a';]]></style>", "<style/><style/>"),
        ("<style>@imp<!-- -->ort 'a';.a{fill:red}</style>", "<style>.a{fill:red}</style>"),
        (
            "<style type='text/ecmascript'>x</style><style type='Text/CSS '>.a{fill:red}</style>",
            "<style>.a{fill:red}</style>",
        ),
        ("<set attributeName='fill' to='url(http://a#b)'/>", "<set attributeName=\"fill\"/>"),
        ("<animate attributeName='filter' values='none;url(http://a#b)'/>", "<animate attributeName=\"filter\"/>"),
        ("<font-face><font-face-src><font-face-uri href='http://a'/></font-face-src></font-face>", ""),
        ("<color-profile href='http://a'/><cursor href='http://a'/><tref href='http://a'/>", ""),
        ("<metadata><a href='http://a'/></metadata>", ""),
    ];
    for (given, left) in rows {
        assert_eq!(body(given), left, "{given}");
    }
    let styled =
        b"<?xml version='1.0'?><?xml-stylesheet href='http://a/b.css'?><svg xmlns='http://www.w3.org/2000/svg'/>";
    assert_eq!(clean(styled).unwrap(), format!("{HEAD}/>"));
}

#[test]
fn what_cannot_be_made_safe_is_refused() {
    let rows: [(&str, &str); 18] = [
        ("<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>", "Entities"),
        ("<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>", "Entities"),
        ("<!DOCTYPE svg [<!entity a 'b'>]><svg/>", "Entities"),
        ("<!DOCTYPE svg [%x;]><svg/>", "Entities"),
        ("<svg><!DOCTYPE svg></svg>", "Entities"),
        ("<svg>&nbsp;</svg>", "Entities"),
        ("<svg id='&nbsp;'/>", "Entities"),
        ("<svg id='&#1;'/>", "Character"),
        ("<svg><text>\u{1}</text></svg>", "Character"),
        ("<?xml version='1.0' encoding='utf-16'?><svg/>", "Encoding"),
        ("<?xml version='1.0' encoding='iso-8859-1'?><svg id='\u{e9}'/>", "Encoding"),
        ("<html><svg/></html>", "Root"),
        ("<x:svg/>", "Root"),
        ("<svg/><svg/>", "Root"),
        ("<svg/>text", "Root"),
        ("<svg><g>", "Root"),
        ("<svg><g></svg>", "Xml"),
        ("<svg id='a' id='b'/>", "Xml"),
    ];
    for (given, why) in rows {
        let refusal = clean(given.as_bytes()).expect_err(given);
        assert!(format!("{refusal:?}").starts_with(why), "{given}: {refusal:?}");
    }
    assert!(matches!(clean(b"<svg>\xff</svg>"), Err(Refusal::Encoding)));
    assert!(matches!(clean(b""), Err(Refusal::Root)));
    let bytes = Bytes::from_static(b"<html/>");
    assert!(matches!(sanitised(&bytes), Err(EngineError::UnsafeSvg)));
}

#[test]
fn limits_hold_at_the_limit_and_one_above() {
    let nested = |depth: usize| format!("<svg>{}{}</svg>", "<g>".repeat(depth - 1), "</g>".repeat(depth - 1));
    assert!(clean(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert!(matches!(clean(nested(DEPTH_MAX + 1).as_bytes()), Err(Refusal::Depth)));
    let skipped = nested(DEPTH_MAX + 1).replace("<g>", "<x>").replace("</g>", "</x>");
    assert!(matches!(clean(skipped.as_bytes()), Err(Refusal::Depth)));
    let many = |count: u32| format!("<svg>{}</svg>", "<g/>".repeat(count as usize - 1));
    assert!(clean(many(ELEMENTS_MAX).as_bytes()).is_ok());
    assert!(matches!(clean(many(ELEMENTS_MAX + 1).as_bytes()), Err(Refusal::Elements)));
    let attributes = |count: usize| {
        let attributes: Vec<String> = (0..count).map(|at| format!(" a{at}=''")).collect();
        attributes.concat()
    };
    for (before, after) in [("<svg", "/>"), ("<svg><g", "/></svg>"), ("<svg><x", "/></svg>")] {
        let with = |count: usize| format!("{before}{}{after}", attributes(count));
        assert!(clean(with(ATTRIBUTES_MAX).as_bytes()).is_ok());
        assert!(matches!(clean(with(ATTRIBUTES_MAX + 1).as_bytes()), Err(Refusal::Attributes)));
    }
    let long = |bytes: usize| format!("<svg/>{}", " ".repeat(bytes - 6));
    assert!(clean(long(BYTES_MAX).as_bytes()).is_ok());
    assert!(matches!(clean(long(BYTES_MAX + 1).as_bytes()), Err(Refusal::Bytes)));
    let quotes = format!("<svg id='{}'/>", "\"".repeat(BYTES_MAX / 6));
    assert!(matches!(clean(quotes.as_bytes()), Err(Refusal::Bytes)), "the result has the same limit");
}

#[test]
fn references_that_multiply_are_refused() {
    let tower = |floors: u32, made: &dyn Fn(u32) -> String| {
        let floor = |at: u32| format!("<g id='f{}'>{}</g>", at + 1, made(at).repeat(10));
        format!("<svg><g id='f0'/>{}</svg>", (0..floors).map(floor).collect::<String>())
    };
    let uses = |at: u32| format!("<use href='#f{at}'/>");
    let paints = |at: u32| format!("<g style='fill:url(#f{at})'/><g mask='url(\"#f{at}\")'/>");
    assert!(clean(tower(4, &uses).as_bytes()).is_ok());
    assert!(matches!(clean(tower(8, &uses).as_bytes()), Err(Refusal::References)));
    assert!(matches!(clean(tower(8, &paints).as_bytes()), Err(Refusal::References)));
}

#[test]
fn embedded_pixels_are_counted_together() {
    let picture = |side: u32| {
        use base64::Engine as _;
        let header = [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &side.to_be_bytes(), &side.to_be_bytes()].concat();
        format!("<image href='data:image/png;base64,{}'/>", base64::engine::general_purpose::STANDARD.encode(header))
    };
    assert_eq!(body(&picture(5000)).matches("data:").count(), 1);
    assert_eq!(body(&picture(5001)).matches("data:").count(), 0);
    assert_eq!(body(&picture(3000).repeat(3)).matches("data:").count(), 2);
}

#[test]
fn ordinary_drawings_keep_what_they_draw() {
    let kept = [
        r#"<g id="a" class="b c" transform="matrix(1,0,0,-1,.5,-1e-3)"><path d="M0,0 L10-5.5.5&#10;z"/></g>"#,
        r##"<rect fill="url(#g)" stroke="#F00" style="fill-opacity:.5;stroke:rgb(1, 2, 3)"/>"##,
        r##"<linearGradient xlink:href="#h" gradientUnits="userSpaceOnUse"><stop offset="5%"/></linearGradient>"##,
        r#"<text x="1" xml:space="preserve"> a<tspan dx="1 2">b &amp; c</tspan>  </text>"#,
        &format!(r#"<image width="10px" preserveAspectRatio="xMidYMid slice" xlink:href="{DOT}"/>"#),
        r#"<filter id="f"><feColorMatrix in="SourceGraphic" values="1 0 0 0 0 0 1 0 0 0"/></filter>"#,
        r"<style>.st0{fill:#FFF}.st1{clip-path:url(#c)}</style>",
        r#"<circle r="4"><animate attributeName="r" values="4;8" dur="1s" repeatCount="indefinite"/></circle>"#,
        r#"<animateTransform attributeName="transform" type="rotate" from="0 5 5" to="360 5 5" dur="1s"/>"#,
        r##"<a href="#there"><text font-family="&quot;A B&quot;, serif">x</text></a>"##,
        r#"<switch><text systemLanguage="de">x</text></switch>"#,
    ];
    for element in kept {
        assert_eq!(body(element), element);
    }
}

#[test]
fn what_editors_add_goes_and_prefixes_are_names_of_namespaces() {
    let inkscape = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<!-- Created with an editor -->\n\
        <!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n\
        <s:svg xmlns:i=\"http://www.inkscape.org/namespaces/inkscape\" xmlns:s=\"http://www.w3.org/2000/svg\" \
        xmlns:l=\"http://www.w3.org/1999/xlink\" width=\"10mm\" i:version=\"1\">\n\
        <i:namedview><s:rect/></i:namedview><s:metadata><s:rect/></s:metadata>\n\
        <s:g i:label=\"Layer\" s:fill=\"red\" display=\"inline\"><s:use l:href=\"#a\" l:title=\"x\"/></s:g></s:svg>\n";
    let left = format!("{HEAD} width=\"10mm\"><g display=\"inline\"><use xlink:href=\"#a\"/></g></svg>");
    assert_eq!(clean(inkscape.as_bytes()).unwrap(), left);
    let illustrator = "<switch><foreignObject requiredExtensions=\"http://ns.adobe.com/AdobeIllustrator/10.0/\"/>\
        <g requiredExtensions=\"x\"/><g i:extraneous=\"self\" enable-background=\"new    \"/></switch>";
    assert_eq!(body(illustrator), "<switch><g enable-background=\"new    \"/></switch>");
    assert_eq!(body("<rect xmlns=''/><rect xmlns='urn:x'/><rect/>"), "<rect/>");
    assert_eq!(clean(b"\xef\xbb\xbf<svg><g/></svg>").unwrap(), format!("{HEAD}><g/></svg>"), "a root of no namespace");
    let latin = "<?xml version='1.0' encoding='ISO-8859-1'?><svg/>";
    assert_eq!(clean(latin.as_bytes()).unwrap(), format!("{HEAD}/>"));
}

/// The pixels that a drawing becomes.
fn pixels(svg: &str) -> Vec<u8> {
    Vips::start(VipsSpec { threads: 1 }).unwrap();
    let bytes = Bytes::from(svg.to_owned());
    Op::load("svgload_source", &bytes).unwrap().image().unwrap().pixels().unwrap()
}

#[test]
fn drawings_render_as_before() {
    let drawing = format!(
        "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink' \
         width='60' height='60' viewBox='0 0 60 60'><style><![CDATA[/* c */ .a {{ fill : url( #g ) ; }} \
         g > .b{{stroke:#0a0;stroke-width:2}}]]></style><defs><linearGradient id='g'><stop stop-color='#f00'/>\
         <stop offset='1' style='stop-color:blue;stop-opacity:.5'/></linearGradient><clipPath id='c'><circle r='9' \
         cx='9' cy='9'/></clipPath><filter id='f'><feGaussianBlur stdDeviation='2'/></filter>\
         <symbol id='s' viewBox='0 0 4 4'><path d='M0 0h4v4z'/></symbol></defs>\
         <g><rect class='a b' width='30' height='20'/></g><rect clip-path='url(#c)' width='9' height='9' y='30'/>\
         <g transform='translate(30 30) rotate(45)'><rect width='9' height='9' filter='url(#f)'/></g>\
         <use x:href='#s' x='40' y='2' width='16' height='16'/>\
         <image x='2' y='45' width='9' height='9' x:href='{DOT}'/>\
         <text x='5' y='58' font-size='9'>a <tspan fill='red'>b</tspan></text></svg>"
    );
    let clean = clean(drawing.as_bytes()).unwrap();
    assert_ne!(clean, drawing);
    assert_eq!(pixels(&clean), pixels(&drawing));
    assert_ne!(pixels(&clean), pixels("<svg xmlns='http://www.w3.org/2000/svg' width='60' height='60'/>"));
}

/// Reads a result with nothing of the sanitiser's and names what must not be in it.
fn dangers(svg: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut reader = quick_xml::Reader::from_str(svg);
    let mut in_style = false;
    loop {
        let event = reader.read_event().expect("well-formed");
        match &event {
            Event::Eof => return found,
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().0.to_ascii_lowercase();
                in_style = matches!(event, Event::Start(_)) && name == "style";
                if NEVER.contains(&name.as_str()) || name.contains(':') {
                    found.push(name.clone());
                }
                for attribute in element.attributes() {
                    let attribute = attribute.expect("well-formed");
                    let key = attribute.key.0.to_ascii_lowercase();
                    let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).expect("well-formed");
                    if !key.starts_with("xmlns") && is_danger(&key, &value) {
                        found.push(format!("{key}={value}"));
                    }
                }
            }
            Event::Text(text) if in_style && is_danger("style", text) => found.push(text.to_string()),
            Event::End(_) => in_style = false,
            Event::Text(_) | Event::GeneralRef(_) => {}
            other => found.push(format!("{other:?}")),
        }
    }
}

fn is_danger(key: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let address = value.trim_start();
    if key.ends_with("href") {
        return !address.starts_with('#') && !address.starts_with("data:image/png;base64,");
    }
    let named = matches!(key, "id" | "class" | "result" | "in" | "in2" | "media" | "role" | "lang" | "xml:lang");
    let loads = value
        .match_indices("url(")
        .any(|(at, _)| !value[at + 4..].trim_start_matches([' ', '"', '\'']).starts_with('#'));
    let runs = ["javascript:", "//", "@import", "expression(", "<script"].iter().any(|word| value.contains(word));
    key.starts_with("on") || key == "xml:base" || (loads || runs) && !named
}

/// Pieces of drawings and of attacks, to be strung together.
#[rustfmt::skip]
const PIECES: [&str; 67] = [
    "<g>", "</g>", "<text>", "</text>", "<style>", "</style>", "<script>", "</script>", "<a ", "<image ", "<use ",
    "<rect ", "<set ", "<foreignObject>", "</foreignObject>", ">", "/>", "<![CDATA[", "]]>", "<!--", "-->", "&lt;",
    "&#106;", "&amp;", " href='", " xlink:href=\"", " onload='", " style='", " fill=\"", " attributeName='",
    " values='", " id='", " xmlns='", " xmlns:x='http://www.w3.org/1999/xlink' x:href='", "'", "\"", "#a",
    "javascript:", "http://a/", "//a", "data:image/png;base64,", "url(", "url('", ")", "@import ", "\\75 rl(", "{",
    "}", ";", ".a", "fill:", "expression(", "/*", "*/", "href", "src(", "<?pi ", "?>", "<!DOCTYPE svg>", "\u{e9}",
    " ", "\n", "<svg xmlns='http://www.w3.org/2000/svg'>", "</svg>", "0 1 2", "<style>.a{fill:url(", ")}</style>",
];

fn pieces() -> impl Strategy<Value = String> {
    let wrapped = prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..24).prop_map(|all| all.concat());
    (wrapped, any::<bool>()).prop_map(|(inner, is_inside)| {
        if is_inside { format!("{HEAD}><g {inner}/></svg>") } else { format!("{HEAD}>{inner}</svg>") }
    })
}

/// Well-formed elements with attributes of every kind, so that most of them come through.
fn elements() -> impl Strategy<Value = String> {
    let name =
        prop::sample::select(vec!["g", "a", "image", "use", "script", "set", "animate", "rect", "style", "text", "x"]);
    let key = prop::sample::select(vec![
        "href",
        "xlink:href",
        "onload",
        "style",
        "fill",
        "values",
        "to",
        "attributeName",
        "id",
        "d",
        "filter",
        "src",
    ]);
    let value = prop::collection::vec(
        prop::sample::select(vec![
            "#a",
            "javascript:",
            "http://a",
            "url(",
            ")",
            "'",
            "&quot;",
            "\\72 ",
            "fill",
            "href",
            ":",
            ";",
            "red",
            " ",
            "//a",
            "&#10;",
            "expression(",
            "/**/",
            "data:image/png;base64,",
            "u",
            "rl(",
            "0",
            "@import ",
            "{",
            "}",
        ]),
        0..6,
    );
    let attributes = prop::collection::hash_map(key, value.prop_map(|value| value.concat()), 0..4);
    let element = (name, attributes, "[a-z{}();:#@\"' /*\\\\.]{0,20}").prop_map(|(name, attributes, text)| {
        let attributes: Vec<String> = attributes.iter().map(|(key, value)| format!(" {key}=\"{value}\"")).collect();
        format!("<{name}{}>{text}</{name}>", attributes.concat())
    });
    prop::collection::vec(element, 0..6).prop_map(|elements| format!("{HEAD}>{}</svg>", elements.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_dangerous_is_left_and_a_second_pass_changes_nothing(svg in prop_oneof![pieces(), elements()]) {
        if let Ok(once) = clean(svg.as_bytes()) {
            prop_assert_eq!(dangers(&once), Vec::<String>::new(), "{}", once);
            prop_assert_eq!(clean(once.as_bytes()).unwrap(), once);
        }
    }

    #[test]
    fn most_made_drawings_come_through(svg in elements()) {
        prop_assert!(clean(svg.as_bytes()).is_ok() || svg.contains('&'), "{}", svg);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = clean(&bytes);
    }

    #[test]
    fn any_damage_is_answered(at in 0usize..400, byte: u8, cut in 0usize..400) {
        let svg = format!("<!DOCTYPE svg>{HEAD}><style>.a{{fill:url(#a)}}</style><image href='{DOT}'/></svg>");
        let mut svg = svg.into_bytes();
        let len = svg.len();
        svg[at % len] = byte;
        svg.truncate(len - cut % len);
        if let Ok(once) = clean(&svg) {
            prop_assert_eq!(dangers(&once), Vec::<String>::new());
        }
    }
}
