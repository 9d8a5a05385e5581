//! The WebSocket of a session: what changes, as it changes.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        Path, State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    http::StatusCode,
    response::Response,
};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::{
    app::App,
    error::ApiError,
    model::Status,
    session::{Change, Session},
};

/// Bytes of a message of a client.
const MESSAGE_BYTES: usize = 4096;
/// Between two looks at how far the engines are.
const TICK: Duration = Duration::from_millis(100);
/// A client is asked for a sign of life after so many times the patience that connections get; browsers answer by themselves.
const PING: u32 = 3;
/// One that says nothing for so many is gone.
const SILENCE: u32 = 9;
/// Messages of a client that are read in one tick; more are one too many.
const MESSAGES_PER_TICK: u32 = 50;

/// Protocol error, in the closing frame (RFC 6455, section 7.4.1).
const POLICY: u16 = 1008;
const NORMAL: u16 = 1000;

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let session = app.session(&id)?;
    let upgrade = upgrade.map_err(|_| {
        ApiError::new(StatusCode::BAD_REQUEST, "bad_request", "expected a WebSocket's handshake")
    })?;
    let place = Arc::clone(&app.listeners).try_acquire_owned().map_err(|_| {
        let message = "there are as many WebSockets as there may be: close one first";
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message)
    })?;
    let patience = app.config.bounds.patience;
    let upgrade = upgrade
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .read_buffer_size(MESSAGE_BYTES)
        .write_buffer_size(0);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut listener =
            Listener { socket, session, patience, seen: Change::default(), shown_progress: None };
        // However it ends, there is nobody left to tell.
        let _ = listener.serve().await;
        drop(place);
    }))
}

/// Why a listener ends.
struct Over;

struct Listener {
    socket: WebSocket,
    session: Arc<Session>,
    patience: Duration,
    seen: Change,
    shown_progress: Option<Value>,
}

impl Listener {
    async fn serve(&mut self) -> Result<(), Over> {
        let mut changes = self.session.listen();
        self.seen = *changes.borrow_and_update();
        self.send(&json!({ "type": "session", "session": self.session.shown() })).await?;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut pinged) = (Instant::now(), Instant::now());
        let mut messages = 0;
        loop {
            tokio::select! {
                message = self.socket.recv() => {
                    heard = Instant::now();
                    messages += 1;
                    let Some(Ok(message)) = message else { return Err(Over) };
                    if messages > MESSAGES_PER_TICK {
                        return self.refuse("too_many_requests", "too many messages").await;
                    }
                    self.answer(message).await?;
                }
                changed = changes.changed() => {
                    if changed.is_err() {
                        return Err(Over);
                    }
                    let now = *changes.borrow_and_update();
                    self.tell(now).await?;
                }
                _ = ticks.tick() => {
                    messages = 0;
                    self.tick().await?;
                    if heard.elapsed() > self.patience * SILENCE {
                        return Err(Over);
                    }
                    if pinged.elapsed() > self.patience * PING {
                        pinged = Instant::now();
                        self.put(Message::Ping(axum::body::Bytes::new())).await?;
                    }
                }
            }
        }
    }

    async fn tell(&mut self, now: Change) -> Result<(), Over> {
        let before = std::mem::replace(&mut self.seen, now);
        if now.status != before.status {
            if let Some(reason) = self.session.closed() {
                self.send(&json!({ "type": "closed", "reason": reason })).await?;
                return self.close(NORMAL, reason).await;
            }
            self.send(&json!({ "type": "session", "session": self.session.shown() })).await?;
        }
        if now.cursor != before.cursor {
            let session = Arc::clone(&self.session);
            let cursor = tokio::task::spawn_blocking(move || session.cursor()).await;
            if let Ok(Ok(cursor)) = cursor {
                self.send(&json!({ "type": "cursor", "cursor": cursor })).await?;
            }
        }
        if now.breakpoints != before.breakpoints {
            let breakpoints = self.session.breakpoints();
            self.send(&json!({ "type": "breakpoints", "breakpoints": breakpoints })).await?;
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Over> {
        if self.session.status() != Status::Running {
            return Ok(());
        }
        // Somebody looks on: the session is not idle.
        self.session.touch();
        let event = self.session.progress_event();
        if self.shown_progress.as_ref() != Some(&event) {
            self.send(&event).await?;
            self.shown_progress = Some(event);
        }
        Ok(())
    }

    async fn answer(&mut self, message: Message) -> Result<(), Over> {
        self.session.touch();
        match message {
            Message::Text(text) => match serde_json::from_str::<Value>(&text) {
                Ok(event) if event == json!({ "type": "ping" }) => {
                    self.send(&json!({ "type": "pong" })).await
                }
                Ok(_) => self.refuse("bad_request", "expected {\"type\":\"ping\"}").await,
                Err(error) => self.refuse("bad_json", &error.to_string()).await,
            },
            Message::Binary(_) => self.refuse("bad_request", "expected text").await,
            // Asking for the next message answers these; behind a close there is none.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(()),
        }
    }

    async fn refuse(&mut self, code: &'static str, message: &str) -> Result<(), Over> {
        let error = ApiError::new(StatusCode::BAD_REQUEST, code, message);
        self.send(&json!({ "type": "error", "error": error })).await?;
        self.close(POLICY, code).await
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Over> {
        self.put(Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }))).await?;
        Err(Over)
    }

    async fn send(&mut self, event: &Value) -> Result<(), Over> {
        self.put(Message::Text(event.to_string().into())).await
    }

    /// A client that does not read in time is given up.
    async fn put(&mut self, message: Message) -> Result<(), Over> {
        match timeout(self.patience, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over),
        }
    }
}
