//! `demo`: the main job on embedded defaults. Founds a small invented firm with every role in
//! an empty folder, by the very commands its people would use, and serves it.
//!
//! Refuses a folder that holds something else. Invariant: `demo.json` is written last, so a
//! folder with it is a complete demo and is started again as it stands, on whatever address.

mod people;
mod record;
mod story;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::gateway::Gateway;
use super::init::{self, InitArgs};
use super::serve;
use crate::cli::{Context, Exit};
use crate::clock::Clock;
use crate::config::{Config, Level};

use record::{RECORD, Record};

/// Show the main job: an invented firm and its gateway · 演示
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom demo
  strongroom demo --data ./demo-data --listen 127.0.0.1:8443 --json")]
pub struct DemoArgs {
    /// The demo's folder, made new or started again · 演示文件夹
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one · 监听地址
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
}

/// The demo's firm.
const FIRM: &str = "申城代理记账（演示）";

/// Runs the command until it is told to stop.
pub(super) async fn run(context: &Context, args: &DemoArgs) -> Result<(), Error> {
    let clock = Clock::System;
    let listen = free_port(args.listen)?;
    if !args.data.join(RECORD).exists() {
        context.terminal.say(context.terminal.pick(
            "Founding a small firm; this takes a few seconds …",
            "正在创建演示机构，需要几秒钟……",
        ));
        found(&args.data, listen, &clock).await?;
    }
    let data = args.data.canonicalize().map_err(|e| {
        Error::because("cannot_read", ("无法读取演示目录", "cannot read the demo's folder"), &e)
    })?;
    let mut record = Record::load(&data.join(RECORD))?;
    let mut config = load(&data)?;
    let url = format!("https://{listen}");
    config.gateway.listen = listen;
    if config.gateway.public_url != url {
        config.gateway.public_url.clone_from(&url);
        save(&data, &config)?;
    }
    record.move_to(&data, &url)?;
    config.resolve(&data);
    serve::init_logs(&config, &clock)?;
    let told = serve::heed_signals()?;
    let gateway = start(&mut config, &clock).await?;
    record.metrics = format!("http://{}/metrics", gateway.metrics_addr());
    record.save(&data.join(RECORD))?;
    context
        .terminal
        .result(&record, || story::told(&record, context.terminal.lang))
        .map_err(|e| Error::from_person(&e))?;
    serve::until_told(gateway, told).await
}

/// Founds the firm in `data`, starts its gateway, lets its people in, and stops it again.
/// Nothing half-made stays behind.
async fn found(data: &Path, listen: SocketAddr, clock: &Clock) -> Result<(), Error> {
    let folder = init::NewFolder::make(data)?;
    let made = found_in(folder.path(), listen, clock).await;
    if made.is_ok() {
        folder.keep();
    } else {
        folder.remove();
    }
    made
}

async fn found_in(data: &Path, listen: SocketAddr, clock: &Clock) -> Result<(), Error> {
    let passphrases = people::Passphrases::random();
    let url = format!("https://{listen}");
    let args = InitArgs {
        data: data.to_owned(),
        firm: FIRM.into(),
        url: url.clone(),
        login: people::LEAD.into(),
        name: Some("周主管".into()),
        passphrase_file: Some("-".into()),
    };
    let lead_profile = data.join("profiles").join(people::LEAD);
    let secret = passphrases.of(people::LEAD);
    let founded = init::found(&args, &url, data, &lead_profile, clock, Some(&secret)).await?;
    let mut config = load(data)?;
    config.log.level = Level::Warn;
    save(data, &config)?;
    config.resolve(data);
    config.gateway.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.gateway.metrics_listen = config.gateway.listen;
    let gateway = Gateway::start(&config, clock.clone()).await?;
    let peopled = people::people(data, &gateway, &founded, &passphrases).await;
    gateway.stop().await;
    peopled?.save(&data.join(RECORD))
}

fn load(data: &Path) -> Result<Config, Error> {
    let path = data.join(init::CONFIG);
    let text = std::fs::read_to_string(&path).map_err(|e| settings_error(&e))?;
    Config::from_toml(&text, &path, std::env::vars()).map_err(|e| settings_error(&e))
}

fn save(data: &Path, config: &Config) -> Result<(), Error> {
    crate::cli::profile::replace_private(&data.join(init::CONFIG), config.to_toml().as_bytes())
        .map_err(|e| settings_error(&e))
}

fn settings_error(error: &dyn std::error::Error) -> Error {
    Error::because("bad_settings", ("设置无法使用", "the settings cannot be used"), error)
        .exiting(Exit::Failed)
}

/// The address with its port drawn, where that was 0: links name it before it is bound.
fn free_port(listen: SocketAddr) -> Result<SocketAddr, Error> {
    let busy = |e: std::io::Error| {
        Error::because(
            "address_in_use",
            (
                &format!("无法监听 {listen}，请用 --listen 换一个地址"),
                &format!("cannot listen on {listen}; choose another with --listen"),
            ),
            &e,
        )
    };
    let socket = std::net::TcpListener::bind(listen).map_err(busy)?;
    socket.local_addr().map_err(busy)
}

/// Starts the gateway, with the usual metrics port or, where another gateway has it, a free one.
async fn start(config: &mut Config, clock: &Clock) -> Result<Gateway, Error> {
    match Gateway::start(config, clock.clone()).await {
        Err(error) if error.code() == "address_in_use" => {
            config.gateway.metrics_listen.set_port(0);
            Gateway::start(config, clock.clone()).await
        }
        started => started,
    }
}
