//! Damaged pictures in a real worker, from the sniffer to the encoder, with the sandbox required.
//!
//! The codecs are not ours and not instrumented, so this is blind: pictures in every format are taken apart into their
//! chunks, segments or boxes, changed, and put together again with checksums that hold. A codec may fall over it; that
//! costs one job by design, is told, and the picture is kept in `artifacts/worker`. What fails the target: a picture
//! outside its limits, a worker that outlives its deadline, a forbidden system call, and a server without a worker.

#![no_main]

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use rustix::event::{EventfdFlags, eventfd};
use tintype::engine::sandbox::{Demand, SandboxSpec};
use tintype::engine::worker::{Lost, Nursery, NurserySpec, Worker};
use tintype::engine::{EngineError, Job, Limits, Outcome, Output};
use tintype::transform::{Candidates, Format, ResizeType, Transform};

mod parts;

/// What is done to a picture.
#[derive(Debug, Arbitrary)]
struct Input {
    picture: u8,
    changes: Vec<parts::Change>,
    format: u8,
    width: u8,
    height: u8,
    resize: u8,
}

struct Place {
    nursery: Nursery,
    worker: Mutex<Option<Worker>>,
    pictures: Vec<(Format, Bytes)>,
}

const CHANGES_MAX: usize = 8;
const RUN: Duration = Duration::from_secs(4);
const MEMORY_BYTES_MAX: u64 = 2 << 30;
const SIDE_MAX: u32 = 1024;
const DRAWING: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 90 60\" width=\"90\" height=\"60\">\
    <rect width=\"20\" height=\"60\" fill=\"red\"/><circle cx=\"50\" cy=\"30\" r=\"20\"/><text y=\"50\">a</text></svg>";

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let sandbox = SandboxSpec { demand: Demand::Require, memory_bytes_max: MEMORY_BYTES_MAX, read_only: Vec::new() };
    let nursery = Nursery::start(NurserySpec { program: program(), sandbox }).expect("a template");
    let mut place = Place { nursery, worker: Mutex::new(None), pictures: Vec::new() };
    let drawing = Bytes::from_static(DRAWING);
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Svg) {
        if let Ok(Ok(file)) = place.make(&drawing, Transform { format: Some(format), ..Transform::default() }) {
            place.pictures.push((format, file));
        }
    }
    assert!(place.pictures.len() >= 5, "{} formats", place.pictures.len());
    place.pictures.push((Format::Svg, drawing));
    place
});

fuzz_target!(|input: Input| {
    let place = &*PLACE;
    let (format, picture) = &place.pictures[usize::from(input.picture) % place.pictures.len()];
    let damaged =
        Bytes::from(parts::changed(*format, picture, input.changes.get(..CHANGES_MAX).unwrap_or(&input.changes)));
    let transform = Transform {
        resize: ResizeType::NAMES[usize::from(input.resize) % ResizeType::NAMES.len()].1,
        width: u32::from(input.width),
        height: u32::from(input.height),
        format: place.pictures.get(usize::from(input.format) % place.pictures.len()).map(|(format, _)| *format),
        ..Transform::default()
    };
    match place.make(&damaged, transform) {
        Ok(_) => {}
        Err(how) => {
            assert!(!how.contains("SIGSYS"), "a codec made a forbidden call: {how}");
            keep(&damaged, &how);
            // The next one stands where the last one fell.
            let (_, whole) = &place.pictures[0];
            let made = place.make(whole, Transform { width: 8, format: Some(Format::Png), ..Transform::default() });
            assert!(matches!(made, Ok(Ok(_))), "no worker is left: {made:?}");
        }
    }
});

// === impl Place ===

impl Place {
    /// The result of one job, or how the worker ended over it.
    fn make(&self, original: &Bytes, transform: Transform) -> Result<Result<Bytes, EngineError>, String> {
        let limits = Limits {
            source_pixels_max: u64::from(SIDE_MAX * SIDE_MAX),
            source_side_max: SIDE_MAX,
            frames_max: 10,
            output_side_max: SIDE_MAX,
            ..Limits::default()
        };
        let output = Output { candidates: Candidates::only(transform.format), transform };
        let job = Job { inputs: vec![original.clone()], outputs: vec![output], limits };
        let mut slot = self.worker.lock().expect("no panic holds it");
        let mut worker = slot.take().unwrap_or_else(|| self.nursery.worker().expect("a worker"));
        let nobody = eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor");
        let mut outcome: Option<Outcome> = None;
        let run = worker.run(&job, RUN, 1, nobody.as_fd(), |made| outcome = Some(made));
        match run {
            Ok(()) => {
                *slot = Some(worker);
                let (_, outcome) = outcome.expect("one output has one outcome");
                if let Ok(made) = &outcome {
                    assert!(made.width <= SIDE_MAX && made.height <= SIDE_MAX, "{}x{}", made.width, made.height);
                    assert!(!made.bytes.is_empty());
                }
                Ok(outcome.map(|made| made.bytes))
            }
            Err(Lost::Rubbish(how)) => panic!("a worker broke the protocol: {how}"),
            Err(lost) => Err(format!("{lost}; {}", self.nursery.bury(worker, matches!(lost, Lost::Ended)))),
        }
    }
}

/// The program that `make fuzz` built, or another one.
fn program() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/tintype");
    std::env::var_os("TINTYPE_PROGRAM").map_or_else(built, PathBuf::from)
}

fn keep(picture: &[u8], how: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts/worker");
    let file = folder.join(format!("codec-{}", &blake3::hash(picture).to_hex()[..16]));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, picture));
    eprintln!("a worker ended: {how}; {} ({kept:?})", file.display());
}
