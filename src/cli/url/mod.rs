//! `tintype url`: options and a source become a signed URL, after the parser that will read it has read it.

mod markup;

use anyhow::{bail, ensure};

use self::markup::{Picture, Shape, picture, srcset};
use super::settings::{Settings, presets};
use super::{out, refusal};
use crate::config::Config;
use crate::flow::dialect;
use crate::telemetry::clock;
use crate::transform::{Asked, PaddingAsked, ResizeType};
use crate::url::{DialectSpec, Parsed, SourceEncoding, build, parse, source_matches};

/// What `tintype url` is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tintype url local:///a.jpg w:300                    in a format that the client takes\n  \
    tintype url https://example.com/a.jpg rs:fill:300:200 q:75 --ext webp\n  \
    tintype url s3://photos/a.jpg pr:card --host https://images.example.com\n  \
    tintype url local:///a.jpg --srcset 320,640,1280    candidates for <img srcset>\n  \
    tintype url local:///a.jpg rs:fill:16:9 --picture   HTML, cut to 16:9 in every width\n\n\
    The key and the salt come from TINTYPE_KEY and TINTYPE_SALT or the file of settings; without them \
    the URL is unsigned. `tintype options` lists the options. Settings that shape URLs, such as \
    --path-prefix, are flags too; `--help` lists them.")]
pub struct UrlArgs {
    /// The original, as the server names it: `https://…`, `local:///…`, `s3://bucket/key`
    source: String,
    /// Options as in a URL, such as `w:300` or `rs:fill:300:200/q:80`; names of presets where `only_presets` is on
    #[arg(value_name = "OPTION")]
    options: Vec<String>,
    /// The format of the result; without it the format is negotiated
    #[arg(long, value_name = "FORMAT")]
    ext: Option<String>,
    /// Write the source in base64, which nothing on the way can change
    #[arg(long)]
    base64: bool,
    /// What stands before the path, such as `https://images.example.com`
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    host: String,
    /// Print a candidate of `<img srcset>` for each of these widths; a height is scaled along
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_535))]
    srcset: Vec<u32>,
    /// Print a complete HTML `<picture>` with a source for each modern format
    #[arg(long)]
    picture: bool,
    /// How wide the picture is shown, for `<picture>`
    #[arg(long, value_name = "SIZES", default_value = "100vw", requires = "picture")]
    sizes: String,
    #[command(flatten)]
    settings: Settings,
}

/// Widths of a `<picture>` for which none were given: from phones to large screens.
const WIDTHS: [u32; 5] = [320, 640, 960, 1280, 1920];

/// Everything that the URLs of one picture share.
struct Maker<'a> {
    args: &'a UrlArgs,
    spec: DialectSpec,
    options: Vec<String>,
    url_bytes_max: usize,
}

// === impl Maker ===

impl Maker<'_> {
    /// The URL with further options, and what the server will understand.
    fn url(&self, further: &[String], extension: Option<&str>) -> anyhow::Result<(String, Parsed)> {
        let options = [&self.options, further].concat().join("/");
        let encoding = if self.args.base64 { SourceEncoding::Base64 } else { SourceEncoding::Plain };
        let path = build(&options, &self.args.source, extension, encoding, &self.spec);
        let mut reading = self.spec.clone();
        reading.signing.allow_unsigned |= reading.signing.keys.is_empty();
        let parsed = parse(&path, &reading, clock::now_unix_s()).map_err(|error| refusal::explained(&error))?;
        let (len, max) = (path.len(), self.url_bytes_max);
        ensure!(len <= max, "the path has {len} bytes, the limit is {max} (setting url.bytes_max)");
        Ok((format!("{}{path}", self.args.host.trim_end_matches('/')), parsed))
    }

    /// The candidates of `srcset`, or the HTML around them.
    fn several(&self, asked: &Asked, config: &Config) -> anyhow::Result<String> {
        ensure!(!self.spec.only_presets, "a URL of presets alone (setting only_presets) has no width to vary");
        ensure!(asked.raw != Some(true), "option raw asks for the original itself, which has one width");
        let mut widths = if self.args.srcset.is_empty() { WIDTHS.to_vec() } else { self.args.srcset.clone() };
        widths.sort_unstable();
        widths.dedup();
        let candidates = |extension: Option<&str>| -> anyhow::Result<Vec<(u32, String)>> {
            let candidate = |width: &u32| Ok((*width, self.url(&self.at(*width, asked), extension)?.0));
            widths.iter().map(candidate).collect()
        };
        let fallback = candidates(self.args.ext.as_deref())?;
        if !self.args.picture {
            return Ok(srcset(&fallback));
        }
        let modern = match config.formats.preference.as_slice() {
            [] => &["avif", "webp"],
            preferred => preferred,
        };
        let is_fallback = |name: &&&str| self.args.ext.as_deref() != Some(**name);
        let sources = modern.iter().filter(is_fallback).map(|name| Ok((*name, candidates(Some(name))?)));
        let sources = sources.collect::<anyhow::Result<Vec<_>>>()?;
        Ok(picture(&Picture { sources, fallback, sizes: &self.args.sizes, shape: shape(asked) }))
    }

    /// Options that make the picture so wide, and as high as the asked proportions say.
    fn at(&self, width: u32, asked: &Asked) -> Vec<String> {
        let separator = self.spec.separator();
        let mut options = vec![format!("w{separator}{width}")];
        if let (Some(box_width @ 1..), Some(box_height @ 1..)) = (asked.width, asked.height) {
            options.push(format!("h{separator}{}", scaled(box_height, width, box_width)));
        }
        options
    }
}

