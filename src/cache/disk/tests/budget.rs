//! Budgets hold whatever comes, and what is asked for stays.

use proptest::prelude::*;

use super::*;

fn budgets(variants_bytes: u64, originals_bytes: u64) -> DiskBudgets {
    DiskBudgets { variants_bytes, originals_bytes, files_bytes: 0 }
}

fn open_with(folder: &Path, budgets: DiskBudgets) -> DiskTier {
    DiskTier::open(spec(folder, budgets), Marks::default().is_gone()).unwrap()
}

#[tokio::test]
async fn what_is_asked_for_stays_while_a_scan_passes() {
    let folder = test_folder();
    let tier = open_with(folder.path(), budgets(100 * 4096, 0));
    for number in 0..80 {
        tier.put(entry(number, 1000));
    }
    tier.flush().await;
    for number in 0..80 {
        tier.touch(&key(number));
    }
    for number in 1000..1500 {
        tier.put(entry(number, 1000));
    }
    tier.flush().await;
    let mut stayed = 0;
    for number in 0..80 {
        stayed += u32::from(tier.get(&key(number)).await.is_some());
    }
    assert!(stayed >= 75, "{stayed} of 80");
    assert_eq!(kept(&tier, Class::Variant), (100, 100 * 4096));
    assert_totals_are_true(&tier, folder.path()).await;
}

#[tokio::test]
async fn a_giant_does_not_push_out_the_rest_unless_it_comes_again() {
    let folder = test_folder();
    let tier = open_with(folder.path(), budgets(100 * 4096, 0));
    for number in 0..100 {
        tier.put(entry(number, 1000));
    }
    tier.flush().await;
    tier.put(entry(100, 50 * 4096));
    tier.flush().await;
    assert_eq!(tier.get(&key(100)).await, None);
    assert_eq!(kept(&tier, Class::Variant).0, 100);
    tier.put(entry(100, 50 * 4096));
    tier.flush().await;
    assert!(tier.get(&key(100)).await.is_some());
    assert_totals_are_true(&tier, folder.path()).await;
    assert!(kept(&tier, Class::Variant).1 <= 100 * 4096);
}

#[tokio::test]
async fn a_lower_budget_holds_after_the_restart() {
    let folder = test_folder();
    let tier = open_with(folder.path(), budgets(MB, MB));
    for number in 0..250 {
        tier.put(entry(number, 1000));
        tier.put(Entry { class: Class::Original, ..entry(1000 + number, 1000) });
    }
    tier.flush().await;
    assert_eq!((kept(&tier, Class::Variant).0, kept(&tier, Class::Original).0), (250, 250));
    drop(tier);
    let tier = open_with(folder.path(), budgets(20 * 4096, 0));
    tier.swept().await;
    assert_totals_are_true(&tier, folder.path()).await;
    assert_eq!((kept(&tier, Class::Variant).1, kept(&tier, Class::Original).1), (20 * 4096, 0));
}

#[derive(Debug, Clone)]
enum Act {
    Put { number: u64, blocks: usize, is_original: bool },
    Get(u64),
    Remove(u64),
    Purge(u64),
    Flush,
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        20 => (0_u64..60, 0_usize..12, any::<bool>())
            .prop_map(|(number, blocks, is_original)| Act::Put { number, blocks, is_original }),
        6 => (0_u64..60).prop_map(Act::Get),
        2 => (0_u64..60).prop_map(Act::Remove),
        1 => (0_u64..10).prop_map(Act::Purge),
        2 => Just(Act::Flush),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..120)
}

async fn churn(acts: Vec<Act>) {
    let limits = budgets(30 * 4096, 20 * 4096);
    let folder = test_folder();
    let mut tier = open_with(folder.path(), limits);
    for act in acts {
        match act {
            Act::Put { number, blocks, is_original } => {
                let class = if is_original { Class::Original } else { Class::Variant };
                tier.put(Entry { class, ..entry(number, blocks * 4000) });
            }
            Act::Get(number) => {
                if let Some(found) = tier.get(&key(number)).await {
                    assert_eq!(found, Entry { class: found.class, ..entry(number, found.body.len()) });
                }
            }
            Act::Remove(number) => {
                tier.remove(&key(number));
                assert_eq!(tier.get(&key(number)).await, None);
            }
            Act::Purge(number) => {
                let purged = tier.purge(Selector::Tag(tag(&format!("m-{number}"))), Stamp::from_micros(100)).await;
                assert!(purged.is_complete);
                for number in (number..60).step_by(10) {
                    assert_eq!(tier.get(&key(number)).await, None);
                }
            }
            Act::Flush => {
                assert_totals_are_true(&tier, folder.path()).await;
                for class in [Class::Variant, Class::Original] {
                    let (_, bytes) = kept(&tier, class);
                    assert!(bytes <= limits.of(class), "{class:?}: {bytes}");
                }
            }
            Act::Restart => {
                tier.close();
                tier = open_with(folder.path(), limits);
            }
        }
    }
    assert_totals_are_true(&tier, folder.path()).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn budgets_hold_and_totals_are_true_under_any_churn(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(churn(acts));
    }
}
