//! Flights under real concurrency; what depends on the passing of time is in `timing`.

use std::sync::atomic::AtomicU32;

use tokio::sync::{Barrier, oneshot};

use super::*;
use crate::cache::{Key, MemoryTier, Weigh};

mod timing;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("refused for the {0}. time")]
struct Refused(u32);

type TestFlights = Flights<&'static str, Arc<u32>, Refused>;

/// Long enough that no test lives to see it end.
const HOUR: Duration = Duration::from_hours(1);

fn flights(flights_max: usize, grace: Duration) -> TestFlights {
    Flights::new(FlightLimits { kind: "variant", flights_max, grace })
}

/// Work that counts its runs, says through `started` that it runs, and ends when the sender says with what.
struct Work {
    runs: Arc<AtomicU32>,
    started: oneshot::Receiver<CancellationToken>,
    end: oneshot::Sender<Result<Arc<u32>, Refused>>,
}

impl Work {
    fn join(flights: &TestFlights, key: &'static str, tracker: &TaskTracker) -> (Ticket<Arc<u32>, Refused>, Self) {
        let runs = Arc::new(AtomicU32::new(0));
        let (start, started) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let counter = Arc::clone(&runs);
        let ticket = flights.join(key, tracker, move |token| async move {
            counter.fetch_add(1, Ordering::Relaxed);
            start.send(token).expect("the test waits for the start");
            ended.await.expect("the test says the end")
        });
        (ticket, Self { runs, started, end })
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }
}

/// For a `join` that must not start anything.
fn follow(flights: &TestFlights, key: &'static str, tracker: &TaskTracker) -> Ticket<Arc<u32>, Refused> {
    let ticket = flights.join(key, tracker, |_| async { panic!("a second computation") });
    assert_eq!(ticket.role(), Role::Follower);
    ticket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_at_once_share_one_run() {
    const CLIENTS: usize = 1000;
    let (flights, tracker) = (flights(10, HOUR), TaskTracker::new());
    let runs = Arc::new(AtomicU32::new(0));
    let (gate, joined) = (Arc::new(Barrier::new(CLIENTS)), Arc::new(Barrier::new(CLIENTS + 1)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (flights, tracker, runs) = (flights.clone(), tracker.clone(), Arc::clone(&runs));
            let (gate, joined) = (Arc::clone(&gate), Arc::clone(&joined));
            tracker.clone().spawn(async move {
                gate.wait().await;
                let all_joined = Arc::clone(&joined);
                let mut ticket = flights.join("a", &tracker, move |_| async move {
                    let run = runs.fetch_add(1, Ordering::Relaxed);
                    all_joined.wait().await;
                    Ok(Arc::new(run))
                });
                // The work waits for everybody, so the leader must not hold its place too.
                joined.wait().await;
                (ticket.wait().await.expect("a result"), ticket.role())
            })
        })
        .collect();
    let mut results = Vec::new();
    let mut leaders = 0;
    for client in clients {
        let (result, role) = client.await.expect("no panic");
        leaders += u32::from(role == Role::Leader);
        results.push(result);
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert_eq!(leaders, 1);
    assert!(results.iter().all(|result| Arc::ptr_eq(result, &results[0])), "not the same result");
    assert!(flights.is_empty());
}

/// Many threads, few keys, a tier behind, and work that keeps both promises of `join`: one run for each key, ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_a_tier_behind_nothing_is_computed_twice() {
    const KEYS: usize = 25;
    const CLIENTS: usize = 40;
    let flights: Flights<Key, Arc<Run>, Refused> = Flights::new(FlightLimits::of("variant"));
    let (tier, tracker) = (MemoryTier::new(1 << 20, "memory"), TaskTracker::new());
    let runs: Arc<Vec<AtomicU32>> = Arc::new((0..KEYS).map(|_| AtomicU32::new(0)).collect());
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let (flights, tier, tracker, runs) = (flights.clone(), tier.clone(), tracker.clone(), Arc::clone(&runs));
        clients.push(tracker.clone().spawn(async move {
            for number in (0..KEYS).map(|number| (number + client) % KEYS) {
                let key = Key::of("test", &[&number.to_le_bytes()]);
                if tier.get(&key).is_some() {
                    continue;
                }
                // Whoever looked too early comes here late: the window that the second look closes.
                tokio::task::yield_now().await;
                let (tier, runs) = (tier.clone(), Arc::clone(&runs));
                let work = move |_| async move {
                    if let Some(landed) = tier.get(&key) {
                        return Ok(landed);
                    }
                    let run = Arc::new(Run(runs[number].fetch_add(1, Ordering::Relaxed)));
                    tokio::task::yield_now().await;
                    tier.insert(key, Arc::clone(&run));
                    Ok(run)
                };
                let result = flights.join(key, &tracker, work).wait().await.expect("a result");
                assert_eq!(result.0, 0);
            }
        }));
    }
    for client in clients {
        client.await.expect("no panic");
    }
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1), "{runs:?}");
    assert!(flights.is_empty());
}

