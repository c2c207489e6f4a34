//! Work of one runtime on threads of another. Contract: what a future spawns, and the timers that it sets, belong to
//! the runtime that is named, whoever polls it.
//!
//! Connections have threads of their own, few of them, on which nothing runs that takes long: a request is read, and
//! answered where it is a hit. Whatever a miss begins (flights, fetches, work on bytes) runs on the other threads. So a
//! hit needs no other thread, and waits for no work.

use std::future::{Future, poll_fn};
use std::pin::pin;

use tokio::runtime::Handle;

/// Runs `work` as if it were polled by `runtime`.
pub(super) async fn within<F: Future>(runtime: &Handle, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _entered = runtime.enter();
        work.as_mut().poll(cx)
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn what_is_spawned_runs_on_the_named_runtime() {
        let named = |name: &str| {
            Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build().expect("a runtime")
        };
        let (connections, work) = (named("connections"), named("work"));
        let handle = work.handle().clone();
        let here = || std::thread::current().name().map(str::to_owned);
        let names = async move {
            let spawned = async move { tokio::spawn(async move { here() }).await.expect("a task") };
            (here(), within(&handle, spawned).await, tokio::spawn(async move { here() }).await.expect("a task"))
        };
        let (own, inside, after) = connections.block_on(connections.spawn(names)).expect("a task");
        assert_eq!(own.as_deref(), Some("connections"));
        assert_eq!((inside.as_deref(), after), (Some("work"), own));
    }
}
