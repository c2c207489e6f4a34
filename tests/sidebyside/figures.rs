//! Many numbers made one, and tables of them.

use crate::statistics::{Random, Zipf, mean, median, median_ratio, percentile, reached, spread, turns};
use crate::table::{Table, digits, times};

#[test]
fn a_percentile_is_a_number_that_was_measured() {
    let hundred: Vec<u64> = (1..=100).collect();
    assert_eq!([0.5, 0.99, 1.0].map(|part| percentile(&hundred, part)), [50, 99, 100]);
    assert_eq!([0.5, 0.99].map(|part| percentile(&[7], part)), [7, 7]);
    assert_eq!(percentile(&[1, 9], 0.51), 9);
    assert_eq!(percentile(&[], 0.5), 0);
}

#[test]
fn the_middle_ignores_one_bad_round() {
    assert_eq!(median(&[3.0, 100.0, 1.0]), 3.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), 3.0);
    assert!(median(&[]).is_nan());
    assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
    assert_eq!(spread(&[90.0, 100.0, 110.0]), 0.1);
}

#[test]
fn ratios_are_of_the_same_round() {
    // A machine that slows down for everyone in the second round changes no ratio.
    assert_eq!(median_ratio(&[120.0, 60.0, 120.0], &[100.0, 50.0, 100.0]), 1.2);
    assert!(median_ratio(&[], &[1.0]).is_nan());
}

#[test]
fn bytes_at_a_score_lie_between_two_points() {
    let points = [(10.0, 60.0), (20.0, 70.0), (40.0, 80.0)];
    assert_eq!(reached(&points, 65.0), Some(15.0));
    assert_eq!(reached(&points, 75.0), Some(30.0));
    assert_eq!(reached(&points, 60.0), Some(10.0));
    assert_eq!([50.0, 90.0].map(|score| reached(&points, score)), [None, None]);
}

#[test]
fn everyone_has_every_turn() {
    for count in 1..=4 {
        let rounds: Vec<Vec<usize>> = (0..2 * count).map(|round| turns(count, round)).collect();
        for server in 0..count {
            let firsts = rounds.iter().filter(|order| order[0] == server).count();
            let lasts = rounds.iter().filter(|order| order[count - 1] == server).count();
            assert_eq!((firsts, lasts), (2, 2), "server {server} of {count}");
        }
        for mut order in rounds {
            order.sort_unstable();
            assert_eq!(order, (0..count).collect::<Vec<_>>());
        }
    }
    assert!(turns(0, 3).is_empty());
}

#[test]
fn zipf_gives_each_rank_its_share() {
    let (ranks, draws) = (100, 100_000_u64);
    let zipf = Zipf::new(ranks, 1.0);
    let mut counts = vec![0_u64; ranks];
    (0..draws).for_each(|draw| counts[zipf.at(Random(draw).part())] += 1);
    let whole: f64 = (1..=ranks).map(|rank| 1.0 / rank as f64).sum();
    for rank in [0, 1, 9, 99] {
        let wanted = draws as f64 / (rank + 1) as f64 / whole;
        let got = counts[rank] as f64;
        assert!((got - wanted).abs() < wanted * 0.15, "rank {rank}: {got} of {wanted}");
    }
    assert_eq!([zipf.at(0.0), zipf.at(1.0)], [0, ranks - 1]);
}

#[test]
fn a_shuffle_loses_nothing() {
    let mut items: Vec<u32> = (0..1000).collect();
    Random(3).shuffle(&mut items);
    assert_ne!(items, (0..1000).collect::<Vec<_>>());
    items.sort_unstable();
    assert_eq!(items, (0..1000).collect::<Vec<_>>());
}

#[test]
fn a_table_is_markdown_with_its_columns_in_line() {
    let mut table = Table::new(&["server", "req/s", "ratio"]);
    table.row(vec!["tintype".into(), digits(87.25, 1), times(1.0)]);
    table.row(vec!["a".into(), digits(f64::NAN, 1)]);
    let lines = [
        "| server  | req/s | ratio |",
        "|---------|------:|------:|",
        "| tintype |  87.2 | 1.00x |",
        "| a       |     - |       |",
    ];
    assert_eq!(table.to_string(), format!("{}\n", lines.join("\n")));
}
