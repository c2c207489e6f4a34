//! Finds libvips and says in words what is missing, before the linker says it in symbols.

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
}
