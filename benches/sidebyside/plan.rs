//! What is to be measured, from arguments and the environment. Contract: pure; an argument beats the environment, and a
//! word that is not known is a mistake that is told.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::formats::Format;

/// A run of the bench.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub works: Vec<Work>,
    /// Peers to compare with, in this order; those that are not there are skipped.
    pub peers: Vec<String>,
    pub rounds: usize,
    /// How long one server is loaded in one round.
    pub round: Duration,
    pub connections: usize,
    /// A folder of `.jpg` originals; the demo's own without it.
    pub photos: Option<PathBuf>,
    /// Further rows of tintype, each under settings of its own.
    pub variants: Vec<Variant>,
    /// Cores for the servers and for the generator; empty for all.
    pub server_cpus: Vec<usize>,
    pub client_cpus: Vec<usize>,
    /// How long a server is left alone before its memory is looked at again.
    pub rest: Duration,
}

/// A row of tintype under other settings: names of the environment without `TINTYPE_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    pub name: String,
    pub settings: Vec<(String, String)>,
}

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Pictures that nobody has made yet, of JPEG originals.
    Cold(Format),
    /// The same of lossless copies of them.
    FromPng(Format),
    /// Bytes and score at each server's own default quality.
    Default,
    /// Bytes at equal score.
    Curve,
    /// Every size and format of a page at once.
    Srcset,
    /// A thousand connections that want one picture.
    Herd,
    /// 24-megapixel originals all at once.
    Large,
    /// Popular and unpopular pictures through a cache that cannot hold them all.
    Mixed,
    /// Worker processes against threads.
    Isolation,
    /// Reductions of originals kept, against not kept.
    Mezzanine,
}

/// An option: as an argument `--name value`, in the environment `NAME`.
struct Choice {
    name: &'static str,
    default: &'static str,
    what: &'static str,
}

const WORKS: [(&str, Work, &str); 13] = [
    ("jpg", Work::Cold(Format::Jpg), "cold pictures, JPEG to JPEG"),
    ("webp", Work::Cold(Format::Webp), "cold pictures, JPEG to WebP"),
    ("avif", Work::Cold(Format::Avif), "cold pictures, JPEG to AVIF"),
    ("png", Work::Cold(Format::Png), "cold pictures, JPEG to PNG"),
    ("png-png", Work::FromPng(Format::Png), "cold pictures, PNG to PNG"),
    ("png-webp", Work::FromPng(Format::Webp), "cold pictures, PNG to WebP"),
    ("default", Work::Default, "bytes and score at default quality"),
    ("srcset", Work::Srcset, "up to 8 originals in 5 widths and 3 formats"),
    ("herd", Work::Herd, "1,000 connections, one cold picture"),
    ("curve", Work::Curve, "bytes that each format needs for the same score"),
    ("big", Work::Large, "32 originals of 24 megapixels at once; memory"),
    ("mixed", Work::Mixed, "Zipf over 5,000 pictures, equal caches"),
    ("isolation", Work::Isolation, "worker processes against threads"),
];
/// Not in the table above, whose works every build can do.
const MEZZANINE: (&str, Work, &str) = ("mezzanine", Work::Mezzanine, "reductions of originals kept, against not kept");
/// Enough for a page of figures, and done in an hour.
const USUAL: &str = "jpg,webp,avif,png,png-png,png-webp,default,srcset,herd";
const CHOICES: [Choice; 10] = [
    choice("works", USUAL, "what to measure, or `all`"),
    choice("peers", "imgproxy,imagor,oximg", "whom to compare with; ratios are to the first that is there"),
    choice("rounds", "5", "turns of each server"),
    choice("round-seconds", "8", "length of one turn; fifteen times as long where caches are measured"),
    choice("connections", "8", "of the generator, each asking again when it is answered"),
    choice("photos", "", "a folder of .jpg originals; without it those of the demo"),
    choice("variants", "", "further rows of tintype: `gamma LINEAR_LIGHT=false; big WORKERS=8`"),
    choice("server-cpus", "", "cores of the servers, as `0,1`; all by default"),
    choice("client-cpus", "", "cores of the generator"),
    choice("rest-seconds", "60", "how long memory may take to come back"),
];

const fn choice(name: &'static str, default: &'static str, what: &'static str) -> Choice {
    Choice { name, default, what }
}

// === impl Plan ===

