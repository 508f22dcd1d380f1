//! `serve`: the gateway proper, in the foreground until it is told to stop.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::error::Error;
use super::gateway::Gateway;
use crate::cli::{Context, Exit};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::logs;
use crate::http::server::{Ended, Shutdown};

/// Run the gateway · 启动网关
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom serve --config /srv/strongroom/strongroom.toml")]
pub struct ServeArgs {
    /// The settings' file; config/example.toml explains each · 设置文件
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(serde::Serialize)]
struct Ready {
    ready: bool,
    url: String,
    listen: String,
    metrics: String,
}

/// Runs the command until it is told to stop.
pub(super) async fn run(context: &Context, args: &ServeArgs) -> Result<(), Error> {
    let clock = Clock::System;
    let config = load(&args.config)?;
    init_logs(&config, &clock)?;
    let told = heed_signals()?;
    let gateway = Gateway::start(&config, clock).await?;
    let terminal = context.terminal;
    if !gateway.is_rehearsed().await {
        terminal.say(terminal.pick(
            "No document is served before the recovery has been rehearsed: strongroom recover --rehearse --shares SHARE SHARE",
            "恢复演练之前不提供文档服务：strongroom recover --rehearse --shares 份额 份额",
        ));
    }
    let ready = Ready {
        ready: true,
        url: config.gateway.public_url.clone(),
        listen: gateway.local_addr().to_string(),
        metrics: format!("http://{}/metrics", gateway.metrics_addr()),
    };
    terminal
        .result(&ready, || {
            terminal
                .pick(
                    &format!("Serving {} on {}", ready.url, ready.listen),
                    &format!("网关已启动：{}（监听 {}）", ready.url, ready.listen),
                )
                .to_owned()
        })
        .map_err(|e| Error::from_person(&e))?;
    until_told(gateway, told).await
}

/// Reads and validates the settings.
pub(super) fn load(path: &std::path::Path) -> Result<Config, Error> {
    Config::load(path, std::env::vars()).map_err(|e| {
        Error::because("bad_settings", ("设置无法使用", "the settings cannot be used"), &e)
            .exiting(Exit::Usage)
    })
}

/// Logs as the settings say.
pub(super) fn init_logs(config: &Config, clock: &Clock) -> Result<(), Error> {
    logs::init(&config.log, clock.clone())
        .map_err(|e| Error::because("internal", ("无法设置日志", "logging cannot be set up"), &e))
}

/// Listens for signals; to be called before anybody is told that the gateway is ready.
pub(super) fn heed_signals() -> Result<Shutdown, Error> {
    // Without a handler, a file that reaches its size limit would kill the gateway; with one, the
    // write fails and the sender is told that there is no room.
    let too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    signal(too_large)
        .and_then(|_| Shutdown::on_signals())
        .map_err(|e| Error::because("internal", ("无法接收信号", "signals cannot be received"), &e))
}

/// Serves until SIGTERM or SIGINT, then drains; a second signal stops at once.
pub(super) async fn until_told(gateway: Gateway, told: Shutdown) -> Result<(), Error> {
    match gateway.serve_until(told).await {
        Ended::Drained => Ok(()),
        Ended::Cut { connections } => {
            tracing::warn!(connections, "stopped before every request had ended");
            Ok(())
        }
    }
}
