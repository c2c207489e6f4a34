//! What may be read: libraries, fonts, colour profiles, a few facts about the machine. Nothing is written, nothing
//! executed, no TCP connection made.
//!
//! The list is what libvips, its codecs, librsvg, Pango and fontconfig were seen to open while they made pictures of
//! every format, and nothing of a user's home: fonts from there are listed by the settings.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};

use super::layers::Why;

/// The newest interface whose meaning we know; older kernels do what they can of it.
const FILES_ABI: ABI = ABI::V9;
const NETWORK_ABI: ABI = ABI::V4;
const SCOPE_ABI: ABI = ABI::V6;

/// Files and folders of the system, each with who opens it.
const SYSTEM: [&str; 24] = [
    // The dynamic linker: codecs are modules that are loaded when they are first needed.
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld-musl-x86_64.path",
    "/etc/ld-musl-aarch64.path",
    // fontconfig and FreeType. Its cache is read where the system keeps one, else fonts are read anew in each process.
    "/etc/fonts",
    "/usr/share/fontconfig",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/var/cache/fontconfig",
    // Little CMS, by profiles that name a file of the system.
    "/usr/share/color",
    // How many processors there are and how memory is laid out: libnuma of x265, dav1d, OpenMP, glibc's allocator.
    // The status is the template's own; workers find what it said in the memory that they inherit.
    "/proc/self/status",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    // The time zone, which some libraries look up at start.
    "/etc/localtime",
    // Random numbers, and nothing.
    "/dev/urandom",
    "/dev/null",
];

/// Names of the environment that move libraries, modules or fonts elsewhere; each holds paths separated by colons.
const MOVED_BY: [&str; 5] =
    ["LD_LIBRARY_PATH", "LIBHEIF_PLUGIN_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "FONTCONFIG_SYSROOT"];

/// Closes the file system but for the list, for this thread and all that come from it; gives the version of the
/// kernel's interface.
pub(super) fn confine(more: &[PathBuf]) -> Result<u32, Why> {
    let mut paths: BTreeSet<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    paths.extend(folders_of_libraries(&fs::read("/proc/self/maps").unwrap_or_default()));
    let moved = MOVED_BY.iter().filter_map(std::env::var_os);
    paths.extend(moved.flat_map(|value| std::env::split_paths(&value).collect::<Vec<_>>()).filter(|p| is_inside(p)));
    paths.extend(more.iter().cloned());
    match restrict(&paths) {
        Ok((RulesetStatus::NotEnforced, _)) => Err(Why::Kernel),
        Ok((_, abi)) => Ok(abi),
        Err(error) => {
            tracing::debug!(%error, "landlock");
            Err(Why::Refused(number_of(&error)))
        }
    }
}

fn restrict(paths: &BTreeSet<PathBuf>) -> Result<(RulesetStatus, u32), RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(FILES_ABI))?
        .handle_access(AccessNet::from_all(NETWORK_ABI))?
        .scope(Scope::from_all(SCOPE_ABI))?
        .create()?
        // Mapping a library to run it is reading to landlock; executing is what `execve` does.
        .add_rules(path_beneath_rules(paths, AccessFs::ReadFile | AccessFs::ReadDir))?
        .restrict_self()?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            kernel_abi.map_or(effective_abi as u32, i32::unsigned_abs)
        }
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    };
    Ok((status.ruleset, abi))
}

/// The kernel's error number at the bottom of an error, else 0.
fn number_of(error: &RulesetError) -> i32 {
    let mut error: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = error {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return io.raw_os_error().unwrap_or(0);
        }
        error = inner.source();
    }
    0
}

/// The folders of shared libraries that are mapped now, from the text of `/proc/self/maps`: where one came from,
/// its modules are.
fn folders_of_libraries(maps: &[u8]) -> BTreeSet<PathBuf> {
    let path = |line: &[u8]| {
        line.iter().position(|byte| *byte == b'/').map(|at| PathBuf::from(OsStr::from_bytes(&line[at..])))
    };
    let is_library = |path: &PathBuf| {
        let name = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
        name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.")
    };
    let lines = maps.split(|byte| *byte == b'\n').filter_map(path).filter(is_library);
    lines.filter_map(|path| path.parent().map(Path::to_path_buf)).filter(|folder| is_inside(folder)).collect()
}

/// Whether a path names a place and not the whole file system.
fn is_inside(path: &Path) -> bool {
    path.is_absolute() && path.parent().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_those_of_libraries_and_never_the_root() {
        let maps = b"7f00-7f01 r-xp 00000000 08:01 12 /opt/vips/lib/libvips.so.42.16.1\n\
            7f00-7f01 r--p 00000000 08:01 12    /opt/a b/codec.so\n\
            7f00-7f01 r--p 00000000 08:01 12 /srv/app/tintype\n\
            7f00-7f01 r--p 00000000 08:01 12 /libloose.so\n\
            7f00-7f01 rw-p 00000000 00:00 0\n\
            7f00-7f01 rw-p 00000000 00:00 0 [heap]\n\
            7f00-7f01 r--p 00000000 08:01 12 /srv/data/font.sob";
        let expected = ["/opt/a b", "/opt/vips/lib"].map(PathBuf::from);
        assert_eq!(folders_of_libraries(maps), BTreeSet::from(expected));
    }

    #[test]
    fn libraries_of_this_process_are_found() {
        let folders = folders_of_libraries(&fs::read("/proc/self/maps").unwrap());
        assert!(!folders.is_empty());
        assert!(folders.iter().all(|folder| folder.is_dir()), "{folders:?}");
    }
}
