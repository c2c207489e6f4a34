//! The grace time of a flight without waiters, on a clock that the test moves.

use tokio::time::{advance, timeout};

use super::*;
use crate::telemetry::clock;

const GRACE: Duration = Duration::from_millis(250);
/// The timer's resolution, once for the timer and once for the clock of the test.
const TOLERANCE: Duration = Duration::from_millis(2);
/// As much of the grace as is safely before its end.
const ALMOST: Duration = Duration::from_millis(248);

/// Lets the tasks do what is due now. Each step of a flight's task takes one turn at most.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_nobody_waits_for_goes_on_for_the_grace() {
    let (flights, tracker) = (flights(10, GRACE), TaskTracker::new());
    let (leader, work) = Work::join(&flights, "a", &tracker);
    let follower = follow(&flights, "a", &tracker);
    let token = work.started.await.expect("the work starts");
    drop(leader);
    assert!(timeout(Duration::from_hours(1), token.cancelled()).await.is_err(), "one still waits");
    let left = clock::instant();
    drop(follower);
    token.cancelled().await;
    let after = left.elapsed();
    assert!((GRACE..=GRACE + TOLERANCE).contains(&after), "told to stop after {after:?}");
    assert!(flights.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_in_the_grace_finds_the_flight() {
    let (flights, tracker) = (flights(10, GRACE), TaskTracker::new());
    let (leader, work) = Work::join(&flights, "a", &tracker);
    let token = work.started.await.expect("the work starts");
    drop(leader);
    settle().await;
    advance(ALMOST).await;
    settle().await;
    let mut again = follow(&flights, "a", &tracker);
    assert!(timeout(Duration::from_hours(1), token.cancelled()).await.is_err(), "one waits again");
    work.end.send(Ok(Arc::new(7))).expect("the work goes on");
    assert_eq!(again.wait().await, Ok(Arc::new(7)));
}

#[tokio::test(start_paused = true)]
async fn each_leaving_starts_the_grace_anew() {
    let (flights, tracker) = (flights(10, GRACE), TaskTracker::new());
    let (leader, work) = Work::join(&flights, "a", &tracker);
    let token = work.started.await.expect("the work starts");
    drop(leader);
    for _ in 0..3 {
        settle().await;
        advance(ALMOST).await;
        settle().await;
        assert!(!token.is_cancelled());
        drop(follow(&flights, "a", &tracker));
    }
    let left = clock::instant();
    token.cancelled().await;
    let after = left.elapsed();
    assert!((GRACE..=GRACE + TOLERANCE).contains(&after), "told to stop after {after:?}");
}

#[tokio::test(start_paused = true)]
async fn work_that_runs_alone_has_its_grace_too() {
    let (flights, tracker) = (flights(0, GRACE), TaskTracker::new());
    let (alone, work) = Work::join(&flights, "a", &tracker);
    let token = work.started.await.expect("the work starts");
    let left = clock::instant();
    drop(alone);
    token.cancelled().await;
    assert!(left.elapsed() >= GRACE);
}
