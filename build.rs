//! Finds libvips and says in words what is missing, before the linker says it in symbols; builds the shims in C.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(error) = pkg_config::Config::new().atleast_version("8.14").probe("vips") {
        eprintln!(
            "tintype needs libvips 8.14 or newer with its headers, and pkg-config to find it.\n\
             Debian and Ubuntu: apt-get install libvips-dev pkg-config\n\
             macOS: brew install vips pkgconf\n\n{error}"
        );
        std::process::exit(1);
    }
    shims();
}

/// libjpeg and jpegli leave by longjmp, over which only C may stand. libvips cannot be had without libjpeg.
fn shims() {
    let sources = ["src/engine/codec/libjpeg.c", "src/engine/codec/escape.c"];
    for source in sources {
        println!("cargo::rerun-if-changed={source}");
    }
    let libjpeg = pkg_config::Config::new().cargo_metadata(false).probe("libjpeg");
    let includes = libjpeg.as_ref().map_or(&[][..], |found| &found.include_paths);
    cc::Build::new().files(sources).includes(includes).opt_level(2).warnings(true).compile("tintype_shims");
    for path in libjpeg.iter().flat_map(|found| &found.link_paths) {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    println!("cargo::rustc-link-lib=jpeg");
}
