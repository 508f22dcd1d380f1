//! Everything put together: the commands of a firm, and the one place that names the whole.

pub mod audit;
pub mod demo;
pub mod dev_ca;
pub mod doctor;
mod error;
mod founding;
pub mod gateway;
pub mod init;
mod payloads;
mod person;
pub mod recover;
pub mod serve;
pub mod witness;

pub use error::Error;

use crate::cli::{Context, Exit, Global};

/// A firm's commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Found a firm: root key, recovery shares, first lead · 创建机构
    Init(init::InitArgs),
    /// Run the gateway · 启动网关
    Serve(serve::ServeArgs),
    /// Show the main job: an invented firm and its gateway · 演示
    Demo(demo::DemoArgs),
    /// Check a gateway's settings and data · 自检
    Doctor(doctor::DoctorArgs),
    /// Check, show or export the audit log · 审计日志
    Audit(audit::AuditArgs),
    /// Cosign other machines' audit logs · 见证审计日志
    Witness(witness::WitnessArgs),
    /// Recover documents with two shares, or rehearse it · 恢复文档或演练恢复
    Recover(recover::RecoverArgs),
}

/// Runs one command to its end and says how it ended.
pub fn run(global: &Global, command: &Command) -> Exit {
    let context = Context::new(global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            let what = ("无法启动", "cannot start");
            return Error::because("internal", what, &e).tell(context.terminal);
        }
    };
    let done = runtime.block_on(async {
        match command {
            Command::Init(args) => init::run(&context, args).await,
            Command::Serve(args) => serve::run(&context, args).await,
            Command::Demo(args) => demo::run(&context, args).await,
            Command::Doctor(args) => doctor::run(&context, args).await,
            Command::Audit(args) => audit::run(&context, args).await,
            Command::Witness(args) => witness::run(&context, args).await,
            Command::Recover(args) => recover::run(&context, args).await,
        }
    });
    match done {
        Ok(()) => Exit::Done,
        Err(error) => error.tell(context.terminal),
    }
}
