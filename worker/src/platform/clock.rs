//! The clock. At the edge it is JavaScript's `Date`, so that a harness around the Worker can set it.

use parapet::model::Timestamp;

/// Says what time it is.
#[derive(Clone, Default)]
pub struct Clock {
    #[cfg(not(target_arch = "wasm32"))]
    fixed: std::rc::Rc<std::cell::Cell<Option<i64>>>,
}

impl Clock {
    /// The time now. At the edge it stands still while the Worker computes.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.milliseconds())
    }

    /// Lets so many milliseconds pass. Off the edge nothing else runs meanwhile, so there is nothing to wait for.
    pub async fn sleep(&self, milliseconds: u64) {
        #[cfg(target_arch = "wasm32")]
        worker::Delay::from(std::time::Duration::from_millis(milliseconds)).await;
        #[cfg(not(target_arch = "wasm32"))]
        let _ = milliseconds;
    }

    #[cfg(target_arch = "wasm32")]
    fn milliseconds(&self) -> i64 {
        js_sys::Date::now() as i64
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn milliseconds(&self) -> i64 {
        self.fixed.get().unwrap_or_else(|| {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }

    /// From now on it is `now`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn set(&self, now: Timestamp) {
        self.fixed.set(Some(now.as_millis()));
    }
}
