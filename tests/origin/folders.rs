//! Local files: what can be read, what must not be, and what must not hang.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tintype::origin::{Fetched, OriginSetupError, Origins, OriginsSpec, Validators};

use super::support::{fetch, limits, origins, refusal};

/// A root inside of a folder with a secret beside it.
fn folder() -> (TempDir, OriginsSpec) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("sub")).expect("a root");
    fs::write(folder.path().join("secret.jpg"), b"secret").expect("a file");
    fs::write(root.join("sub/a.jpg"), b"picture").expect("a file");
    let spec = OriginsSpec { local_root: Some(root), limits: limits(), ..OriginsSpec::default() };
    (folder, spec)
}

fn root(spec: &OriginsSpec) -> &Path {
    spec.local_root.as_deref().expect("a root")
}

async fn validators(origins: &Origins, source: &str) -> Validators {
    fetch(origins, source).await.expect(source).validators
}

#[tokio::test]
async fn a_file_is_read_whole() {
    let (_folder, spec) = folder();
    let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_500);
    let file = fs::File::options().write(true).open(root(&spec).join("sub/a.jpg")).expect("a file");
    file.set_modified(modified).expect("a time");
    let original = fetch(&origins(&spec), "local:///sub/a.jpg").await.expect("an original");
    assert_eq!(&original.bytes[..], b"picture");
    assert_eq!(original.last_modified_s, Some(784_111_777));
    assert_eq!(original.validators.last_modified.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(original.validators.size, Some(7));
    assert_eq!(original.content_type, None);
}

#[tokio::test]
async fn names_are_literal_up_to_the_separator() {
    let (_folder, mut spec) = folder();
    for name in ["50%.jpg", "a%20b.jpg", "a b.jpg", "#1.jpg", "ü ñ.jpg", "a@b+c&d=e.jpg", "\\.jpg", "...", "what?.jpg"]
    {
        fs::write(root(&spec).join(name), name).expect("a file");
    }
    let with_separator = origins(&spec);
    for name in ["50%.jpg", "a%20b.jpg", "a b.jpg", "#1.jpg", "ü ñ.jpg", "a@b+c&d=e.jpg", "\\.jpg", "..."] {
        for source in [format!("local:///{name}"), format!("LOCAL://host//{name}?v=2")] {
            let original = fetch(&with_separator, &source).await.expect(&source);
            assert_eq!(&original.bytes[..], name.as_bytes(), "{source}");
        }
    }
    assert_eq!(refusal(&with_separator, "local:///what?.jpg").await, (404, "original-not-found"));
    spec.query_separator = None;
    fetch(&origins(&spec), "local:///what?.jpg").await.expect("nothing is cut");
}

#[tokio::test]
async fn nothing_outside_of_the_root_is_read() {
    let (folder, spec) = folder();
    let root = root(&spec);
    let secret = folder.path().join("secret.jpg");
    symlink(&secret, root.join("absolute.jpg")).expect("a link");
    symlink("../secret.jpg", root.join("relative.jpg")).expect("a link");
    symlink("../../secret.jpg", root.join("sub/deep.jpg")).expect("a link");
    symlink(folder.path(), root.join("up")).expect("a link");
    symlink("..", root.join("parent")).expect("a link");
    symlink("/proc/self/root", root.join("magic")).expect("a link");
    symlink("loop.jpg", root.join("loop.jpg")).expect("a link");
    symlink(root.join("sub/a.jpg"), root.join("home.jpg")).expect("a link");
    let secret = secret.to_str().expect("utf-8");
    let sources = [
        "local:///../secret.jpg",
        "local:///sub/../../secret.jpg",
        "local://../secret.jpg",
        "local:///./sub/a.jpg",
        "local:///absolute.jpg",
        "local:///relative.jpg",
        "local:///sub/deep.jpg",
        "local:///up/secret.jpg",
        "local:///parent/secret.jpg",
        "local:///magic/etc/passwd",
        "local:///loop.jpg",
        // An absolute link leaves the root, even where it comes back.
        "local:///home.jpg",
        "local:///missing.jpg",
        "local:///sub/a.jpg/b",
        &format!("local:///{}", "x".repeat(300)),
        &format!("local://{secret}"),
        &format!("local:///{secret}"),
    ];
    let origins = origins(&spec);
    for source in sources {
        assert_eq!(refusal(&origins, source).await, (404, "original-not-found"), "{source}");
    }
}

