//! Writes what fuzzing begins with: `corpus/<target>/` and `target/dictionaries/<target>.dict`, both made of the tables
//! and encoders of the crate, and neither kept in the repository.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use bytes::Bytes;
use tintype::engine::vips::{Vips, VipsSpec, Watch};
use tintype::engine::{Job, Limits, Output, run};
use tintype::telemetry::clock;
use tintype::transform::{Candidates, Format, ResizeType, Transform};
use tintype::url::table;

mod words;

/// Inputs and words by target.
#[derive(Default)]
struct Seeds {
    inputs: BTreeMap<&'static str, Vec<Vec<u8>>>,
    words: BTreeMap<&'static str, Vec<String>>,
}

// === impl Seeds ===

impl Seeds {
    fn input(&mut self, target: &'static str, input: impl Into<Vec<u8>>) {
        self.inputs.entry(target).or_default().push(input.into());
    }

    fn words<'a>(&mut self, target: &'static str, words: impl IntoIterator<Item = &'a str>) {
        self.words.entry(target).or_default().extend(words.into_iter().map(str::to_owned));
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        for (target, inputs) in &self.inputs {
            let corpus = folder.join("corpus").join(target);
            fs::create_dir_all(&corpus)?;
            for input in inputs {
                fs::write(corpus.join(blake3::hash(input).to_hex().as_str()), input)?;
            }
        }
        let dictionaries = folder.join("target/dictionaries");
        fs::create_dir_all(&dictionaries)?;
        for (target, words) in &self.words {
            let lines: String = words.iter().map(|word| format!("\"{}\"\n", escaped(word))).collect();
            fs::write(dictionaries.join(format!("{target}.dict")), lines)?;
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let mut seeds = Seeds::default();
    urls(&mut seeds);
    texts(&mut seeds);
    pictures(&mut seeds);
    seeds.write(env!("CARGO_MANIFEST_DIR").as_ref())?;
    let inputs: usize = seeds.inputs.values().map(Vec::len).sum();
    println!("{inputs} inputs for {} targets, {} dictionaries", seeds.inputs.len(), seeds.words.len());
    Ok(())
}

/// Every option by every name, in every dialect that the target knows.
fn urls(seeds: &mut Seeds) {
    const DIALECTS: u8 = 5;
    for row in table() {
        for (at, example) in row.examples.iter().enumerate() {
            for choice in 0..DIALECTS {
                let source = if at % 2 == 0 { "plain/http://a/b.jpg@webp" } else { "aHR0cDovL2EvYi5qcGc.png" };
                seeds.input("url", [&[choice], format!("/unsafe/{example}/{source}").as_bytes()].concat());
            }
        }
        seeds.words("url", std::iter::once(row.name).chain(row.aliases.iter().copied()));
    }
    seeds.words("url", Format::ALL.map(Format::name));
    seeds.words("url", words::URL);
    seeds.input("transform", Transform::default().canonical());
    let rich =
        r#"{"resize":"fill","width":300,"height":200,"dpr":2.0,"crop":{"width":0.5,"height":100.0},"format":"webp"}"#;
    seeds.input("transform", rich);
    seeds.words("transform", words::TRANSFORM);
}

fn texts(seeds: &mut Seeds) {
    for (target, inputs) in words::TEXTS {
        for input in *inputs {
            seeds.input(target, *input);
        }
    }
    for (target, words) in words::DICTIONARIES {
        seeds.words(target, words.iter().copied());
    }
    for (choice, block) in words::BLOCKS {
        seeds.input("credits", [&[*choice][..], block].concat());
    }
}

/// One drawing in every format that can be written here.
fn pictures(seeds: &mut Seeds) {
    let drawing = Bytes::from_static(words::DRAWING.as_bytes());
    let vips = Vips::start(VipsSpec { threads: 1 }).expect("libvips");
    seeds.input("sniff", drawing.to_vec());
    for format in Format::ALL.into_iter().filter(|format| vips.saves(*format)) {
        for width in [3, 40] {
            let Some(file) = made(&drawing, format, width) else { continue };
            if matches!(format, Format::Bmp | Format::Ico) {
                // The target puts the magic bytes before it.
                let magic = if format == Format::Ico { 4 } else { 2 };
                seeds.input("bitmap", [&[u8::from(format == Format::Ico)][..], &file[magic..]].concat());
            }
            seeds.input("sniff", file.to_vec());
            seeds.input("header", file.to_vec());
        }
    }
}

fn made(original: &Bytes, format: Format, width: u32) -> Option<Bytes> {
    let transform =
        Transform { resize: ResizeType::Force, width, height: 7, format: Some(format), ..Transform::default() };
    let output = Output { candidates: Candidates::only(transform.format), transform };
    let job = Job { inputs: vec![original.clone()], outputs: vec![output], limits: Limits::default() };
    let watch = Watch::new(clock::instant() + Duration::from_secs(60), Arc::default());
    let mut made = None;
    run(&job, &watch, |(_, outcome)| {
        made = outcome.ok();
        ControlFlow::Continue(())
    });
    made.map(|rendered| rendered.bytes)
}

/// As dictionaries of libFuzzer want it.
fn escaped(word: &str) -> String {
    word.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("\\x{byte:02x}") })
        .collect()
}
