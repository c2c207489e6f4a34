//! HTML for a picture in several widths and formats. Pure text.

use std::fmt::Write as _;

use crate::transform::Format;

/// Proportions of what is shown, in any unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub width: u32,
    pub height: u32,
}

/// Everything that stands in a `<picture>`.
pub struct Picture<'a> {
    /// Candidates of each format that not every browser shows, best first.
    pub sources: Vec<(&'a str, Vec<(u32, String)>)>,
    /// Candidates for all other browsers, narrowest first.
    pub fallback: Vec<(u32, String)>,
    pub sizes: &'a str,
    /// Absent where only the original could tell.
    pub shape: Option<Shape>,
}

/// Candidates of an `<img srcset>`, a line each, as they are: a template escapes what it inserts.
pub fn srcset(candidates: &[(u32, String)]) -> String {
    let lines: Vec<_> = candidates.iter().map(|(width, url)| format!("{url} {width}w")).collect();
    lines.join(",\n") + "\n"
}

/// The element, ready to be pasted into a page.
pub fn picture(picture: &Picture<'_>) -> String {
    let sizes = escaped(picture.sizes);
    let mut html = String::from("<picture>\n");
    for (name, candidates) in &picture.sources {
        let media_type = Format::from_name(name).map_or("", Format::media_type);
        let list = list(candidates);
        let _ = writeln!(html, "  <source type=\"{media_type}\" sizes=\"{sizes}\" srcset=\"{list}\">");
    }
    let widest = picture.fallback.last();
    let src = widest.map(|(_, url)| escaped(url)).unwrap_or_default();
    let (width, height) = sides(picture.shape, widest.map_or(0, |(width, _)| *width));
    let list = list(&picture.fallback);
    let _ = writeln!(html, "  <img src=\"{src}\" sizes=\"{sizes}\" srcset=\"{list}\"");
    let _ = writeln!(html, "    width=\"{width}\" height=\"{height}\" alt=\"\">\n</picture>");
    html
}

/// Sides for the attributes, from which a browser takes the proportions before the picture is here.
fn sides(shape: Option<Shape>, widest: u32) -> (String, String) {
    match shape {
        Some(shape) => (widest.to_string(), super::scaled(shape.height, widest, shape.width).to_string()),
        None => ("WIDTH".to_owned(), "HEIGHT".to_owned()),
    }
}

fn list(candidates: &[(u32, String)]) -> String {
    let lines: Vec<_> = candidates.iter().map(|(width, url)| format!("\n    {} {width}w", escaped(url))).collect();
    lines.join(",")
}

/// Text as it stands in an attribute between double quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_hold_what_they_are_given() {
        let candidates = |name: &str| vec![(10, format!("/{name}?a&b")), (20, format!("/{name}2"))];
        let html = picture(&Picture {
            sources: vec![("avif", candidates("x"))],
            fallback: candidates("y"),
            sizes: "\"50vw\"",
            shape: Some(Shape { width: 16, height: 9 }),
        });
        let wanted = "<picture>\n  \
            <source type=\"image/avif\" sizes=\"&quot;50vw&quot;\" srcset=\"\n    /x?a&amp;b 10w,\n    /x2 20w\">\n  \
            <img src=\"/y2\" sizes=\"&quot;50vw&quot;\" srcset=\"\n    /y?a&amp;b 10w,\n    /y2 20w\"\n    \
            width=\"20\" height=\"11\" alt=\"\">\n</picture>\n";
        assert_eq!(html, wanted);
        assert_eq!(sides(None, 20), ("WIDTH".to_owned(), "HEIGHT".to_owned()));
    }
}