#[derive(Debug)]
struct Run(u32);

impl Weigh for Run {
    fn weight_bytes(&self) -> u64 {
        1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_leaves_and_the_others_get_the_result() {
    let (flights, tracker) = (flights(10, Duration::ZERO), TaskTracker::new());
    let (leader, work) = Work::join(&flights, "a", &tracker);
    assert!(leader.is_leader());
    let mut followers = [follow(&flights, "a", &tracker), follow(&flights, "a", &tracker)];
    assert!(followers.iter().all(|follower| !follower.is_leader()));
    let runs = Arc::clone(&work.runs);
    let token = work.started.await.expect("the work starts");
    drop(leader);
    let mut late = follow(&flights, "a", &tracker);
    work.end.send(Ok(Arc::new(7))).expect("the work goes on");
    for ticket in followers.iter_mut().chain([&mut late]) {
        assert_eq!(ticket.wait().await, Ok(Arc::new(7)));
    }
    assert!(!token.is_cancelled());
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_ticket_may_give_up_waiting_and_take_it_up_again() {
    let (flights, tracker) = (flights(10, HOUR), TaskTracker::new());
    let (mut ticket, work) = Work::join(&flights, "a", &tracker);
    let gave_up = tokio::time::timeout(Duration::ZERO, ticket.wait()).await;
    assert!(gave_up.is_err());
    work.end.send(Ok(Arc::new(7))).expect("the work goes on");
    assert_eq!(ticket.wait().await, Ok(Arc::new(7)));
    assert_eq!(ticket.wait().await, Ok(Arc::new(7)), "asked for twice");
}

#[tokio::test]
async fn an_error_reaches_all_who_wait_and_nobody_later() {
    let (flights, tracker) = (flights(10, HOUR), TaskTracker::new());
    let (mut leader, work) = Work::join(&flights, "a", &tracker);
    let mut follower = follow(&flights, "a", &tracker);
    work.end.send(Err(Refused(1))).expect("the work goes on");
    assert_eq!(leader.wait().await, Err(FlightError::Failed(Refused(1))));
    assert_eq!(follower.wait().await, Err(FlightError::Failed(Refused(1))));
    let (mut second, work) = Work::join(&flights, "a", &tracker);
    assert_eq!(second.role(), Role::Leader);
    work.end.send(Ok(Arc::new(2))).expect("the work goes on");
    assert_eq!(second.wait().await, Ok(Arc::new(2)));
    assert_eq!(leader.wait().await, Err(FlightError::Failed(Refused(1))), "a flight has one result");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_an_error_for_all_and_ends_the_flight() {
    let (flights, tracker) = (flights(10, HOUR), TaskTracker::new());
    let (go, gone) = oneshot::channel::<()>();
    let mut leader = flights.join("a", &tracker, |_| async move {
        gone.await.expect("the test says when");
        panic!("the work breaks (expected in this test)")
    });
    let mut follower = follow(&flights, "a", &tracker);
    go.send(()).expect("the work waits");
    assert_eq!(leader.wait().await, Err(FlightError::Lost));
    assert_eq!(follower.wait().await, Err(FlightError::Lost));
    assert!(flights.is_empty());
    let (mut second, work) = Work::join(&flights, "a", &tracker);
    assert_eq!(second.role(), Role::Leader);
    work.end.send(Ok(Arc::new(2))).expect("the work goes on");
    assert_eq!(second.wait().await, Ok(Arc::new(2)));
}

#[tokio::test]
async fn a_full_table_lets_work_run_alone() {
    let (flights, tracker) = (flights(2, Duration::ZERO), TaskTracker::new());
    let (mut first, first_work) = Work::join(&flights, "a", &tracker);
    let (second, _second_work) = Work::join(&flights, "b", &tracker);
    assert_eq!((first.role(), second.role(), flights.len()), (Role::Leader, Role::Leader, 2));
    let (third, third_work) = Work::join(&flights, "c", &tracker);
    let (mut fourth, fourth_work) = Work::join(&flights, "c", &tracker);
    assert_eq!((third.role(), fourth.role(), flights.len()), (Role::Alone, Role::Alone, 2));
    assert!(third.is_leader());
    assert_eq!(follow(&flights, "a", &tracker).role(), Role::Follower, "a full table can still be joined");
    let token = third_work.started.await.expect("the work starts");
    drop(third);
    token.cancelled().await;
    fourth_work.end.send(Ok(Arc::new(4))).expect("the work goes on");
    assert_eq!(fourth.wait().await, Ok(Arc::new(4)));
    assert_eq!(flights.len(), 2, "work that runs alone takes nobody's place");
    first_work.end.send(Ok(Arc::new(1))).expect("the work goes on");
    assert_eq!(first.wait().await, Ok(Arc::new(1)));
    let (next, _next_work) = Work::join(&flights, "d", &tracker);
    assert_eq!(next.role(), Role::Leader, "a flight that landed leaves its place to others");
}

#[tokio::test]
async fn a_table_of_none_runs_everything_alone() {
    let (flights, tracker) = (flights(0, HOUR), TaskTracker::new());
    let (mut ticket, work) = Work::join(&flights, "a", &tracker);
    assert_eq!((ticket.role(), flights.len()), (Role::Alone, 0));
    work.end.send(Ok(Arc::new(1))).expect("the work goes on");
    assert_eq!(ticket.wait().await, Ok(Arc::new(1)));
}

#[tokio::test]
async fn an_abandoned_flight_is_told_to_stop_and_cannot_be_joined() {
    let (flights, tracker) = (flights(10, Duration::ZERO), TaskTracker::new());
    let (first, first_work) = Work::join(&flights, "a", &tracker);
    let token = first_work.started.await.expect("the work starts");
    drop(first);
    token.cancelled().await;
    assert!(flights.is_empty());
    let (mut second, second_work) = Work::join(&flights, "a", &tracker);
    assert_eq!(second.role(), Role::Leader);
    first_work.end.send(Ok(Arc::new(1))).expect("told to stop, not killed");
    tokio::task::yield_now().await;
    assert_eq!(flights.len(), 1, "the end of the first is not the end of the second");
    let mut third = follow(&flights, "a", &tracker);
    second_work.end.send(Ok(Arc::new(2))).expect("the work goes on");
    assert_eq!(second.wait().await, Ok(Arc::new(2)));
    assert_eq!(third.wait().await, Ok(Arc::new(2)));
}

#[tokio::test]
async fn the_tracker_knows_the_work() {
    let (flights, tracker) = (flights(10, HOUR), TaskTracker::new());
    let (ticket, work) = Work::join(&flights, "a", &tracker);
    assert_eq!(tracker.len(), 1);
    drop(ticket);
    assert_eq!(work.runs(), 0, "nothing runs inside join");
    work.end.send(Ok(Arc::new(1))).expect("the work goes on");
    tracker.close();
    tracker.wait().await;
    assert!(flights.is_empty());
}

/// Joins and leaves at random from many threads while flights are given up all the time: every ticket that waits gets
/// the result of its own key, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn comings_and_goings_lose_nobody() {
    let flights: Flights<u64, u64, Refused> =
        Flights::new(FlightLimits { kind: "variant", flights_max: 16, grace: Duration::ZERO });
    let tracker = TaskTracker::new();
    let mut clients = Vec::new();
    for client in 0..64_u64 {
        let (flights, tracker) = (flights.clone(), tracker.clone());
        clients.push(tracker.clone().spawn(async move {
            for round in 0..200_u64 {
                let key = (client + round) % 24;
                let mut ticket = flights.join(key, &tracker, move |token| async move {
                    for _ in 0..(round % 5) * 8 {
                        tokio::task::yield_now().await;
                    }
                    if token.is_cancelled() { Err(Refused(0)) } else { Ok(key) }
                });
                if (client * 5 + round * 3) % 7 != 0 {
                    tokio::task::yield_now().await;
                    drop(ticket);
                } else {
                    assert_eq!(ticket.wait().await, Ok(key), "a flight with a waiter was told to stop");
                }
            }
        }));
    }
    for client in clients {
        client.await.expect("no panic");
    }
    tracker.close();
    tracker.wait().await;
    assert!(flights.is_empty());
}
