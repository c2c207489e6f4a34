//! What is to be measured, as it is typed.

use std::path::PathBuf;
use std::time::Duration;

use crate::formats::Format;
use crate::plan::{Plan, Variant, Work, help};

fn plan(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Plan, String> {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let find = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Plan::parse(&arguments, find)
}

#[test]
fn nothing_said_is_everything_usual() {
    let plan = plan(&[], &[]).unwrap();
    assert!(plan.rounds >= 5, "fewer rounds are no comparison");
    assert_eq!(plan.peers, ["imgproxy", "imagor", "oximg"]);
    assert_eq!((plan.connections, plan.round, plan.rest), (8, Duration::from_secs(8), Duration::from_mins(1)));
    assert_eq!(plan.works.first(), Some(&Work::Cold(Format::Jpg)));
    assert!(plan.photos.is_none() && plan.variants.is_empty() && plan.server_cpus.is_empty());
}

#[test]
fn an_argument_beats_the_environment() {
    let environment = [("WORKS", "avif"), ("ROUNDS", "7"), ("PHOTOS", "pictures"), ("PEERS", "")];
    let plan = plan(&["--works", "png-webp, herd", "--rounds", "3", "--rounds", "2"], &environment).unwrap();
    assert_eq!(plan.works, [Work::FromPng(Format::Webp), Work::Herd]);
    assert_eq!((plan.rounds, plan.photos), (2, Some(PathBuf::from("pictures"))));
    // Make hands down variables that nobody has set.
    assert_eq!(plan.peers.len(), 3);
}

#[test]
fn cores_and_further_rows_are_lists() {
    let variants = "gamma LINEAR_LIGHT=false; two WORKERS=2 CACHE_MEMORY_BYTES=0;";
    let plan = plan(&["--variants", variants, "--server-cpus", "0,1", "--client-cpus", "3"], &[]).unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!((plan.server_cpus, plan.client_cpus), (vec![0, 1], vec![3]));
    assert_eq!(
        plan.variants,
        [
            Variant { name: "gamma".into(), settings: vec![pair("LINEAR_LIGHT", "false")] },
            Variant { name: "two".into(), settings: vec![pair("WORKERS", "2"), pair("CACHE_MEMORY_BYTES", "0")] },
        ]
    );
}

#[test]
fn mistakes_are_told_and_not_guessed() {
    for (arguments, mistake) in [
        (&["--works", "jgp"][..], "no work is called `jgp`"),
        (&["--rounds", "0"], "--rounds: 0 is none"),
        (&["--rounds", "many"], "--rounds: `many` is not a whole number"),
        (&["--rounds"], "--rounds wants a value"),
        (&["jpg"], "`jpg` is not known"),
        (&["--round", "3"], "`--round` is not known"),
        (&["--client-cpus", "1"], "--client-cpus wants --server-cpus"),
        (&["--variants", "gamma"], "`gamma` has no settings"),
        (&["--variants", "gamma LINEAR_LIGHT"], "`LINEAR_LIGHT` is not of the form"),
        (&["--server-cpus", "0-3"], "--server-cpus: `0-3` is not a whole number"),
    ] {
        let told = plan(arguments, &[]).unwrap_err();
        assert!(told.contains(mistake), "{arguments:?}: {told}");
    }
}

#[test]
fn help_names_every_work() {
    let all = plan(&["--works", "all"], &[]).unwrap();
    let text = help();
    assert!(all.works.len() > 10);
    for word in ["jpg", "png-webp", "isolation", "mezzanine", "--works", "ROUND_SECONDS", "IMGPROXY"] {
        assert!(text.contains(word), "{word}");
    }
}
