//! The playground: one page, what there is to play with, and signatures for what was put together.
//!
//! It signs whatever it is asked to, so it exists in the demo alone.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use serde_json::{Value, json};

use super::originals::catalogue;
use super::page::{PAGE, content_security_policy};
use crate::engine::vips::{Op, VipsError};
use crate::flow::Failure;
use crate::http::Extra;
use crate::policy::Preset;
use crate::telemetry::clock;
use crate::transform::Format;
use crate::url::{DialectSpec, SourceEncoding, UrlError, build, options_json, parse};

/// Originals listed at most.
const LISTED_MAX: usize = 200;

/// The pages of the demo.
pub struct Playground {
    spec: DialectSpec,
    catalogue: Bytes,
    policy: HeaderValue,
}

// === impl Playground ===

impl Playground {
    /// Over the pictures in `folder`.
    pub fn new(folder: &Path, presets: &[Preset], spec: DialectSpec) -> anyhow::Result<Self> {
        let presets: Vec<_> = presets
            .iter()
            .map(|preset| json!({"name": preset.name, "description": preset.description, "options": preset.options}))
            .collect();
        let listed = json!({ "originals": originals(folder)?, "presets": presets, "options": options_json() });
        let policy = HeaderValue::try_from(content_security_policy())?;
        Ok(Self { spec, catalogue: Bytes::from(listed.to_string()), policy })
    }

    /// A signed path, once the options are known to be right.
    fn sign(&self, query: &str) -> Result<String, UrlError> {
        let field = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let options = field("options").unwrap_or_default();
        let source = field("source").unwrap_or_default();
        let extension = field("ext").filter(|extension| !extension.is_empty());
        let path = build(&options, &source, extension.as_deref(), SourceEncoding::Plain, &self.spec);
        parse(&path, &self.spec, clock::now_unix_s()).map(|_| path)
    }
}

impl Extra for Playground {
    fn route(&self, method: &Method, path: &str, query: Option<&str>) -> Option<Result<Response<Bytes>, Failure>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        match path {
            "/" => {
                let mut page = answer("text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes()));
                page.headers_mut().insert(CONTENT_SECURITY_POLICY, self.policy.clone());
                Some(Ok(page))
            }
            "/playground/catalogue" => Some(Ok(answer("application/json", self.catalogue.clone()))),
            "/playground/sign" => Some(match self.sign(query.unwrap_or_default()) {
                Ok(path) => Ok(answer("application/json", Bytes::from(json!({ "path": path }).to_string()))),
                Err(error) => Err(Failure::from(error)),
            }),
            _ => None,
        }
    }
}

fn answer(media_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Every picture of the folder: ours with their stories, others with their names.
fn originals(folder: &Path) -> anyhow::Result<Vec<Value>> {
    let known = catalogue();
    let place = |name: &str| known.iter().position(|original| original.name == name);
    let mut names: Vec<String> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && extension(name).is_some())
        .collect();
    names.sort_by_key(|name| (place(name).unwrap_or(usize::MAX), name.clone()));
    names.truncate(LISTED_MAX);
    let listed = names.iter().map(|name| {
        let story = place(name).map(|at| &known[at]);
        let bytes = Bytes::from(fs::read(folder.join(name))?);
        let (width, height) = size(&bytes, name).unwrap_or((0, 0));
        Ok(json!({
            "name": name,
            "title": story.map_or(name.as_str(), |story| story.title),
            "description": story.map_or("", |story| story.description),
            "kind": story.map_or("photo", |story| story.kind.name()),
            "source": format!("local:///{name}"),
            "bytes": bytes.len(),
            "width": width,
            "height": height,
        }))
    });
    listed.collect()
}

fn extension(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    Format::from_name(&extension.to_ascii_lowercase())
}

/// Sides of one frame.
fn size(bytes: &Bytes, name: &str) -> Result<(u32, u32), VipsError> {
    let loader = match extension(name) {
        Some(Format::Jpeg) => "jpegload_source",
        Some(Format::Png) => "pngload_source",
        Some(Format::Webp) => "webpload_source",
        Some(Format::Gif) => "gifload_source",
        Some(Format::Avif | Format::Heic) => "heifload_source",
        Some(Format::Tiff) => "tiffload_source",
        _ => "svgload_source",
    };
    let image = Op::load(loader, bytes)?.image()?;
    Ok((image.width(), image.height()))
}
