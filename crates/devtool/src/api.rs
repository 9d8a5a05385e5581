//! The routes under `/api/v1`, as `openapi.json` describes them, and the page.
//!
//! Handlers read records, which takes a while where there are many: they run beside the connections, a few at a time.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post, put},
};
use parallax_primitives::Fork;
use parallax_tracer_eip3155::Client;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    app::App,
    assets,
    cursor::MAX_STEPS,
    error::{ApiError, json as answer},
    events, export,
    guard::guard,
    model::{
        self, Breakpoints, ContinueCommand, CreateSession, GotoCommand, Mode, RunCommand, SideName,
        StepCommand, When,
    },
    query::Query,
    search::{Wanted, search},
    session::Session,
    source,
    state::{Window, state},
};

/// Most items of a page.
pub(crate) const PAGE: usize = 1000;
/// Items of a page if nothing is said.
const DEFAULT_PAGE: usize = 100;
/// Most buckets of a timeline.
pub(crate) const BUCKETS: u64 = 4096;
/// Most bytes of memory in one answer.
pub(crate) const STATE_BYTES: usize = 1 << 20;
/// Most instructions of one answer.
const INSTRUCTIONS: usize = 32_768;

type Shared = State<Arc<App>>;
type Answer = Result<Response, ApiError>;

/// Path, method and handler of every route.
pub(crate) fn routes() -> Vec<(&'static str, &'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/info", "get", get(info)),
        ("/tests", "get", get(tests)),
        ("/tests/cases", "get", get(test_cases)),
        ("/sessions", "get", get(sessions)),
        ("/sessions", "post", post(create)),
        ("/sessions/{id}", "get", get(session)),
        ("/sessions/{id}", "delete", delete(end)),
        ("/sessions/{id}/pause", "post", post(pause)),
        ("/sessions/{id}/resume", "post", post(resume)),
        ("/sessions/{id}/cancel", "post", post(cancel)),
        ("/sessions/{id}/cursor", "get", get(cursor)),
        ("/sessions/{id}/step", "post", post(step)),
        ("/sessions/{id}/run", "post", post(run)),
        ("/sessions/{id}/continue", "post", post(go_on)),
        ("/sessions/{id}/goto", "post", post(jump)),
        ("/sessions/{id}/steps", "get", get(steps)),
        ("/sessions/{id}/steps/{index}", "get", get(step_at)),
        ("/sessions/{id}/steps/{index}/state", "get", get(state_at)),
        ("/sessions/{id}/divergences", "get", get(divergences)),
        ("/sessions/{id}/timeline", "get", get(timeline)),
        ("/sessions/{id}/calls", "get", get(calls)),
        ("/sessions/{id}/gas", "get", get(gas)),
        ("/sessions/{id}/code", "get", get(code)),
        ("/sessions/{id}/search", "get", get(find)),
        ("/sessions/{id}/breakpoints", "get", get(breakpoints)),
        ("/sessions/{id}/breakpoints", "put", put(set_breakpoints)),
        ("/sessions/{id}/export", "get", get(export_run)),
        ("/sessions/{id}/events", "get", get(events::events)),
    ]
}

pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for (path, _, handler) in routes() {
        router = router.route(&format!("/api/v1{path}"), handler);
    }
    router
        .route("/", get(|| async { assets::page() }))
        .route("/assets/{name}", get(|Path(name): Path<String>| async move { assets::asset(&name) }))
        .fallback(|| async { ApiError::not_found("page") })
        .method_not_allowed_fallback(|| async {
            let message = "this path takes another method";
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Does something that takes a while. A panic in it is the answer to this request alone.
async fn beside(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(ApiError::internal("the request made the server panic: this is a bug")))
}

/// Answers from a session's records.
async fn of_session(
    app: Arc<App>,
    id: String,
    work: impl FnOnce(&Session) -> Answer + Send + 'static,
) -> Answer {
    let session = app.session(&id)?;
    beside(move || work(&session)).await
}

fn ok(value: &impl Serialize) -> Answer {
    Ok(answer(StatusCode::OK, value))
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    // A command without a body is the default one.
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| {
        let code = if error.is_data() { "bad_request" } else { "bad_json" };
        ApiError::new(StatusCode::BAD_REQUEST, code, error.to_string())
    })
}

