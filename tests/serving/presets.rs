//! Named options: those that are shipped, those of a folder, and the mode in which there are no others.

use crate::support::client::Answer;
use crate::support::folder;
use crate::support::pictures::{loaded, marks};
use crate::support::server::Launch;

fn size(answer: &Answer) -> (u32, u32) {
    assert_eq!((answer.status, answer.content_type()), (200, "image/png"), "{:?}", answer.fields);
    let image = loaded(&answer.body, "pngload_source").expect("a picture");
    (image.width(), image.height())
}

#[test]
fn shipped_presets_are_there() {
    let folder = folder(&[("a.png", &marks(1600, 1200).png())]);
    let server = Launch::over(folder.path()).start();
    assert_eq!(size(&server.get("/_/pr:avatar/plain/local:///a.png@png")), (128, 128));
    for preset in tintype::policy::builtin_presets() {
        let answer = server.get(&format!("/_/preset:{}/plain/local:///a.png", preset.name));
        assert_eq!(answer.status, 200, "{}", preset.name);
    }
    let problem = server.get("/_/pr:avatra/plain/local:///a.png@png").problem();
    assert_eq!((&problem["status"], &problem["segment"]), (&404.into(), &"pr:avatra".into()), "{problem}");
}

#[test]
fn a_preset_stands_for_its_options() {
    let folder = folder(&[("a.png", &marks(1600, 1200).png())]);
    let server = Launch::over(folder.path()).start();
    let named = server.get("/_/pr:avatar/w:64/plain/local:///a.png@png");
    let spelled = server.get("/_/rs:fill:128:128/g:sm/w:64/plain/local:///a.png@png");
    assert_eq!((size(&named), named.field("etag")), ((64, 128), spelled.field("etag")));
    assert_eq!(server.transforms(), 1);
}

#[test]
fn a_folder_of_presets_takes_the_place_of_the_shipped_ones() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let presets = folder(&[
        ("small.toml", b"options = \"w:16\"\n"),
        ("default.toml", b"options = \"w:20\"\n"),
        ("README.txt", b"not a preset\n"),
    ]);
    let server = Launch::over(originals.path()).set("PRESETS_PATH", &presets.path().display().to_string()).start();
    assert_eq!(size(&server.get("/_/pr:small/plain/local:///a.png@png")), (16, 12));
    assert_eq!(size(&server.get("/_/plain/local:///a.png@png")), (20, 15), "the default one comes before all options");
    assert_eq!(server.get("/_/pr:avatar/plain/local:///a.png@png").status, 404);
}

#[test]
fn only_presets_lets_nothing_else_in() {
    let originals = folder(&[("a.png", &marks(64, 48).png())]);
    let presets = folder(&[("small.toml", b"options = \"w:16\"\n"), ("turned.toml", b"options = \"rot:90\"\n")]);
    let server = Launch::over(originals.path())
        .set("PRESETS_PATH", &presets.path().display().to_string())
        .set("ONLY_PRESETS", "true")
        .start();
    assert_eq!(size(&server.get("/_/small/plain/local:///a.png@png")), (16, 12));
    assert_eq!(size(&server.get("/_/small:turned/plain/local:///a.png@png")).0, 16);
    for options in ["w:16", "pr:small", "small/w:8", "large"] {
        assert_eq!(server.get(&format!("/_/{options}/plain/local:///a.png@png")).status, 404, "{options}");
    }
}
