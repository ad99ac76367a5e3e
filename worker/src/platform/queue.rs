//! The queue of events: Cloudflare Queues at the edge, a list elsewhere. It delivers at least once.

/// The queue is not bound or does not take the message. The text is for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("queue: {0}")]
pub struct QueueError(String);

#[cfg(target_arch = "wasm32")]
pub use edge::Queue;
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Queue;

#[cfg(target_arch = "wasm32")]
mod edge {
    use worker::Env;

    use super::QueueError;

    /// A queue, perhaps one that is not bound: then each message is refused.
    pub struct Queue {
        env: Env,
        name: &'static str,
    }

    impl Queue {
        /// The queue bound as `name`.
        pub fn bound(env: &Env, name: &'static str) -> Self {
            Self { env: env.clone(), name }
        }

        /// Sends one message, as JSON text: what the consumer reads is what was written.
        pub async fn send(&self, message: &serde_json::Value) -> Result<(), QueueError> {
            let queue = self.env.queue(self.name).map_err(|error| QueueError(error.to_string()))?;
            queue.send(message.to_string()).await.map_err(|error| QueueError(error.to_string()))
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::RefCell;
    use std::rc::Rc;

    use serde_json::Value;

    use super::QueueError;

    /// A queue in memory.
    #[derive(Clone, Default)]
    pub struct Queue(Rc<RefCell<Vec<Value>>>);

    impl Queue {
        /// An empty queue.
        pub fn in_memory() -> Self {
            Self::default()
        }

        /// Sends one message.
        pub async fn send(&self, message: &Value) -> Result<(), QueueError> {
            self.0.borrow_mut().push(message.clone());
            Ok(())
        }

        /// Takes what was sent.
        pub fn take(&self) -> Vec<Value> {
            self.0.take()
        }
    }
}
