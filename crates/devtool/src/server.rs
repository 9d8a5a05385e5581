//! Listens, and hands every connection to the routes. One thread does all of it; what takes a while runs beside it.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::{Semaphore, oneshot},
    time::interval,
};

use crate::{
    api::router, app::App, config::Config, folder::Folder, headless::SessionError, source::TransactionSource,
    timed_stream::TimedStream,
};

/// Threads for requests that take a while.
const THREADS: usize = 4;
/// Between two looks for idle sessions.
const SWEEP: Duration = Duration::from_secs(1);
/// Bytes of the head of a request, at most.
const HEAD_BYTES: usize = 64 << 10;

/// A server that runs, until it is dropped.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds to 127.0.0.1, and answers from a thread of its own.
    ///
    /// # Errors
    ///
    /// If the folder is none, the port is taken, or there is no thread to be had.
    pub fn start(config: Config) -> io::Result<Self> {
        let folder = config.folder.as_deref().map(Folder::new).transpose()?;
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, config.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let app = Arc::new(App::new(config, folder, address.port()));
        let shared = Arc::clone(&app);
        let (stop, stopped) = oneshot::channel();
        let (ready, began) = mpsc::channel();
        let thread = thread::Builder::new().name("devtool".to_owned()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(THREADS).build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return;
                }
            };
            let _ = ready.send(Ok(()));
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener, Arc::clone(&app)) => {}
                    _ = stopped => {}
                }
            });
            app.close();
            runtime.shutdown_timeout(SWEEP);
        })?;
        began.recv().unwrap_or_else(|_| Err(io::Error::other("the server's thread is gone")))?;
        Ok(Self { address, app: shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Begins a session of a transaction on two engines, called by their names, and answers what to open in a browser to see it.
    ///
    /// # Errors
    ///
    /// If there is no such engine, one does not know the rules, or there is no room for the session.
    pub fn open(&self, source: TransactionSource, engines: [&str; 2]) -> Result<String, SessionError> {
        let session = self.app.open(source, engines)?;
        Ok(format!("{}#session={}", self.url(), session.id))
    }

    /// Waits for as long as it runs.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: StdListener, app: Arc<App>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let bounds = app.config.bounds;
    let connections = Arc::new(Semaphore::new(bounds.connections));
    let router = router(Arc::clone(&app));
    let mut sweeps = interval(SWEEP);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // One too many is closed at once: the others are not to wait for it.
                    if let Ok(permit) = Arc::clone(&connections).try_acquire_owned() {
                        let router = router.clone();
                        tokio::spawn(async move {
                            converse(stream, router, bounds.patience).await;
                            drop(permit);
                        });
                    }
                }
                // No more files may be open, or the client is gone already.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            _ = sweeps.tick() => app.sweep(),
        }
    }
}

async fn converse(stream: TcpStream, router: Router, patience: Duration) {
    let _ = stream.set_nodelay(true);
    let stream = TokioIo::new(TimedStream::new(stream, patience));
    // How a connection ends is its client's affair.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(stream, TowerToHyperService::new(router))
        .with_upgrades()
        .await;
}