async fn info(State(app): Shared) -> Answer {
    let bounds = &app.config.bounds;
    let most = App::shown_limits(&bounds.most);
    let own = app.config.rules.iter().map(|rules| rules.name());
    ok(&json!({
        "name": "parallax",
        "version": env!("CARGO_PKG_VERSION"),
        "api": 1,
        "engines": app.config.engines.names().collect::<Vec<_>>(),
        "forks": own.chain(Fork::ALL.map(Fork::name)).collect::<Vec<_>>(),
        "defaultFork": app.config.default_rules().name(),
        "modes": [Mode::Off, Mode::PerCall, Mode::PerStep],
        "clients": Client::ALL.map(Client::name),
        "folder": app.folder.as_ref().map(crate::folder::Folder::name),
        "limits": {
            "sessions": bounds.sessions,
            "steps": most.steps,
            "memoryBytes": most.memory_bytes,
            "seconds": most.seconds,
            "bodyBytes": bounds.body_bytes,
            "pageSize": PAGE,
            "timelineBuckets": BUCKETS,
            "stateBytes": STATE_BYTES,
            "idleSeconds": bounds.idle.as_secs(),
        },
        "defaults": App::shown_limits(&bounds.default),
    }))
}

async fn tests(State(app): Shared, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["filter", "kind", "offset", "limit"])?;
    let (offset, limit) = page(&query)?;
    let filter = query.text("filter").unwrap_or_default().to_lowercase();
    let kind = query.one_of("kind", &["state_test", "trace"])?;
    beside(move || {
        let (mut files, truncated) =
            app.folder.as_ref().map_or((Vec::new(), false), crate::folder::Folder::list);
        files.retain(|file| {
            file.path.to_lowercase().contains(&filter) && kind.is_none_or(|kind| kind == file.kind)
        });
        let total = files.len();
        let files: Vec<_> = files.into_iter().skip(offset).take(limit).collect();
        ok(&json!({ "files": files, "offset": offset, "total": total, "truncated": truncated }))
    })
    .await
}

async fn test_cases(State(app): Shared, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["path", "offset", "limit"])?;
    let (offset, limit) = page(&query)?;
    let path = query.text("path").ok_or_else(|| ApiError::bad("path", "expected the path of a file"))?;
    beside(move || {
        let folder = source::below(app.folder.as_ref(), "path")?;
        let text = folder.read(&path, "path", app.config.bounds.file_bytes)?;
        let (cases, total) = source::list_cases(&path, text, offset, limit)?;
        ok(&json!({ "path": path, "cases": cases, "offset": offset, "total": total }))
    })
    .await
}

async fn sessions(State(app): Shared) -> Answer {
    let sessions: Vec<_> = app.sessions().iter().map(|session| session.shown()).collect();
    ok(&json!({ "sessions": sessions }))
}

async fn create(State(app): Shared, body: Bytes) -> Answer {
    app.check_room(0)?;
    beside(move || {
        let wanted: CreateSession = parse(&body)?;
        let asked = body.len();
        drop(body);
        let session = app.create(wanted, asked)?;
        let place = format!("/api/v1/sessions/{}", session.id);
        let mut response = answer(StatusCode::CREATED, &session.shown());
        if let Ok(place) = header::HeaderValue::from_str(&place) {
            response.headers_mut().insert(header::LOCATION, place);
        }
        Ok(response)
    })
    .await
}

async fn session(State(app): Shared, Path(id): Path<String>) -> Answer {
    ok(&app.session(&id)?.shown())
}

