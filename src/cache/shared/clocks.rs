//! Stamps of other nodes beside our own. Contract: whatever began before a purge counts as older than its mark, on
//! every node, as long as no two clocks differ by more than the skew.
//!
//! A stamp is what the clock of its node showed, or a little more where that node had seen a later stamp, which was
//! then what another clock had shown. So a thing that began before a purge has a stamp below that of the mark plus the
//! skew, whoever made which; and that is all that can be known from two stamps of different nodes. Three rules follow:
//!
//! - *A thing from the bucket* ([`of_entry`]) gets its stamp lowered by the skew when it is read, for good: then the
//!   one rule of marks, younger than the stamp, holds for it here as for everything else, now and in every tier that it
//!   gets into. What another node made within the skew after a purge counts as purged too, and is made again.
//! - *A mark from the bucket* ([`of_mark`]) gets the stamp of the moment when it is first seen, so that all that is
//!   kept or being made here at that moment is older, whatever the clocks say; what is begun afterwards is younger.
//!   Only the marks that are there when a process begins to read get the stamp at which they came to be there plus the
//!   skew: they may be weeks old, and things of yesterday should be good in a new process.
//! - *A thing is written to the bucket* only after a look at the board that began after the thing did. So a mark that
//!   it escaped came to be there later than it, however slowly its writer reads the board.
//!
//! Clocks that differ by more than the skew, with nodes that read steadily: what a node keeps is still purged, because
//! the moment of seeing is its own. What is in the bucket may then be read although it was purged, if the clock of its
//! writer was ahead of that of the purge; a writer whose clock is behind only loses its things early.

use std::time::Duration;

use super::super::stamp::{Stamp, Stamps};

/// When marks are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// All that are there, by a process that has not read any before.
    First,
    /// New ones, since.
    Steady,
}

/// The stamp here of a thing that another node stamped, read at `read_at` of our own stamps.
pub(super) fn of_entry(theirs: Stamp, read_at: Stamp, skew: Duration) -> Stamp {
    // From the future is what a clock says that differs by more than the skew; so much at least can be put right.
    let micros = u64::try_from(skew.as_micros()).unwrap_or(u64::MAX);
    Stamp::from_micros(theirs.min(read_at).micros().saturating_sub(micros))
}

/// The stamp here of another node's mark, which others could read at `there` of its stamps at the latest. All stamps
/// that `stamps` gave are older than it when it is taken in steadily, and all that it will give are younger.
pub(super) fn of_mark(theirs: Stamp, there: Stamp, stamps: &Stamps, skew: Duration, reading: Reading) -> Stamp {
    stamps.observe(theirs);
    let now = stamps.now();
    match reading {
        Reading::First => theirs.max(there).plus(skew).min(now),
        Reading::Steady => now,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SKEW: Duration = Duration::from_secs(10);
    const T: u64 = 1_000_000_000;

    /// Stamps of a node whose clock shows this; later ones show more.
    fn clock_at(micros: u64) -> Stamps {
        let stamps = Stamps::default();
        // Tests cannot set the clock: stamps that have seen a later one than it shows go on from there.
        stamps.observe(Stamp::from_micros(FUTURE + micros));
        stamps
    }

    /// Later than the clock of any machine that runs this.
    const FUTURE: u64 = 1 << 60;

    proptest! {
        /// Writer, purger and reader with clocks within the skew of each other.
        #[test]
        fn what_began_before_a_purge_is_older_than_its_mark_everywhere(
            clocks in prop::array::uniform3(0..=10_000_000_u64),
            made_before in 0..100_000_000_u64,
            seen_after in 0..100_000_000_u64,
            is_first in any::<bool>(),
        ) {
            let [writer, purger, reader] = clocks;
            let reading = if is_first { Reading::First } else { Reading::Steady };
            let entry = Stamp::from_micros(FUTURE + T - made_before + writer);
            let mark = Stamp::from_micros(FUTURE + T + purger);
            let here = clock_at(T + seen_after + reader);
            let own = Stamp::from_micros(FUTURE + T - made_before + reader);
            let read_at = here.now();
            let mark_here = of_mark(mark, mark, &here, SKEW, reading);
            prop_assert!(of_entry(entry, read_at, SKEW) <= mark_here, "from the bucket");
            prop_assert!(own <= mark_here, "kept here");
            prop_assert!(here.now() > mark_here, "what is begun now is younger");
        }

        /// Nothing is promised between nodes then, but what a node keeps itself is purged all the same.
        #[test]
        fn clocks_that_are_wrong_do_not_keep_what_is_here(
            purger in 0..10 * T, reader in 0..10 * T, ours in 0..T,
        ) {
            let here = clock_at(reader);
            let kept = Stamp::from_micros(here.now().micros() - ours);
            let from_bucket = of_entry(Stamp::from_micros(FUTURE + 20 * T), here.now(), SKEW);
            let theirs = Stamp::from_micros(FUTURE + purger);
            let mark = of_mark(theirs, theirs, &here, SKEW, Reading::Steady);
            prop_assert!(kept < mark && from_bucket < mark && here.now() > mark);
        }
    }

    #[test]
    fn what_is_younger_than_both_skews_is_good_in_a_new_process() {
        let mark = Stamp::from_micros(FUTURE);
        let here = clock_at(3600 * 1_000_000);
        let mark_here = of_mark(mark, mark, &here, SKEW, Reading::First);
        assert_eq!(mark_here, mark.plus(SKEW));
        assert!(of_entry(mark.plus(SKEW * 2), here.now(), SKEW) <= mark_here);
        assert!(of_entry(mark.plus(SKEW * 2 + Duration::from_micros(1)), here.now(), SKEW) > mark_here);
    }

    /// One clock that is far ahead: what its node made and then purged itself.
    #[test]
    fn things_and_marks_of_one_wrong_clock_keep_their_order() {
        for reading in [Reading::First, Reading::Steady] {
            let (entry, mark) = (Stamp::from_micros(FUTURE + 3600 * T), Stamp::from_micros(FUTURE + 3600 * T + 1));
            let here = clock_at(0);
            let mark_here = of_mark(mark, mark, &here, SKEW, reading);
            here.observe(Stamp::from_micros(FUTURE + 60 * T));
            assert!(of_entry(entry, here.now(), SKEW) <= mark_here, "{reading:?}");
        }
    }

    #[test]
    fn a_stamp_can_be_lowered_below_nothing() {
        assert_eq!(of_entry(Stamp::from_micros(1), Stamp::from_micros(5), SKEW), Stamp::from_micros(0));
    }
}
