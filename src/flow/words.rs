//! The tiers in words: a line for each, for whoever looks at `/status` in the night.

use super::Flow;
use super::mount::Mounts;
use crate::cache::{ClassState, DiskHealth, DiskState, Keep, MarksState, SharedState, Tiers};
use crate::telemetry::clock;

// === impl Flow ===

impl Flow {
    /// What is kept where, and whether anything is wrong with it.
    pub(super) fn words(&self) -> Vec<String> {
        let cache = &self.config.cache;
        let mut lines = vec![
            memory("variants", &self.variants, cache.memory_bytes),
            memory("originals", self.originals.tiers(), cache.originals_memory_bytes),
        ];
        if !self.mounts.is_empty() {
            lines.push(mounts(&self.mounts, self.config.mounts.memory_bytes));
        }
        match &self.disk {
            Some(disk) => lines.extend(disk_lines(&disk.state())),
            None => lines.push("disk: off, a restart begins cold (cache.disk_path)".to_owned()),
        }
        match &self.shared {
            Some(shared) => lines.push(shared_line(&shared.state())),
            None => lines.push("shared bucket: off (shared.bucket)".to_owned()),
        }
        lines.push(purges(&self.marks.state()));
        lines
    }
}

fn memory<V: Keep>(what: &str, tiers: &Tiers<V>, budget_bytes: u64) -> String {
    if budget_bytes == 0 {
        return format!("memory: no {what} are kept");
    }
    let kept = tiers.memory();
    format!("memory: {} {what} in {}", kept.len(), of(kept.bytes(), budget_bytes))
}

fn mounts(mounts: &Mounts, budget_bytes: u64) -> String {
    let (bytes, entries) = mounts.kept();
    let memory = if budget_bytes == 0 {
        "memory keeps none".to_owned()
    } else {
        format!("{entries} responses in memory in {}", of(bytes, budget_bytes))
    };
    format!("mounts: {}, {memory}, {} requests to origins under way", mounts.len(), mounts.flights())
}

fn disk_lines(state: &DiskState) -> Vec<String> {
    let mut lines: Vec<String> = state.classes.iter().filter(|class| class.budget_bytes > 0).map(class).collect();
    lines.push(match state.health {
        DiskHealth::Ok if state.is_swept => format!("disk: healthy, {} wait to be written", size(state.queue_bytes)),
        DiskHealth::Ok => "disk: healthy, files are still being compared with the index".to_owned(),
        DiskHealth::Degraded { since_unix_s, why } => {
            let ago_s = clock::now_unix_s().saturating_sub(since_unix_s);
            format!("disk: NOTHING IS WRITTEN for {ago_s} s: {why}; what is there is read, writing is tried again")
        }
    });
    lines
}

fn class(class: &ClassState) -> String {
    format!("disk: {} {} in {}", class.entries, class.class.name(), of(class.bytes, class.budget_bytes))
}

fn shared_line(state: &SharedState) -> String {
    let marks = match state.marks_age_ms {
        Some(age_ms) => format!("purges of other nodes read {:.1} s ago", age_ms as f64 / 1000.0),
        None => "purges of other nodes not read yet".to_owned(),
    };
    let reading = if state.is_read { "read" } else { "NOT READ" };
    let writing = if state.is_put_open { "NOT WRITTEN" } else { "written" };
    format!("shared bucket: {reading}, {writing}, {} wait to be written, {marks}", size(state.queue_bytes))
}

fn purges(state: &MarksState) -> String {
    let kept = if state.is_durable { "also after a restart" } else { "until a restart, which begins cold" };
    format!("purges: {} hold and {} make stale, {kept}", state.hard, state.soft)
}

fn of(bytes: u64, budget_bytes: u64) -> String {
    format!("{} of {} ({} %)", size(bytes), size(budget_bytes), bytes * 100 / budget_bytes.max(1))
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or_else(|| format!("{bytes} B"), |(name, unit)| format!("{:.1} {name}", bytes as f64 / *unit as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Class;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (10 << 30, "10.0 GiB"), (1 << 40, "1.0 TiB")]
        {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(of(1 << 20, 4 << 20), "1.0 MiB of 4.0 MiB (25 %)");
    }

    #[test]
    fn a_sick_disk_is_said_aloud() {
        let class = ClassState { class: Class::Variant, entries: 3, bytes: 4096, budget_bytes: 8192 };
        let mut state = DiskState {
            classes: vec![class],
            health: DiskHealth::Ok,
            is_swept: true,
            queue_bytes: 0,
            queue_bytes_max: 1,
            events: Vec::new(),
        };
        assert_eq!(
            disk_lines(&state),
            ["disk: 3 variants in 4.0 KiB of 8.0 KiB (50 %)", "disk: healthy, 0 B wait to be written"]
        );
        state.health = DiskHealth::Degraded { since_unix_s: clock::now_unix_s(), why: "disk full" };
        assert!(disk_lines(&state)[1].contains("NOTHING IS WRITTEN") && disk_lines(&state)[1].contains("disk full"));
    }
}
