//! Row A15: whatever is done to sessions, in whatever order, each token works exactly when a
//! model of a few lines says so.

use http::Method;
use proptest::prelude::*;
use strongroom::api::{KitLogin, Refresh, SessionOpened, Tokens};
use strongroom::envelope::statement::{RevocationKind, Role};
use strongroom::ids::SessionId;
use strongroom::trust::fragment::kit_token;

use crate::support::office::{Office, Person};

#[derive(Clone, Debug)]
enum Step {
    LogIn,
    /// Renews with the newest token of a session, or one of those before.
    Renew {
        session: usize,
        back: usize,
    },
    /// Uses one of a session's access tokens.
    Use {
        session: usize,
        back: usize,
    },
    /// Ends a session from another one.
    End {
        session: usize,
        from: usize,
    },
    Pass {
        secs: i64,
    },
    Suspend,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::LogIn),
        8 => (0..4_usize, 0..3_usize).prop_map(|(session, back)| Step::Renew { session, back }),
        6 => (0..4_usize, 0..3_usize).prop_map(|(session, back)| Step::Use { session, back }),
        2 => (0..4_usize, 0..4_usize).prop_map(|(session, from)| Step::End { session, from }),
        5 => prop_oneof![
            Just(1), Just(29), Just(30), Just(300), Just(599), Just(600),
            Just(45 * 86_400), Just(90 * 86_400)
        ].prop_map(|secs| Step::Pass { secs }),
        1 => Just(Step::Suspend),
    ];
    proptest::collection::vec(step, 1..40)
}

/// A session as it should be.
struct Model {
    id: SessionId,
    open: bool,
    refresh: Vec<String>,
    access: Vec<(String, i64)>,
    renewed: i64,
}

struct World {
    office: Office,
    lead: Person,
    person: Person,
    sessions: Vec<Model>,
    suspended: bool,
    now: i64,
}

impl World {
    async fn new() -> Self {
        let (office, lead) = Office::with_lead().await;
        let person = office.member(&lead, "wang.li", Role::Accountant, None).await;
        let first = Model {
            id: person.session,
            open: true,
            refresh: vec![person.refresh.clone()],
            access: vec![(person.access.clone(), 0)],
            renewed: 0,
        };
        Self { office, lead, person, sessions: vec![first], suspended: false, now: 0 }
    }

    fn is_open(&self, session: &Model) -> bool {
        session.open && !self.suspended && self.now - session.renewed < 90 * 86_400
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::LogIn => self.log_in().await,
            Step::Renew { session, back } => self.renew(session, back).await,
            Step::Use { session, back } => {
                let model = &self.sessions[session % self.sessions.len()];
                let (token, since) =
                    &model.access[model.access.len() - 1 - back % model.access.len()];
                // Signed at a fraction of a second: the token ends with its whole second.
                let expected = self.is_open(model) && self.now - since < 600;
                let answer = self.office.ask(Method::GET, "/me", Some(token), None::<&()>).await;
                assert_eq!(answer.status, if expected { 200 } else { 401 }, "{step:?}");
            }
            Step::End { session, from } => {
                let (session, from) = (session % self.sessions.len(), from % self.sessions.len());
                let asker = &self.sessions[from];
                let (token, since) = asker.access.last().expect("one");
                let allowed = self.is_open(asker) && self.now - since < 600;
                let target = &self.sessions[session];
                let expected = if !allowed {
                    401
                } else if target.open {
                    204
                } else {
                    404
                };
                let path = format!("/sessions/{}", target.id);
                let answer = self.office.ask(Method::DELETE, &path, Some(token), None::<&()>).await;
                // One that ran out long ago may have been forgotten meanwhile.
                let forgotten = allowed && !self.is_open(target) && answer.status == 404;
                assert!(answer.status == expected || forgotten, "{step:?}: {}", answer.status);
                self.sessions[session].open &= answer.status != 204;
            }
            Step::Pass { secs } => {
                self.office.pass_secs(secs);
                self.now += secs;
            }
            Step::Suspend => {
                if !self.suspended {
                    self.suspend().await;
                }
            }
        }
    }

    async fn log_in(&mut self) {
        let token = kit_token(&self.person.kit, self.person.member).to_base64url().to_string();
        let login = KitLogin { login: "wang.li".into(), token, device: "x".into() };
        let answer = self.office.post("/login/kit", None, &login).await;
        if self.suspended {
            // Refused, or refused without a look after ten tries.
            assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
            return;
        }
        let opened: SessionOpened = answer.ok().json();
        assert!(self.sessions.iter().all(|s| s.id != opened.session), "a new id each time");
        self.sessions.push(Model {
            id: opened.session,
            open: true,
            refresh: vec![opened.tokens.refresh_token],
            access: vec![(opened.tokens.access_token, self.now)],
            renewed: self.now,
        });
    }

    async fn renew(&mut self, session: usize, back: usize) {
        let at = session % self.sessions.len();
        let model = &self.sessions[at];
        let back = back % model.refresh.len();
        let refresh =
            Refresh { refresh_token: model.refresh[model.refresh.len() - 1 - back].clone() };
        let answer = self.office.post("/session/refresh", None, &refresh).await;
        let open = self.is_open(model);
        let repeated = back == 1 && self.now - model.renewed < 30;
        assert_eq!(answer.status, if open && (back == 0 || repeated) { 200 } else { 401 });
        let (now, model) = (self.now, &mut self.sessions[at]);
        if !open {
            return;
        }
        if back == 0 || repeated {
            let tokens: Tokens = answer.json();
            if repeated {
                assert_eq!(Some(&tokens.refresh_token), model.refresh.last());
            } else {
                assert!(!model.refresh.contains(&tokens.refresh_token));
                model.refresh.push(tokens.refresh_token);
                model.renewed = now;
            }
            model.access.push((tokens.access_token, now));
        } else {
            model.open = false;
        }
    }

    async fn suspend(&mut self) {
        let tokens: Tokens = self
            .office
            .post("/session/refresh", None, &Refresh { refresh_token: self.lead.refresh.clone() })
            .await
            .json();
        let revocation =
            self.office.revocation(RevocationKind::Member, self.person.member, &self.lead);
        let answer = self
            .office
            .ask(Method::POST, "/revocations", Some(&tokens.access_token), Some(&revocation))
            .await;
        answer.ok();
        self.suspended = true;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn tokens_work_exactly_when_they_should(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            // The lead must still be logged in when it comes to suspending.
            let mut idle = 0;
            for step in &steps {
                if let Step::Pass { secs } = step {
                    idle += secs;
                }
                if matches!(step, Step::Suspend) && idle >= 90 * 86_400 {
                    continue;
                }
                world.step(step).await;
            }
        });
    }
}
