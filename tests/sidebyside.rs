//! The side-by-side bench's own logic: a figure is worth what the arithmetic behind it is. Its parts that know no
//! server are compiled in here, where a test can see them; what it does with servers is seen when it runs.

#[path = "../benches/sidebyside/colours.rs"]
mod colours;
#[path = "../benches/sidebyside/formats.rs"]
mod formats;
#[path = "../benches/sidebyside/http.rs"]
mod http;
#[path = "../benches/sidebyside/plan.rs"]
mod plan;
#[path = "../benches/sidebyside/processes.rs"]
mod processes;
#[path = "../benches/sidebyside/reference.rs"]
mod reference;
#[path = "../benches/sidebyside/statistics.rs"]
mod statistics;
#[path = "../benches/sidebyside/table.rs"]
mod table;

mod sidebyside {
    mod answers;
    mod figures;
    mod outside;
    mod pixels;
    mod plans;
}
