//! The queues: Cloudflare Queues at the edge, a list elsewhere. They deliver at least once.

/// The queue is not bound or does not take the message. The text is for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("queue: {0}")]
pub struct QueueError(String);

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It is done with.
    Done,
    /// It comes again.
    Again,
}

/// A queue takes so many messages at once.
const MOST_AT_ONCE: usize = 100;

#[cfg(target_arch = "wasm32")]
pub use edge::{Queue, each, settle, texts};
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Queue;

#[cfg(target_arch = "wasm32")]
mod edge {
    use std::collections::BTreeMap;

    use futures_util::future::join_all;
    use serde_json::Value;
    use worker::{BatchMessageBuilder, Env, MessageBatch, MessageExt, RawMessage};

    use super::{Handled, MOST_AT_ONCE, QueueError};

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
        pub async fn send(&self, message: &Value) -> Result<(), QueueError> {
            let queue = self.env.queue(self.name).map_err(|error| QueueError(error.to_string()))?;
            queue.send(message.to_string()).await.map_err(|error| QueueError(error.to_string()))
        }

        /// Sends messages, to be delivered no sooner than in so many seconds.
        pub async fn send_all(&self, messages: &[Value], delay_seconds: u32) -> Result<(), QueueError> {
            let queue = self.env.queue(self.name).map_err(|error| QueueError(error.to_string()))?;
            for messages in messages.chunks(MOST_AT_ONCE) {
                let mut batch = BatchMessageBuilder::new();
                if delay_seconds > 0 {
                    batch = batch.delay_seconds(delay_seconds);
                }
                let batch = batch.messages(messages.iter().map(Value::to_string)).build();
                queue.send_batch(batch).await.map_err(|error| QueueError(error.to_string()))?;
            }
            Ok(())
        }
    }

    /// The messages of a batch.
    pub fn texts(batch: &MessageBatch<Value>) -> Vec<String> {
        batch.raw_iter().map(|message| message.body().as_string().unwrap_or_default()).collect()
    }

    /// Acknowledges a batch whose messages were handled together.
    pub fn settle(batch: &MessageBatch<Value>, handled: Handled) {
        match handled {
            Handled::Done => batch.ack_all(),
            Handled::Again => batch.retry_all(),
        }
    }

    /// Handles the messages of a batch at once, each once however often it is there, and acknowledges one by one: one
    /// that fails comes again alone.
    pub async fn each(batch: &MessageBatch<Value>, handle: impl AsyncFn(&str) -> Handled) {
        let mut messages: BTreeMap<String, Vec<RawMessage>> = BTreeMap::new();
        for message in batch.raw_iter() {
            let text = message.body().as_string().unwrap_or_default();
            messages.entry(text).or_default().push(message);
        }
        let handle = &handle;
        join_all(messages.into_iter().map(|(text, messages)| async move {
            let handled = handle(&text).await;
            for message in messages {
                match handled {
                    Handled::Done => message.ack(),
                    Handled::Again => message.retry(),
                }
            }
        }))
        .await;
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::RefCell;
    use std::rc::Rc;

    use serde_json::Value;

    use super::{MOST_AT_ONCE, QueueError};
    use crate::platform::fuse::Fuse;

    /// A queue in memory. A delay is not waited for: whoever takes a message lets time pass as it likes.
    #[derive(Clone, Default)]
    pub struct Queue {
        messages: Rc<RefCell<Vec<Value>>>,
        fuse: Fuse,
    }

    impl Queue {
        /// An empty queue.
        pub fn in_memory() -> Self {
            Self::default()
        }

        /// Guarded by a fuse.
        #[must_use]
        pub fn fused(mut self, fuse: &Fuse) -> Self {
            self.fuse = fuse.clone();
            self
        }

        /// Sends one message.
        pub async fn send(&self, message: &Value) -> Result<(), QueueError> {
            self.send_all(std::slice::from_ref(message), 0).await
        }

        /// Sends messages, to be delivered no sooner than in so many seconds.
        pub async fn send_all(&self, messages: &[Value], _delay_seconds: u32) -> Result<(), QueueError> {
            for messages in messages.chunks(MOST_AT_ONCE) {
                if self.fuse.is_blown() {
                    return Err(QueueError("made to fail".to_owned()));
                }
                self.messages.borrow_mut().extend_from_slice(messages);
            }
            Ok(())
        }

        /// Takes what was sent.
        pub fn take(&self) -> Vec<Value> {
            self.messages.take()
        }
    }
}