async fn end(State(app): Shared, Path(id): Path<String>) -> Answer {
    app.delete(&id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn pause(State(app): Shared, Path(id): Path<String>) -> Answer {
    control(&app, &id, |session| session.control.pause())
}

async fn resume(State(app): Shared, Path(id): Path<String>) -> Answer {
    control(&app, &id, |session| session.control.resume())
}

async fn cancel(State(app): Shared, Path(id): Path<String>) -> Answer {
    control(&app, &id, |session| {
        if matches!(session.status(), model::Status::Running | model::Status::Paused) {
            session.control.cancel();
        }
    })
}

fn control(app: &App, id: &str, act: impl FnOnce(&Session)) -> Answer {
    let session = app.session(id)?;
    act(&session);
    session.tell(|change| change.status += 1);
    ok(&session.shown())
}

async fn cursor(State(app): Shared, Path(id): Path<String>) -> Answer {
    of_session(app, id, |session| ok(&session.cursor()?)).await
}

async fn step(State(app): Shared, Path(id): Path<String>, body: Bytes) -> Answer {
    let command: StepCommand = parse(&body)?;
    if command.count.is_some_and(|count| !(1..=MAX_STEPS).contains(&count)) {
        return Err(ApiError::bad("count", format!("expected a number from 1 to {MAX_STEPS}")));
    }
    of_session(app, id, move |session| {
        ok(&session.go(|position, records, breakpoints| position.step(records, command, breakpoints))?)
    })
    .await
}

async fn run(State(app): Shared, Path(id): Path<String>, body: Bytes) -> Answer {
    let command: RunCommand = parse(&body)?;
    of_session(app, id, move |session| {
        ok(&session.go(|position, records, breakpoints| position.run(records, command, breakpoints))?)
    })
    .await
}

async fn go_on(State(app): Shared, Path(id): Path<String>, body: Bytes) -> Answer {
    let command: ContinueCommand = parse(&body)?;
    of_session(app, id, move |session| {
        ok(&session
            .go(|position, records, breakpoints| position.go_on(records, command.until, breakpoints))?)
    })
    .await
}

async fn jump(State(app): Shared, Path(id): Path<String>, body: Bytes) -> Answer {
    let command: GotoCommand = parse(&body)?;
    of_session(app, id, move |session| {
        ok(&session.go(|position, records, _| position.jump(records, command.step_index))?)
    })
    .await
}

async fn steps(State(app): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["from", "limit"])?;
    let from = query.number("from", 0..=u64::MAX)?.unwrap_or(0);
    let limit = query.size("limit", 1..=PAGE)?.unwrap_or(DEFAULT_PAGE);
    of_session(app, id, move |session| {
        let records = session.records()?;
        ok(&model::Steps { from, total: records.total(), steps: records.rows(from, limit) })
    })
    .await
}

async fn step_at(State(app): Shared, Path((id, index)): Path<(String, String)>) -> Answer {
    let index = step_number(&index)?;
    of_session(app, id, move |session| {
        let records = session.records()?;
        check_step(index, records.total())?;
        ok(&session.step_at(&records, index))
    })
    .await
}

async fn state_at(
    State(app): Shared,
    Path((id, index)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let index = step_number(&index)?;
    let query = Query::new(query.as_deref(), &["when", "memoryOffset", "memoryLength"])?;
    let when = match query.one_of("when", &["before", "after"])? {
        Some("after") => When::After,
        _ => When::Before,
    };
    let window = Window {
        offset: query.size("memoryOffset", 0..=usize::MAX)?.unwrap_or(0),
        length: query.size("memoryLength", 0..=STATE_BYTES)?.unwrap_or(1 << 16),
    };
    of_session(app, id, move |session| {
        let records = session.records()?;
        check_step(index, records.total())?;
        ok(&state(&records, index, when, window, session.engines()))
    })
    .await
}

fn step_number(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| ApiError::bad("index", "expected the number of a step"))
}

fn check_step(index: u64, total: u64) -> Result<(), ApiError> {
    if index < total { Ok(()) } else { Err(ApiError::not_found(&format!("step: there are {total}"))) }
}

async fn divergences(State(app): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["offset", "limit"])?;
    let (offset, limit) = page(&query)?;
    of_session(app, id, move |session| ok(&session.records()?.divergences(offset, limit))).await
}