impl Plan {
    /// The plan of these arguments, and of the environment where they say nothing.
    ///
    /// # Errors
    /// What is wrong, for whoever typed it.
    pub fn parse(arguments: &[String], environment: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut given = Vec::new();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let name = argument.strip_prefix("--").filter(|name| CHOICES.iter().any(|choice| choice.name == *name));
            let name = name.ok_or_else(|| format!("`{argument}` is not known; --help lists what is"))?;
            given.push((name, rest.next().ok_or_else(|| format!("--{name} wants a value"))?.clone()));
        }
        let text = |name: &str| -> String {
            let argument = given.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            let variable = || environment(&variable(name)).filter(|value| !value.is_empty());
            let default = || CHOICES.iter().find(|choice| choice.name == name).map_or("", |choice| choice.default);
            argument.or_else(variable).unwrap_or_else(|| default().to_owned())
        };
        let (server_cpus, client_cpus) = (text("server-cpus"), text("client-cpus"));
        if server_cpus.is_empty() && !client_cpus.is_empty() {
            return Err("--client-cpus wants --server-cpus, or servers would run on the generator's cores".to_owned());
        }
        let seconds = |name: &str| number(name, &text(name)).map(|seconds| Duration::from_secs(seconds as u64));
        Ok(Self {
            works: works(&text("works"))?,
            peers: words(&text("peers"), ',').map(str::to_owned).collect(),
            rounds: at_least_one("rounds", &text("rounds"))?,
            round: seconds("round-seconds")?.max(Duration::from_secs(1)),
            connections: at_least_one("connections", &text("connections"))?,
            photos: Some(text("photos")).filter(|path| !path.is_empty()).map(PathBuf::from),
            variants: variants(&text("variants"))?,
            server_cpus: cpus("server-cpus", &server_cpus)?,
            client_cpus: cpus("client-cpus", &client_cpus)?,
            rest: seconds("rest-seconds")?,
        })
    }
}

/// What `--help` prints.
pub fn help() -> String {
    let mut text = String::from("Arguments, or the same in the environment:\n");
    for choice in &CHOICES {
        let default = if choice.default.is_empty() { String::new() } else { format!(" [{}]", choice.default) };
        let _ = writeln!(text, "  --{:<14} {:<14} {}{default}", choice.name, variable(choice.name), choice.what);
    }
    text.push_str("Works:\n");
    for (name, _, what) in WORKS.iter().chain([&MEZZANINE]) {
        let _ = writeln!(text, "  {name:<16} {what}");
    }
    text.push_str("Programs by PATH, or by path in TINTYPE, IMGPROXY, IMAGOR, OXIMG, NGINX.\n");
    text
}

fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

fn works(text: &str) -> Result<Vec<Work>, String> {
    if text == "all" {
        return Ok(WORKS.iter().map(|(_, work, _)| *work).collect());
    }
    let find = |word: &str| {
        let found = WORKS.iter().chain([&MEZZANINE]).find(|(name, ..)| *name == word).map(|(_, work, _)| *work);
        found.ok_or_else(|| format!("no work is called `{word}`; --help lists them"))
    };
    words(text, ',').map(find).collect()
}

/// `name KEY=value KEY=value; name …`
fn variants(text: &str) -> Result<Vec<Variant>, String> {
    let variant = |text: &str| {
        let (name, settings) = text.split_once(' ').ok_or_else(|| format!("`{text}` has no settings"))?;
        let setting = |text: &str| {
            let pair = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
            pair.ok_or_else(|| format!("`{text}` is not of the form KEY=value"))
        };
        let settings = words(settings, ' ').map(setting).collect::<Result<_, String>>()?;
        Ok(Variant { name: name.to_owned(), settings })
    };
    words(text, ';').map(variant).collect()
}

fn cpus(name: &str, text: &str) -> Result<Vec<usize>, String> {
    words(text, ',').map(|word| number(name, word)).collect()
}

fn words(text: &str, between: char) -> impl Iterator<Item = &str> {
    text.split(between).map(str::trim).filter(|word| !word.is_empty())
}

fn number(name: &str, text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("--{name}: `{text}` is not a whole number"))
}

fn at_least_one(name: &str, text: &str) -> Result<usize, String> {
    number(name, text).and_then(|number| (number > 0).then_some(number).ok_or_else(|| format!("--{name}: 0 is none")))
}
