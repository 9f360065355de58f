//! The control plane of a simulation.

use super::*;

impl World {
    pub(super) fn start_control(&mut self) {
        self.generations += 1;
        let made = synthetic(Numbering(self.generations));
        self.control = Some(Control {
            made,
            batches: Vec::new(),
            acknowledged: None,
            serves: None,
            answers: None,
        });
    }

    pub(super) fn commit(&mut self) {
        let kind = self.draw.below(3);
        let number = self.draw.below(self.store.digests.len() as u64) as usize;
        let digest = self.store.digests[number];
        let Some(known) = self.store.root.keys.find(&digest).copied() else { return };
        if known.status == Status::Revoked {
            return;
        }
        let revision = self.store.root.revision;
        let revision = Revision { number: revision.number + 1, ..revision };
        let revoked = Change::Put(Record { status: Status::Revoked, ..known });
        let keys = match kind {
            0 => {
                self.store.revoked.insert(number, revision);
                vec![revoked]
            }
            1 => {
                let next = self.store.digests.len();
                let digest = synthetic(Numbering(1)).record(next as u32).digest;
                self.store.digests.push(digest);
                self.store.revoked.insert(number, revision);
                self.store.rotated.insert(number, next);
                vec![revoked, Change::Put(Record { digest, ..known })]
            }
            _ => vec![Change::Put(Record { not_after: known.not_after.wrapping_add(1), ..known })],
        };
        let batch = Batch { keys, ..Batch::default() };
        let sent = encode::batch(
            &batch,
            Context {
                before: &self.store.root,
                revision,
                published: 1_811_808_000_000 + self.now,
                given: Vec::new(),
                schemes: None,
                counter: |record: &Record| Some(Synthetic::counter(record)),
            },
        );
        self.store.root = self.store.root.with(batch, revision, 0);
        self.store.committed.insert(revision, self.now);
        let Some(control) = &mut self.control else { return };
        control.batches.push(sent.unwrap());
        if let Some(connection) = control.serves {
            let said = ToProxy::Batch(control.batches.last().unwrap().clone());
            self.say(connection, &said);
        }
    }

    pub(super) fn say(&mut self, connection: u64, said: &ToProxy) {
        let bytes = said.to_bytes().to_vec();
        self.send(connection, Said::Proxy(bytes));
    }

    /// A message that has come to the control plane.
    pub(super) fn hear(&mut self, connection: u64, said: &ToControl) {
        let newest = self.store.root.revision;
        let unix_ms = self.moment().unix;
        let Some(control) = &mut self.control else { return };
        match said {
            ToControl::Hello(hello) => {
                control.serves = Some(connection);
                control.answers = None;
                let numbering = control.made.numbering;
                let mut said = vec![ToProxy::Welcome(Welcome {
                    version: VERSION,
                    software: "0.1.0".to_owned(),
                    numbering,
                    environment: "production".to_owned(),
                    newest,
                    heartbeat_ms: 500,
                    capabilities: 0,
                    unix_ms,
                })];
                let follows = hello.held.filter(|held| held.numbering == numbering);
                let rest = follows.and_then(|held| {
                    let at =
                        control.batches.iter().position(|batch| batch.previous == held.revision);
                    at.or((held.revision == newest).then_some(control.batches.len()))
                });
                match rest {
                    Some(at) => {
                        let rest = control.batches.get(at..).unwrap_or_default();
                        said.extend(rest.iter().cloned().map(ToProxy::Batch));
                    }
                    None => said.push(ToProxy::Snapshot(SnapshotOffer {
                        revision: newest,
                        numbering,
                        etag: String::new(),
                        bytes: 0,
                        keys: 0,
                    })),
                }
                for said in said {
                    self.say(connection, &said);
                }
            }
            ToControl::Applied(applied) if control.serves == Some(connection) => {
                control.acknowledged = control.acknowledged.max(Some(applied.revision));
            }
            ToControl::Heartbeat(heartbeat) if control.serves == Some(connection) => {
                control.answers = Some(heartbeat.sent);
                control.acknowledged = control.acknowledged.max(heartbeat.enforced);
                let said = ToProxy::Heartbeat(ServerHeartbeat {
                    answers: control.answers,
                    newest,
                    unix_ms,
                });
                self.say(connection, &said);
            }
            _ => {}
        }
    }
}
