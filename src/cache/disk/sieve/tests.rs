//! The policy alone, and that the queues of the index follow it as those in memory do.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::cache::disk::index::{Commit, Index, IndexError, Lanes};
use crate::cache::disk::row::Row;
use crate::cache::{Class, Labels, Stamp};

const BLOCK: u64 = 4096;

/// A cache of keys over queues in memory.
struct Cache {
    sieve: Sieve,
    queues: MemoryQueues,
    heat: Heat,
    budget_bytes: u64,
}

fn item(number: u64, blocks: u64) -> Item {
    Item { key: Key::of("test", &[&number.to_le_bytes()]), bytes: blocks * BLOCK }
}

// === impl Cache ===

impl Cache {
    fn new(budget_blocks: u64) -> Self {
        Self {
            sieve: Sieve::default(),
            queues: MemoryQueues::default(),
            heat: Heat::new(),
            budget_bytes: budget_blocks * BLOCK,
        }
    }

    fn bytes(&self) -> u64 {
        self.queues.bytes(Lane::Small) + self.queues.bytes(Lane::Main)
    }

    /// Asks for an item and keeps it as the tier does; whether it was there.
    fn ask(&mut self, item: &Item) -> bool {
        if self.queues.contains(&item.key) {
            self.heat.touch(&item.key);
            return true;
        }
        let free = self.budget_bytes - self.bytes();
        let Some(lane) = self.sieve.admit(item, free, self.budget_bytes) else {
            return false;
        };
        while self.bytes() + item.bytes > self.budget_bytes {
            let Ok(victim) = self.sieve.victim(&mut self.queues, &self.heat, self.budget_bytes);
            self.queues.remove(&victim.unwrap().key);
        }
        self.queues.push(item, lane);
        false
    }
}

#[test]
fn things_asked_for_once_pass_through_the_small_queue() {
    let mut cache = Cache::new(100);
    for number in 0..90 {
        cache.ask(&item(number, 1));
        cache.ask(&item(number, 1));
    }
    for number in 1000..5000 {
        assert!(!cache.ask(&item(number, 1)));
    }
    let stayed = (0..90).filter(|number| cache.queues.contains(&item(*number, 1).key)).count();
    assert_eq!(stayed, 90);
    assert!(cache.queues.bytes(Lane::Small) <= 10 * BLOCK);
}

#[test]
fn what_comes_back_soon_enters_the_main_queue() {
    let mut cache = Cache::new(20);
    for number in 0..30 {
        cache.ask(&item(number, 1));
    }
    assert!(!cache.ask(&item(0, 1)));
    for number in 100..150 {
        cache.ask(&item(number, 1));
    }
    assert!(cache.queues.contains(&item(0, 1).key));
}

#[test]
fn room_is_made_in_bounded_time_however_hot_everything_is() {
    let mut cache = Cache::new(10_000);
    for number in 0..10_000 {
        cache.ask(&item(number, 1));
        cache.heat.touch(&item(number, 1).key);
    }
    let Ok(victim) = cache.sieve.victim(&mut cache.queues, &cache.heat, cache.budget_bytes);
    assert_eq!(victim, Some(item(MOVES_MAX as u64, 1)));
}

#[test]
fn empty_queues_have_no_victim() {
    let mut cache = Cache::new(10);
    assert_eq!(cache.sieve.victim(&mut cache.queues, &cache.heat, 0), Ok(None));
    cache.ask(&item(1, 1));
    assert_eq!(cache.sieve.victim(&mut cache.queues, &cache.heat, 0), Ok(Some(item(1, 1))));
}

#[test]
fn fingerprints_are_bounded() {
    let mut cache = Cache::new(4);
    for number in 0..10_000 {
        cache.ask(&item(number, 1));
    }
    assert_eq!((cache.sieve.ghosts.len(), cache.sieve.order.len()), (GHOSTS_MIN, GHOSTS_MIN));
}

/// What a step of the comparison does.
#[derive(Debug, Clone)]
enum Act {
    Push(u64, u64, bool),
    Remove(u64),
    Touch(u64),
    Victim,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0_u64..20, 1_u64..5, any::<bool>())
            .prop_map(|(number, blocks, is_main)| Act::Push(number, blocks, is_main)),
        1 => (0_u64..20).prop_map(Act::Remove),
        3 => (0_u64..20).prop_map(Act::Touch),
        3 => Just(Act::Victim),
    ];
    prop::collection::vec(act, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn queues_of_the_index_are_those_in_memory(acts in acts()) {
        let folder = TempDir::new().unwrap();
        let mut index = Index::open(&folder.path().join("index")).unwrap();
        let mut memory = MemoryQueues::default();
        let (heats, mut sieves) = ([Heat::new(), Heat::new()], [Sieve::default(), Sieve::default()]);
        let class = Class::Original;
        let done: Result<(), IndexError> = index.write(|batch| {
            for act in acts {
                match act {
                    Act::Push(number, blocks, is_main) => {
                        let (item, lane) = (item(number, blocks), if is_main { Lane::Main } else { Lane::Small });
                        memory.push(&item, lane);
                        let row = Row {
                            class,
                            lane,
                            turn: 0,
                            file_bytes: item.bytes - 1,
                            stamp: Stamp::default(),
                            labels: Labels::default(),
                        };
                        batch.insert(&item.key, row)?;
                    }
                    Act::Remove(number) => {
                        memory.remove(&item(number, 1).key);
                        batch.remove(&item(number, 1).key)?;
                    }
                    Act::Touch(number) => heats.iter().for_each(|heat| heat.touch(&item(number, 1).key)),
                    Act::Victim => {
                        let Ok(expected) = sieves[0].victim(&mut memory, &heats[0], 20 * BLOCK);
                        let victim = sieves[1].victim(&mut Lanes { batch, class }, &heats[1], 20 * BLOCK)?;
                        assert_eq!(victim, expected);
                        if let Some(victim) = victim {
                            memory.remove(&victim.key);
                            batch.remove(&victim.key)?;
                        }
                    }
                }
                for lane in [Lane::Small, Lane::Main] {
                    assert_eq!(batch.totals().lane(class, lane).bytes, memory.bytes(lane));
                }
            }
            Ok(((), Commit::Soon))
        });
        prop_assert!(done.is_ok());
    }
}
