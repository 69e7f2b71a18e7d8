//! Keeping a plugin's panic to the plugin.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// What a panic said.
pub(crate) fn panic_text(panic: &Box<dyn Any + Send>) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Waits for a future; a panic in it becomes an error.
pub(crate) fn guarded<F: Future + Unpin>(
    future: F,
) -> impl Future<Output = Result<F::Output, anyhow::Error>> {
    struct Guarded<F>(F);
    impl<F: Future + Unpin> Future for Guarded<F> {
        type Output = Result<F::Output, anyhow::Error>;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
                Err(panic) => Poll::Ready(Err(anyhow::anyhow!("panic in plugin: {}", panic_text(&panic)))),
            }
        }
    }
    Guarded(future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        assert_eq!(guarded(Box::pin(async { 7 })).await.unwrap(), 7);
        let error = guarded(Box::pin(async { panic!("a plugin's {}", "mistake") }))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("a plugin's mistake"));
    }
}
