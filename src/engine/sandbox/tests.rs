//! The sandbox against the real kernel: a process confines itself, tries things, and another one looks at what became
//! of it. The process is this test binary, asked for one of the ignored tests below.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

use super::probe::{ATTEMPTS, Attempt, attempt, probe};
use super::*;
use crate::engine::vips::{Image, Op, Value, Vips, VipsSpec, Watch};
use crate::engine::{Job, Limits, Output, run, sniff};
use crate::telemetry::clock;
use crate::transform::{Candidates, Format, ResizeType, Transform};

/// Names of the environment by which a test tells the process that it starts what to do.
const ATTEMPT: &str = "TINTYPE_TEST_ATTEMPT";
const ANSWER: &str = "answer: ";
const INSIDE: &str = "started by another test, which looks at what becomes of the process";

fn spec(demand: Demand) -> SandboxSpec {
    SandboxSpec { demand, memory_bytes_max: 8 << 30, read_only: Vec::new() }
}

/// Starts one of the ignored tests here in a process of its own.
fn inside(test: &str, name: &str) -> std::process::Output {
    let test = format!("engine::sandbox::tests::{test}");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ATTEMPT, name).output().unwrap()
}

/// What the process said, joined.
fn said(output: &std::process::Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<&str> = text.split(ANSWER).skip(1).filter_map(|rest| rest.lines().next()).collect();
    assert!(!answers.is_empty(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    answers.join("; ")
}

/// Runs this in a child, which has one thread whatever the test runner has, and answers with the signal that ends it.
fn alone(work: impl FnOnce()) {
    let status = ended(forked(|| {
        work();
        0
    }));
    match status.terminating_signal() {
        Some(libc::SIGSYS) => answer("SIGSYS"),
        Some(libc::SIGABRT) => answer("SIGABRT"),
        Some(signal) => answer(&format!("signal {signal}")),
        None => assert_eq!(status.exit_status(), Some(0)),
    }
}

fn ended(pid: Pid) -> WaitStatus {
    waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap().1
}

fn answer(text: &str) {
    println!("{ANSWER}{text}");
}

fn confine() -> Layers {
    let spec = spec(Demand::Require);
    let layers = enter_worker(&spec, &enter_template(&spec).unwrap()).unwrap();
    assert!(layers.is_complete(), "{:?}", layers.words());
    layers
}

#[test]
fn a_worker_gets_what_the_table_says_for_every_attempt() {
    let survives = |attempt: &&Attempt| !attempt.expected.starts_with("SIG");
    let expected: Vec<String> =
        ATTEMPTS.iter().filter(survives).map(|attempt| format!("{}: {}", attempt.name, attempt.expected)).collect();
    assert_eq!(said(&inside("probe_of_a_worker", "")).split("; ").collect::<Vec<_>>(), expected);
    for fatal in ATTEMPTS.iter().filter(|attempt| !survives(attempt)) {
        assert_eq!(said(&inside("attempt_of_a_worker", fatal.name)), fatal.expected, "{}", fatal.name);
    }
}

#[test]
#[ignore = "started by another test, which looks at what becomes of the process"]
fn probe_of_a_worker() {
    alone(|| {
        confine();
        for (name, result) in probe() {
            answer(&format!("{name}: {result}"));
        }
    });
}

#[test]
#[ignore = "started by another test, which looks at what becomes of the process"]
fn attempt_of_a_worker() {
    alone(|| {
        let name = std::env::var(ATTEMPT).expect(INSIDE);
        confine();
        answer(&attempt(&name));
    });
}

/// Without the sandbox the same attempts succeed or fail for other reasons: the table is about the sandbox.
#[test]
fn an_unconfined_process_gets_something_else() {
    let answers = said(&inside("probe_of_a_free_process", ""));
    let refused = |name: &str| {
        let attempt = ATTEMPTS.iter().find(|attempt| attempt.name == name).unwrap();
        answers.contains(&format!("{name}: {}", attempt.expected))
    };
    for name in [
        "read /etc/passwd",
        "list the root",
        "write a temporary file",
        "make an internet socket",
        "make a unix socket",
        "fork",
        "connect what it was given",
        "signal its parent",
        "clone by the newer call",
    ] {
        assert!(!refused(name), "{name}: {answers}");
    }
}

#[test]
#[ignore = "started by another test, which looks at what becomes of the process"]
fn probe_of_a_free_process() {
    alone(|| {
        // What has no memory of the sandbox: limits only, as `off` says.
        let layers = enter_template(&SandboxSpec { demand: Demand::Off, ..SandboxSpec::default() }).unwrap();
        assert_eq!((layers.limits, layers.seccomp), (Layer::On, Layer::Off(Why::Unwanted)));
        for (name, result) in probe() {
            answer(&format!("{name}: {result}"));
        }
        let _ = std::fs::remove_file(std::env::temp_dir().join("tintype-probe"));
        let _ = std::fs::remove_dir(std::env::temp_dir().join("tintype-probe"));
    });
}

#[test]
fn a_template_forks_and_its_workers_do_not() {
    assert_eq!(said(&inside("template_with_a_worker", "")), "worker exited 7, killed 9, template SIGSYS");
}

#[test]
#[ignore = "started by another test, which looks at what becomes of the process"]
fn template_with_a_worker() {
    alone(|| {
        let spec = spec(Demand::Require);
        let layers = enter_template(&spec).unwrap();
        let worker = forked(|| {
            let worker = enter_worker(&spec, &layers).unwrap();
            let forks = attempt("fork") == "EPERM" && attempt("start a thread") == "ok";
            if worker.is_complete() && forks { 7 } else { 1 }
        });
        let killed = forked(|| {
            enter_worker(&spec, &layers).unwrap();
            attempt("mount").len() as i32
        });
        let stuck = forked(|| {
            loop {
                rustix::event::pause();
            }
        });
        kill_process(stuck, Signal::KILL).unwrap();
        let exited = ended(worker).exit_status().unwrap_or(-1);
        assert_eq!(ended(killed).terminating_signal(), Some(libc::SIGSYS));
        let by = ended(stuck).terminating_signal().unwrap_or(-1);
        // The template itself executes nothing either.
        let executing = forked(|| attempt("execute").len() as i32);
        let template = if ended(executing).terminating_signal() == Some(libc::SIGSYS) { "SIGSYS" } else { "alive" };
        answer(&format!("worker exited {exited}, killed {by}, template {template}"));
    });
}

#[expect(unsafe_code, reason = "the template forks; here is one")]
fn forked(child: impl FnOnce() -> i32) -> Pid {
    // SAFETY: this process has one thread, so the child finds every lock as it needs it.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(101);
        // SAFETY: ends the child without the test runner's own end.
        unsafe { libc::_exit(code) };
    }
    Pid::from_raw(pid).expect("a child")
}

#[test]
fn a_missing_layer_is_told_or_refused() {
    assert_eq!(
        said(&inside("old_kernels", "")),
        "no landlock: not in this kernel, fork EPERM; no seccomp: not in this kernel, list the root EACCES; \
         the sandbox of workers is required and has no landlock: not in this kernel; \
         the sandbox of workers is required and has no seccomp: not in this kernel; \
         a process with 2 threads cannot be confined"
    );
}

#[test]
#[ignore = "started by another test, which looks at what becomes of the process"]
fn old_kernels() {
    let no_landlock = Kernel { landlock: false, ..WHOLE };
    let no_seccomp = Kernel { seccomp: false, ..WHOLE };
    for (kernel, tried, expected) in [(no_landlock, "fork", "EPERM"), (no_seccomp, "list the root", "EACCES")] {
        alone(|| {
            let spec = spec(Demand::Prefer);
            let layers = enter_worker(&spec, &enter(&spec, kernel).unwrap()).unwrap();
            assert!(!layers.is_complete());
            let missing = layers.words().into_iter().find(|word| word.starts_with("no ")).unwrap();
            assert_eq!(attempt(tried), expected);
            answer(&format!("{missing}, {tried} {expected}"));
        });
    }
    for kernel in [no_landlock, no_seccomp] {
        alone(|| answer(&enter(&spec(Demand::Require), kernel).unwrap_err().to_string()));
    }
    alone(|| {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<()>(0);
        let other = std::thread::spawn(move || receiver.recv());
        answer(&enter_template(&spec(Demand::Prefer)).unwrap_err().to_string());
        drop(sender);
        assert!(other.join().unwrap().is_err());
    });
}

#[test]
fn every_format_is_made_inside() {
    let answers = said(&inside("pictures_of_a_worker", ""));
    let formats: Vec<&str> = answers.split("; ").collect();
    assert!(formats.len() >= 9, "{answers}");
    assert!(formats.iter().all(|format| format.ends_with(" ok")), "{answers}");
    for format in ["jpg", "png", "webp", "gif", "tiff", "svg text", "memory"] {
        assert!(answers.contains(&format!("{format} ok")), "{format}: {answers}");
    }
}

#[test]
#[ignore = "started by another test, which looks at what becomes of the process"]
fn pictures_of_a_worker() {
    alone(|| {
        confine();
        let vips = Vips::start(VipsSpec { threads: 4 }).unwrap();
        // Rows and tiles enough that libvips and the encoders share the work out.
        let pixels: Vec<u8> =
            (0..700 * 600 * 3_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 / 8).collect();
        let image = Image::from_pixels(&pixels, 700, 600, 3).unwrap();
        let image =
            Op::new("copy").unwrap().set("in", &image).unwrap().set("interpretation", Value::Nick("srgb")).unwrap();
        let original = Op::new("pngsave_buffer").unwrap().set("in", &image.image().unwrap()).unwrap().bytes().unwrap();
        let every = [
            Format::Jpeg,
            Format::Png,
            Format::Webp,
            Format::Avif,
            Format::Heic,
            Format::Jxl,
            Format::Gif,
            Format::Tiff,
            Format::Bmp,
            Format::Ico,
        ];
        for format in every.into_iter().filter(|format| vips.saves(*format) && vips.loads(*format)) {
            let made = made(&original, format, 240);
            assert_eq!(sniff(&made), Some(format));
            let back = made_of(&made, Format::Png, 100);
            answer(&format!("{} {back}", format.name()));
        }
        let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><rect width="300" height="100"
        fill="#fff"/><text x="10" y="70" font-family="sans-serif" font-size="60">Text</text></svg>"##;
        let shown = made(&Bytes::from_static(svg), Format::Png, 300);
        let shown = Op::load("pngload_source", &shown).unwrap().image().unwrap().pixels().unwrap();
        let dark = shown.iter().filter(|value| **value < 64).count();
        answer(&format!("svg text {}", if dark > 500 { "ok" } else { "has no letters" }));
        let is_bounded = Vec::<u8>::new().try_reserve_exact(9 << 30).is_err();
        answer(&format!("memory {}", if is_bounded { "ok" } else { "has no limit" }));
    });
}

fn made(original: &Bytes, format: Format, width: u32) -> Bytes {
    let transform = Transform { resize: ResizeType::Fit, width, format: Some(format), ..Transform::default() };
    let candidates = Candidates::only(transform.format);
    let outputs = vec![Output { transform, candidates }];
    let job = Job { inputs: vec![original.clone()], outputs, limits: Limits::default() };
    let mut result = None;
    let watch = Watch::new(clock::instant() + Duration::from_mins(10), Arc::default());
    run(&job, &watch, |(_, outcome)| {
        result = Some(outcome);
        std::ops::ControlFlow::Continue(())
    });
    result.unwrap().unwrap_or_else(|error| panic!("{format:?}: {error:?}")).bytes
}

fn made_of(original: &Bytes, format: Format, width: u32) -> &'static str {
    if sniff(&made(original, format, width)) == Some(format) { "ok" } else { "reads back as something else" }
}
