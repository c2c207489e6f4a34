//! The machine: libvips and what it was built with, fonts, file descriptors, processors, memory.

use bytes::Bytes;
use rustix::process::{Resource, getrlimit};

use super::report::Finding;
use crate::config::Config;
use crate::engine::Workplace;
use crate::engine::vips::{Op, Vips, VipsError};
use crate::flow::isolation;
use crate::telemetry::machine::{Machine, machine};
use crate::transform::Format;

/// A drawing with nothing in it but text, in whatever font is there.
const TEXT: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"64\" height=\"32\">\
    <text x=\"4\" y=\"24\" font-size=\"24\" font-family=\"sans-serif\">tin</text></svg>";

/// Descriptors beside connections and fetches: listeners, libraries, files of the system.
const OTHER_FILES: u64 = 64;

/// Processors and memory that this process may use, and who says so.
pub fn grants() -> Vec<Finding> {
    let Machine { cpus, memory_bytes } = machine();
    let processors = if cpus.value == 1 { "processor" } else { "processors" };
    let cpus = Finding::ok("processors", format!("{} {processors}, by {}", cpus.value, cpus.source));
    let memory = match memory_bytes {
        Some(found) => Finding::ok("memory", format!("{} MiB, by {}", found.value >> 20, found.source)),
        None => Finding::warn("memory", "nobody knows how much there is: sizes that are `auto` are largest".to_owned()),
    };
    vec![cpus, memory]
}

/// libvips, the formats that are configured, and fonts.
pub fn libvips(vips: &Vips, config: Option<&Config>) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("libvips", "starts, and has every operation that is needed".to_owned())];
    let preferred = config.map(|config| config.formats.preference.clone()).unwrap_or_default();
    let unwritable = preferred.into_iter().filter(|name| !Format::from_name(name).is_some_and(|f| vips.saves(f)));
    findings.extend(unwritable.map(|name| {
        let text = format!("{name} is in format_preference, but this libvips cannot write it: it is passed over");
        Finding::warn("formats", text)
    }));
    findings.push(fonts(vips));
    findings
}

/// Whether worker processes can be had, and what confines them: one is started and ends.
pub fn workers(config: &Config) -> Finding {
    let opened = Workplace::open(&isolation(&config.engine));
    match opened.as_ref().map(Workplace::layers) {
        Ok(Some(layers)) if layers.is_complete() => {
            Finding::ok("workers", format!("processes of their own, confined: {}", layers.words().join(", ")))
        }
        Ok(Some(layers)) => {
            let text = format!("processes of their own, not confined by all there is: {}", layers.words().join(", "));
            Finding::warn("workers", text)
        }
        Ok(None) => {
            let text = "threads of the server: a picture that crashes or takes over a codec has the whole server";
            Finding::warn("workers", text.to_owned())
        }
        Err(error) => {
            let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
            Finding::fail("workers", causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")))
        }
    }
}

/// Whether text in a drawing leaves a trace.
fn fonts(vips: &Vips) -> Finding {
    if !vips.loads(Format::Svg) {
        return Finding::warn("fonts", "this libvips reads no SVG, so that there is no text to draw".to_owned());
    }
    match draws_text() {
        Ok(true) => Finding::ok("fonts", "text in SVG is drawn".to_owned()),
        Ok(false) => {
            let text = "text in SVG stays invisible: no font is installed (fonts-dejavu-core is one)";
            Finding::warn("fonts", text.to_owned())
        }
        Err(error) => Finding::fail("fonts", format!("a plain SVG cannot be drawn: {error}")),
    }
}

fn draws_text() -> Result<bool, VipsError> {
    let image = Op::load("svgload_source", &Bytes::from_static(TEXT))?.image()?;
    Ok(image.pixels()?.iter().any(|value| *value != 0))
}

/// Whether as many files may be open as the settings allow connections.
pub fn files(config: &Config) -> Finding {
    let wanted = config.server.connections_max.saturating_add(config.fetch.fetches_max) as u64 + OTHER_FILES;
    // The server raises its own limit as far as it may.
    match getrlimit(Resource::Nofile).maximum {
        Some(max) if max < wanted => {
            let text = format!(
                "{max} may be open, fewer than connections_max and fetches_max may need ({wanted}); see `ulimit -Hn`"
            );
            Finding::warn("files", text)
        }
        Some(max) => Finding::ok("files", format!("{max} may be open, {wanted} may be needed")),
        None => Finding::ok("files", "any number may be open".to_owned()),
    }
}
