//! The side-by-side bench: tintype and every peer that this machine has, loaded with the same work in turns.
//!
//! `make bench-sidebyside` does all usual works; `make bench-sidebyside WORKS=jpg,webp ROUNDS=5` some of them, and
//! `make bench-sidebyside ARGS=--help` says what there is. Nothing here reaches into the servers: they are programs
//! that are started, asked over sockets, and looked at from outside. How it measures, what it compares and what it does
//! not: `benches/README.md`.

mod cold;
mod colours;
mod curve;
mod formats;
mod herd;
mod http;
mod large;
mod load;
mod mixed;
mod originals;
mod peers;
mod plan;
mod processes;
mod reference;
mod score;
mod server;
mod srcset;
mod statistics;
mod table;

use std::process::ExitCode;

use originals::Originals;
use peers::Peer;
use plan::{Plan, Work};
use score::Scorer;

/// What every work gets.
struct Bench {
    plan: Plan,
    /// tintype first, then the peers in their order; ratios are to the first peer.
    peers: Vec<Peer>,
    photos: Originals,
    scorer: Scorer,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // Not asked to measure: cargo runs benches with `--test` among the tests.
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--help") {
        print!("{}", plan::help());
        return ExitCode::SUCCESS;
    }
    let plan = match Plan::parse(&arguments, |name| std::env::var(name).ok()) {
        Ok(plan) => plan,
        Err(mistake) => {
            eprintln!("{mistake}");
            return ExitCode::FAILURE;
        }
    };
    server::raise_open_files();
    processes::pin(&plan.client_cpus);
    let bench = Bench {
        peers: peers::found(&plan),
        photos: originals::photos(plan.photos.as_deref()),
        scorer: Scorer::new(),
        plan,
    };
    bench.introduce();
    for work in &bench.plan.works {
        println!();
        bench.run(*work);
    }
    ExitCode::SUCCESS
}

// === impl Bench ===

impl Bench {
    /// Everything that another machine needs to repeat this.
    fn introduce(&self) {
        let plan = &self.plan;
        println!("{}", processes::machine());
        for peer in &self.peers {
            println!("{}: {} ({})", peer.name, peer.version(), peer.program.display());
        }
        println!("originals: {}", self.photos);
        println!(
            "{} rounds of {} s, {} connections, closed loop{}",
            plan.rounds,
            plan.round.as_secs(),
            plan.connections,
            if plan.server_cpus.is_empty() { ", the generator on the servers' cores" } else { "" }
        );
    }

    /// Whom ratios are to: the first that is not tintype.
    fn base(&self) -> Option<&str> {
        self.peers.iter().find(|peer| !peer.is_tintype()).map(|peer| peer.name.as_str())
    }

    fn run(&self, work: Work) {
        match work {
            Work::Cold(format) => cold::run(self, &self.photos, format),
            Work::FromPng(format) => cold::run(self, &originals::png_copies(&self.photos), format),
            Work::Isolation => cold::isolation(self),
            Work::Mezzanine => cold::mezzanine(self),
            Work::Default => curve::at_default(self),
            Work::Curve => curve::run(self),
            Work::Srcset => srcset::run(self),
            Work::Herd => herd::run(self),
            Work::Large => large::run(self),
            Work::Mixed => mixed::run(self),
        }
    }
}
