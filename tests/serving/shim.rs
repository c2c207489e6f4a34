//! A disk and a clock that misbehave on demand: a library that is loaded before the system's own and fails its calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::folder;
use crate::support::server::Launch;

/// The file that says what is to fail now, and how.
pub(super) struct Shim {
    folder: TempDir,
}

/// Calls below a folder fail with a number while a file says so: its first line is the number, its second one holds `r`
/// for reads and `w` for writes. And the clock is ahead by so many seconds.
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static unsigned char ours[65536];

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name);

static int is_below(const char *path) {
    const char *folder = getenv("SHIM_FOLDER");
    return folder && path && !strncmp(path, folder, strlen(folder));
}

/* Whether calls of this kind fail now; errno is set then. */
static int fails(char kind) {
    static int (*open_)(const char *, int, ...);
    static ssize_t (*read_)(int, void *, size_t);
    static int (*close_)(int);
    if (!open_) {
        read_ = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
        close_ = (int (*)(int))dlsym(RTLD_NEXT, "close");
        open_ = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    }
    const char *flag = getenv("SHIM_FLAG");
    int before = errno;
    int fd = flag ? open_(flag, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) { errno = before; return 0; }
    char text[16] = {0};
    ssize_t got = read_(fd, text, sizeof text - 1);
    close_(fd);
    errno = before;
    if (got <= 0 || !strchr(text, kind)) return 0;
    errno = atoi(text);
    return 1;
}

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < 65536) ours[fd] = is_below(path);
    return fd;
}
static int is_ours(int fd) { return fd >= 0 && fd < 65536 && ours[fd]; }

#define OPEN(name) int name(const char *path, int flags, ...) { \
    REAL(int, #name, const char *, int, ...) \
    va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
    if (is_below(path) && fails((flags & O_ACCMODE) == O_RDONLY ? 'r' : 'w')) return -1; \
    return opened(real(path, flags, mode), path); \
}
OPEN(open)
OPEN(open64)

int close(int fd) {
    REAL(int, "close", int)
    if (fd >= 0 && fd < 65536) ours[fd] = 0;
    return real(fd);
}

#define ON_FD(type, name, kind, params, args) type name params { \
    REAL(type, #name, params_of_##name) \
    if (is_ours(fd) && fails(kind)) return -1; \
    return real args; \
}
#define params_of_read int, void *, size_t
#define params_of_write int, const void *, size_t
#define params_of_pread64 int, void *, size_t, off64_t
#define params_of_pwrite64 int, const void *, size_t, off64_t
#define params_of_fsync int
#define params_of_fdatasync int
#define params_of_ftruncate64 int, off64_t
ON_FD(ssize_t, read, 'r', (int fd, void *to, size_t len), (fd, to, len))
ON_FD(ssize_t, write, 'w', (int fd, const void *from, size_t len), (fd, from, len))
ON_FD(ssize_t, pread64, 'r', (int fd, void *to, size_t len, off64_t at), (fd, to, len, at))
ON_FD(ssize_t, pwrite64, 'w', (int fd, const void *from, size_t len, off64_t at), (fd, from, len, at))
ON_FD(int, fsync, 'w', (int fd), (fd))
ON_FD(int, fdatasync, 'w', (int fd), (fd))
ON_FD(int, ftruncate64, 'w', (int fd, off64_t len), (fd, len))

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *)
    if (is_below(from) && fails('w')) return -1;
    return real(from, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *)
    if (is_below(path) && fails('w')) return -1;
    return real(path);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *)
    int result = real(clock, now);
    const char *ahead = getenv("SHIM_CLOCK_AHEAD_S");
    if (!result && clock == CLOCK_REALTIME && ahead) now->tv_sec += atoll(ahead);
    return result;
}
"#;

// === impl Shim ===

impl Shim {
    /// None, said aloud, where there is no C compiler.
    pub(super) fn new() -> Option<Self> {
        library()?;
        Some(Self { folder: folder(&[]) })
    }

    /// A server whose calls below `disk` fail when they are told to.
    pub(super) fn under(&self, launch: &Launch, disk: &Path) -> Launch {
        loaded(launch)
            .variable("SHIM_FOLDER", &disk.display().to_string())
            .variable("SHIM_FLAG", &self.flag().display().to_string())
    }

    /// From now on reads (`r`), writes (`w`) or both fail with this number.
    pub(super) fn fail(&self, errno: i32, kinds: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{errno}\n{kinds}\n")).expect("a writable folder");
        fs::rename(new, self.flag()).expect("a writable folder");
    }

    pub(super) fn heal(&self) {
        fs::remove_file(self.flag()).expect("a flag");
    }

    fn flag(&self) -> PathBuf {
        self.folder.path().join("flag")
    }
}

/// A server whose clock is ahead of ours; none, said aloud, where there is no C compiler.
pub(super) fn ahead(launch: &Launch, seconds: u64) -> Option<Launch> {
    library()?;
    Some(loaded(launch).variable("SHIM_CLOCK_AHEAD_S", &seconds.to_string()))
}

fn loaded(launch: &Launch) -> Launch {
    let library = library().expect("asked for before");
    launch.clone().variable("LD_PRELOAD", &library.display().to_string())
}

/// The library, made once.
fn library() -> Option<&'static Path> {
    static MADE: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = folder(&[("shim.c", SOURCE.as_bytes())]);
        let library = folder.path().join("shim.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(folder.path().join("shim.c")).arg("-ldl");
        match compiler.output() {
            Ok(output) if output.status.success() => Some((folder, library)),
            Ok(output) => panic!("the shim does not compile: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                eprintln!("skipped: no C compiler here ({error})");
                None
            }
        }
    });
    made.as_ref().map(|(_, library)| library.as_path())
}