#[tokio::test]
async fn links_that_stay_inside_are_followed() {
    let (_folder, spec) = folder();
    symlink("sub/a.jpg", root(&spec).join("link.jpg")).expect("a link");
    symlink("../sub", root(&spec).join("sub/again")).expect("a link");
    let origins = origins(&spec);
    for source in ["local:///link.jpg", "local:///sub/again/a.jpg"] {
        assert_eq!(&fetch(&origins, source).await.expect(source).bytes[..], b"picture");
    }
}

#[tokio::test]
async fn only_regular_files_are_read() {
    let (_folder, spec) = folder();
    let folder = fs::File::open(root(&spec)).expect("a root");
    rustix::fs::mkfifoat(&folder, "pipe.jpg", rustix::fs::Mode::RUSR).expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(root(&spec).join("socket.jpg")).expect("a socket");
    let origins = origins(&spec);
    // Opening a pipe that nobody writes to waits for ever, if it is opened like a file.
    for source in ["local:///pipe.jpg", "local:///socket.jpg", "local:///sub", "local:///sub/", "local:///"] {
        assert_eq!(refusal(&origins, source).await, (404, "original-not-found"), "{source}");
    }
}

#[tokio::test]
async fn a_file_may_be_as_large_as_the_limit() {
    let (_folder, spec) = folder();
    let max = usize::try_from(spec.limits.source_bytes_max).expect("a small limit");
    fs::write(root(&spec).join("max.jpg"), vec![b'x'; max]).expect("a file");
    fs::write(root(&spec).join("more.jpg"), vec![b'x'; max + 1]).expect("a file");
    fs::write(root(&spec).join("empty.jpg"), b"").expect("a file");
    let origins = origins(&spec);
    assert_eq!(fetch(&origins, "local:///max.jpg").await.expect("at the limit").bytes.len(), max);
    assert_eq!(refusal(&origins, "local:///more.jpg").await, (422, "original-too-large"));
    assert!(fetch(&origins, "local:///empty.jpg").await.expect("a file").bytes.is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_is_not_as_long_as_it_says_is_incomplete() {
    // Files of the kernel say that they are empty and then are not, like a file that grows while it is read.
    let spec = OriginsSpec { local_root: Some("/proc".into()), limits: limits(), ..OriginsSpec::default() };
    assert_eq!(refusal(&origins(&spec), "local:///version").await, (502, "original-incomplete"));
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changed() {
    let (_folder, spec) = folder();
    let origins = origins(&spec);
    let source = "local:///sub/a.jpg";
    let path = root(&spec).join("sub/a.jpg");
    let first = validators(&origins, source).await;
    let again = origins.fetch(source, Some(&first)).await.expect("an answer");
    assert!(matches!(again, Fetched::NotModified { .. }), "{again:?}");

    // The same length and the same time, but another file put in its place.
    let modified = fs::metadata(&path).and_then(|data| data.modified()).expect("a time");
    let other = path.with_extension("new");
    fs::write(&other, b"PICTURE").expect("a file");
    fs::File::options().write(true).open(&other).and_then(|file| file.set_modified(modified)).expect("a time");
    fs::rename(&other, &path).expect("an exchange");
    match origins.fetch(source, Some(&first)).await.expect("an answer") {
        Fetched::Body(original) => assert_eq!(&original.bytes[..], b"PICTURE"),
        Fetched::NotModified { .. } => panic!("it did change"),
    }
}

#[tokio::test]
async fn the_root_is_there_at_the_start_and_may_be_exchanged_later() {
    let (folder, mut spec) = folder();
    let link = folder.path().join("current");
    symlink("root", &link).expect("a link");
    spec.local_root = Some(link.clone());
    let origins = origins(&spec);
    fetch(&origins, "local:///sub/a.jpg").await.expect("the first root");
    fs::create_dir(folder.path().join("next")).expect("a root");
    fs::write(folder.path().join("next/b.jpg"), b"next").expect("a file");
    fs::remove_file(&link).and_then(|()| symlink("next", &link)).expect("an exchange");
    fetch(&origins, "local:///b.jpg").await.expect("the second root");

    for bad in ["missing", "secret.jpg"] {
        spec.local_root = Some(folder.path().join(bad));
        assert!(matches!(Origins::new(&spec), Err(OriginSetupError::LocalRoot { .. })), "{bad}");
    }
}
