//! `tintype check` and `tintype keygen`: mistakes with their places, what beats what, keys that can be used.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Run, run, run_with, text};

fn complaint(run: Run) -> Vec<String> {
    run.refused().lines().skip(1).map(str::to_owned).collect()
}

/// A setting in a report, as its value and its source.
fn setting(report: &Value, key: &str) -> (Value, Value) {
    let settings = report["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["key"] == key).unwrap();
    (found["value"].clone(), found["source"].clone())
}

#[test]
fn three_mistakes_are_three_lines_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tintype.toml");
    fs::write(&file, "listen = '0.0.0.0'\n# fine\nqualty = 80\n\n[cache]\nmemory_bytes = 'much'\n").unwrap();
    let place = text(&file);
    let lines = complaint(run(&["check", "--config", place]));
    let wanted = [("1:10", "`listen` is `0.0.0.0`"), ("3:1", "`quality`"), ("6:16", "`cache.memory_bytes` is `much`")];
    assert_eq!(lines.len(), wanted.len(), "{lines:?}");
    for (line, (at, problem)) in lines.iter().zip(wanted) {
        assert!(line.starts_with(&format!("  {place}:{at}: ")) && line.contains(problem), "{line}");
    }
    let found = run(&["check", "--config", place, "--format", "json"]);
    assert_eq!(found.code, 1);
    let report: Value = serde_json::from_slice(&found.out).unwrap();
    assert_eq!(report["ok"], false);
    let lines: Vec<_> = report["mistakes"].as_array().unwrap().iter().map(|found| &found["place"]["line"]).collect();
    assert_eq!(lines, [1, 3, 6]);
    assert_eq!(complaint(run(&["serve", "--config", place])).len(), 3, "serving says the same");
}

#[test]
fn mistakes_of_presets_have_their_places_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), "description = 'options'\n\noptions = 'w:1/q:high'\n").unwrap();
    fs::write(folder.path().join("b.toml"), "options = 'pr:none'\n").unwrap();
    let path = text(folder.path());
    let refused = run(&["check", "--presets-path", path]).refused();
    assert!(refused.contains(&format!("{path}/a.toml:3:16: preset `a`: option quality: `high`")), "{refused}");
    assert!(refused.contains(&format!("{path}/b.toml:1:12: preset `b`: unknown preset `none`")), "{refused}");
    fs::write(folder.path().join("b.toml"), "option = 'w:1'\n").unwrap();
    let refused = run(&["check", "--presets-path", path]).refused();
    assert!(refused.contains("b.toml:1:1: unknown key `option`"), "{refused}");
}

#[test]
fn flags_beat_the_environment_which_beats_the_file_which_beats_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tintype.toml");
    fs::write(&file, "quality = 10\nttl = '1h'\nworkers = 3\n").unwrap();
    let variables = [("TINTYPE_CONFIG", text(&file)), ("TINTYPE_QUALITY", "20"), ("TINTYPE_TTL", "2h")];
    let report = run_with(&variables, &["check", "--format", "json", "--quality", "30"]).json();
    assert_eq!(setting(&report, "quality"), (json!("30"), json!({"kind": "flag", "name": "--quality"})));
    assert_eq!(setting(&report, "ttl"), (json!("2h"), json!({"kind": "environment", "name": "TINTYPE_TTL"})));
    let place = json!({"kind": "file", "path": text(&file), "line": 3, "column": 11});
    assert_eq!(setting(&report, "workers"), (json!("3"), place));
    assert_eq!(setting(&report, "frames_max"), (json!("200"), json!({"kind": "default"})));
    let changed = run_with(&variables, &["check", "--changed", "--quality", "30"]).text();
    let keys: Vec<_> = changed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    assert_eq!(keys, ["quality", "workers", "ttl"], "in the order of the documentation");
    assert!(changed.contains("flag --quality") && changed.contains(&format!("{}:3:11", text(&file))), "{changed}");
}

#[test]
fn the_defaults_are_right_and_the_example_file_says_nothing_else() {
    let report = run(&["check", "--format", "json"]).json();
    assert_eq!(report["presets"].as_array().unwrap().len(), 6);
    assert!(report["remarks"][0].as_str().unwrap().contains("no key is set"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tintype.toml");
    fs::write(&file, run(&["settings"]).text()).unwrap();
    let example = run(&["check", "--config", text(&file), "--format", "json"]).json();
    assert_eq!(example["settings"], report["settings"]);
    let awake: String = fs::read_to_string(&file).unwrap().replace("\n#", "\n");
    let lines = awake.lines().filter(|line| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')));
    fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let awake = run(&["check", "--config", text(&file), "--changed", "--format", "json"]).json();
    assert_eq!(awake["settings"].as_array().unwrap().len(), report["settings"].as_array().unwrap().len());
}

#[test]
fn shipped_presets_follow_the_separator() {
    let report = run(&["check", "--arguments-separator", ",", "--format", "json"]).json();
    assert_eq!(report["presets"][0]["options"], "rs,fill,128,128/g,sm");
}

#[test]
fn keys_are_random_and_can_be_used_as_they_come() {
    let pairs = |text: &str, between: &str| -> Vec<(String, String)> {
        let pair = |line: &str| line.split_once(between).map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.lines().map(|line| pair(line).unwrap()).collect()
    };
    let (first, second) = (run(&["keygen"]).text(), run(&["keygen"]).text());
    assert_ne!(first, second);
    let variables = pairs(&first, "=");
    let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["TINTYPE_KEY", "TINTYPE_SALT"]);
    assert_ne!(variables[0].1, variables[1].1);
    for (_, value) in &variables {
        assert!(value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "{value}");
    }
    let borrowed: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let report = run_with(&borrowed, &["check", "--format", "json"]).json();
    assert_eq!(report["remarks"], json!([]));
    assert!(!report.to_string().contains(&variables[0].1), "keys are never shown");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tintype.toml");
    fs::write(&file, run(&["keygen", "--toml", "--bytes", "16"]).text()).unwrap();
    let values = pairs(&fs::read_to_string(&file).unwrap(), " = ");
    assert!(values.iter().all(|(_, value)| value.len() == 34), "16 bytes in hex between quotes");
    assert_eq!(run(&["check", "--config", text(&file), "--format", "json"]).json()["remarks"], json!([]));
    assert_eq!(run(&["keygen", "--bytes", "15"]).code, 2);
}

#[test]
fn a_secret_is_no_flag_and_the_refusal_says_where_it_belongs() {
    let refused = run(&["check", "--admin-token=abc"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("give it by TINTYPE_ADMIN_TOKEN"), "{}", refused.err);
    assert_eq!(run(&["check", "--nonsense"]).code, 2);
}