/// Prints the URL, the candidates or the HTML.
pub fn run(args: &UrlArgs) -> anyhow::Result<()> {
    let config = args.settings.load()?;
    let spec = dialect(&config, &presets(&config)?)?;
    let host = args.host.trim_end_matches('/');
    let is_host = host.is_empty() || host.starts_with("https://") || host.starts_with("http://");
    ensure!(is_host && !host.contains(['?', '#', ' ', '"', '<']), "--host is `{host}`, not the beginning of a URL");
    let options = option_segments(&args.options, &spec)?;
    let maker = Maker { args, spec, options, url_bytes_max: config.urls.bytes_max };
    let (url, parsed) = maker.url(&[], args.ext.as_deref())?;
    let text = if args.srcset.is_empty() && !args.picture {
        format!("{url}\n")
    } else {
        maker.several(&parsed.asked, &config)?
    };
    out::print(&text)?;
    remarks(&maker, &parsed, &config);
    Ok(())
}

/// The segments that several arguments hold, each of which must look like an option: what does not would be taken for
/// the beginning of the source.
pub fn option_segments(options: &[String], spec: &DialectSpec) -> anyhow::Result<Vec<String>> {
    let segments = options.iter().flat_map(|option| option.split('/')).filter(|segment| !segment.is_empty());
    let segments: Vec<String> = segments.map(str::to_owned).collect();
    if spec.only_presets {
        // All of them are names, and names stand in one segment.
        return Ok(if segments.is_empty() { segments } else { vec![segments.join(spec.separator())] });
    }
    match segments.iter().find(|segment| !segment.contains(spec.separator())) {
        None => Ok(segments),
        Some(stray) => {
            let separator = spec.separator();
            bail!("`{stray}` is no option: an option is a name, `{separator}` and arguments, as in w{separator}300")
        }
    }
}

/// `length` times `numerator / denominator`, to the nearest pixel and at least one.
fn scaled(length: u32, numerator: u32, denominator: u32) -> u32 {
    let product = u64::from(length) * u64::from(numerator);
    let denominator = u64::from(denominator.max(1));
    u32::try_from((product + denominator / 2) / denominator).unwrap_or(u32::MAX).max(1)
}

/// The proportions of the result, where the options alone decide them.
fn shape(asked: &Asked) -> Option<Shape> {
    let resize = asked.resize.unwrap_or_default();
    let fills = matches!(resize, ResizeType::Fill | ResizeType::FillDown | ResizeType::Force);
    let is_fixed = (fills || asked.extend.on == Some(true)) && asked.padding == PaddingAsked::default();
    match (asked.width, asked.height) {
        (Some(width @ 1..), Some(height @ 1..)) if is_fixed => Some(Shape { width, height }),
        _ => None,
    }
}

/// What the server will say to the URL, or what its author may not have meant.
fn remarks(maker: &Maker<'_>, parsed: &Parsed, config: &Config) {
    if maker.spec.signing.keys.is_empty() {
        out::remark("no key is set (TINTYPE_KEY and TINTYPE_SALT), so the URL is not signed");
    }
    if maker.args.picture && shape(&parsed.asked).is_none() {
        out::remark("put the sides of the picture in the place of WIDTH and HEIGHT, so that the page does not jump");
    }
    if !parsed.source.contains("://") {
        out::remark(&format!("the source `{}` has no scheme, such as https:// or local://", parsed.source));
    }
    let allowed = &config.sources.allowed;
    if !allowed.is_empty() && !allowed.iter().any(|pattern| source_matches(pattern, &parsed.source)) {
        out::remark("the source matches no pattern of allowed_sources: the server will refuse it");
    }
    if parsed.dubious_booleans > 0 {
        let count = parsed.dubious_booleans;
        out::remark(&format!("{count} of the arguments should be 1 or 0 and is taken for 0"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_follow_widths() {
        assert_eq!(scaled(600, 320, 800), 240);
        assert_eq!(scaled(9, 320, 16), 180);
        assert_eq!(scaled(1, 1, 3), 1, "never nothing");
        assert_eq!(scaled(3, 1, 2), 2, "halves go up");
    }

    #[test]
    fn what_is_no_option_is_told_apart_from_the_source() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let spec = DialectSpec::default();
        assert_eq!(option_segments(&words(&["w:1/h:2", "q:3"]), &spec).unwrap(), ["w:1", "h:2", "q:3"]);
        let stray = option_segments(&words(&["w300"]), &spec).unwrap_err().to_string();
        assert!(stray.starts_with("`w300` is no option"), "{stray}");
        let presets = DialectSpec { only_presets: true, ..DialectSpec::default() };
        assert_eq!(option_segments(&words(&["thumb", "sharp"]), &presets).unwrap(), ["thumb:sharp"]);
    }
}
