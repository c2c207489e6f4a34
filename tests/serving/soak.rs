//! Memory: what hundreds of pictures leave behind.

use crate::support::folder;
use crate::support::memory::pss_bytes;
use crate::support::pictures::{marks, with_orientation};
use crate::support::server::Launch;

const REQUESTS: usize = 300;
const GROWTH_BYTES_MAX: u64 = 64 << 20;
/// What the allocator and the caches get to settle.
const REST_S: u64 = 10;

#[test]
#[ignore = "soak: takes a minute, and the memory of a machine without other load"]
fn hundreds_of_pictures_leave_little_behind() {
    let folder = folder(&[
        ("a.png", &marks(2000, 1500).png()),
        ("b.jpg", &with_orientation(&marks(3000, 2000).jpeg(), 6)),
        ("c.jpg", &marks(1200, 4000).jpeg()),
        ("cut.jpg", &marks(1000, 750).jpeg()[..9000]),
        ("text.txt", b"not an image\n"),
    ]);
    // The tiers keep what they are told to keep; what is looked for here is what nobody meant to keep.
    let server = Launch::over(folder.path())
        .set("CACHE_MEMORY_BYTES", "8MiB")
        .set("CACHE_ORIGINALS_MEMORY_BYTES", "8MiB")
        .start();
    let begun = pss_bytes(server.pid());
    assert!(begun > 0, "a kernel that counts it");
    for number in 0..REQUESTS {
        let original = ["a.png", "b.jpg", "c.jpg", "cut.jpg", "text.txt"][number % 5];
        let format = ["png", "jpg", "webp", "avif"][number / 5 % 4];
        let options = format!("rs:fill:{}:{}/g:sm/bl:{}", 100 + number, 400 - number, number % 3);
        let answer = server.get(&format!("/_/{options}/plain/local:///{original}@{format}"));
        let wanted = if original == "text.txt" { 422 } else { 200 };
        assert_eq!(answer.status, wanted, "{options} {original} {format}");
    }
    // sleep: memory is given back in its own time, and nothing tells when.
    std::thread::sleep(std::time::Duration::from_secs(REST_S));
    let ended = pss_bytes(server.pid());
    println!("PSS {} MiB at the start, {} MiB {REST_S} s after {REQUESTS} requests", begun >> 20, ended >> 20);
    assert!(ended <= begun + GROWTH_BYTES_MAX, "{} MiB more", (ended - begun) >> 20);
}