async fn timeline(State(app): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["from", "to", "buckets"])?;
    let from = query.number("from", 0..=u64::MAX)?.unwrap_or(0);
    let to = query.number("to", 0..=u64::MAX)?.unwrap_or(u64::MAX);
    let buckets = query.number("buckets", 1..=BUCKETS)?.unwrap_or(1000);
    of_session(app, id, move |session| ok(&session.records()?.timeline(from, to, buckets, PAGE))).await
}

async fn calls(State(app): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["side", "offset", "limit"])?;
    let side = side(&query)?;
    let (offset, limit) = page(&query)?;
    of_session(app, id, move |session| ok(&session.records()?.calls(side, offset, limit))).await
}

async fn gas(State(app): Shared, Path(id): Path<String>) -> Answer {
    of_session(app, id, |session| ok(&session.records()?.gas())).await
}

async fn code(State(app): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["side", "call", "offset", "limit"])?;
    let side = side(&query)?;
    let call = query.size("call", 0..=usize::MAX)?.unwrap_or(0);
    let offset = query.size("offset", 0..=usize::MAX)?.unwrap_or(0);
    let limit = query.size("limit", 1..=INSTRUCTIONS)?.unwrap_or(INSTRUCTIONS);
    of_session(app, id, move |session| ok(&session.records()?.code(side, call, offset, limit)?)).await
}

async fn find(State(app): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["kind", "q", "side", "from", "backwards", "limit"])?;
    let wanted = Wanted::new(
        query.text("kind").unwrap_or_default().as_str(),
        query.text("q").unwrap_or_default().as_str(),
    )?;
    let name = side(&query)?;
    let backwards = query.one_of("backwards", &["true", "false"])? == Some("true");
    let start = if backwards { u64::MAX } else { 0 };
    let from = query.number("from", 0..=u64::MAX)?.unwrap_or(start);
    let limit = query.size("limit", 1..=PAGE)?.unwrap_or(DEFAULT_PAGE);
    of_session(app, id, move |session| {
        let records = session.records()?;
        match records.sides()[usize::from(name == SideName::Right)] {
            Some(side) => ok(&search(side, name, wanted, from, limit, backwards)),
            None => ok(&model::Matches { matches: Vec::new(), next: None }),
        }
    })
    .await
}

async fn breakpoints(State(app): Shared, Path(id): Path<String>) -> Answer {
    ok(&Breakpoints { breakpoints: app.session(&id)?.breakpoints() })
}

async fn set_breakpoints(State(app): Shared, Path(id): Path<String>, body: Bytes) -> Answer {
    let wanted: Breakpoints = parse(&body)?;
    let session = app.session(&id)?;
    session.set_breakpoints(wanted.breakpoints)?;
    ok(&Breakpoints { breakpoints: session.breakpoints() })
}

async fn export_run(State(app): Shared, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::new(query.as_deref(), &["format"])?;
    let is_page = query.one_of("format", &["html", "json"])? == Some("html");
    of_session(app, id, move |session| {
        let records = session.records()?;
        let (mut response, name) = if is_page {
            let page = export::html(session, &records)?;
            let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            ((kind, page).into_response(), "attachment; filename=\"parallax-run.html\"")
        } else {
            (
                answer(StatusCode::OK, &export::export(session, &records)),
                "attachment; filename=\"parallax-run.json\"",
            )
        };
        let name = header::HeaderValue::from_static(name);
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        Ok(response)
    })
    .await
}

fn page(query: &Query) -> Result<(usize, usize), ApiError> {
    let offset = query.size("offset", 0..=usize::MAX)?.unwrap_or(0);
    Ok((offset, query.size("limit", 1..=PAGE)?.unwrap_or(DEFAULT_PAGE)))
}

fn side(query: &Query) -> Result<SideName, ApiError> {
    Ok(match query.one_of("side", &["primary", "mini"])? {
        Some("mini") => SideName::Right,
        _ => SideName::Left,
    })
}
