//! The proxy of a simulation.

use super::*;

impl World {
    pub(super) fn start_proxy(&mut self) {
        let response =
            FixedResponse { status: http::StatusCode::OK, headers: Vec::new(), body: "".into() };
        let target = Target::Fixed(response);
        let upstream = Arc::new(Upstream { name: "origin".into(), generation: 1, target });
        let (mut receiver, _) = receive::alone(ReceiverSettings {
            upstreams: [("origin".into(), upstream)].into(),
            schemes: vec![(SentScheme::Sha256, Scheme::Sha256)],
            absence: Absence::default(),
        });
        let (sender, mailbox) = channel();
        if let Some((bytes, numbering)) = &self.disk.snapshot {
            publish(&mut receiver, bytes, &sender).unwrap();
            for batch in &self.disk.tail {
                receiver.batch(*numbering, batch.clone(), || ()).unwrap();
            }
        }
        let held = receiver.held();
        let settings = SubscriberSettings {
            name: "proxy-1".to_owned(),
            instance: self.draw.below(1 << 30),
            software: "0.1.0".to_owned(),
            environment: "production".to_owned(),
            region: None,
            schemes: vec![SentScheme::Sha256],
            serve_for: Some(SERVE_FOR),
        };
        let ago = self.disk.contact.map(|contact| self.now - contact);
        let seed = self.draw.below(u64::MAX >> 33);
        let (subscriber, acts) = Subscriber::new(settings, seed, held, ago, self.moment());
        if let Some(held) = held {
            sender.send(held.revision).unwrap();
        }
        self.proxy = Some(Proxy {
            receiver,
            subscriber,
            enforced: (sender, mailbox),
            lease: None,
            connection: None,
            fetch: None,
        });
        self.perform(acts);
    }

    /// Fetches end some time.
    pub(super) fn serve(&mut self) {
        let Some(proxy) = &mut self.proxy else { return };
        let Some((offer, due)) = proxy.fetch.take_if(|(_, due)| *due <= self.now) else { return };
        assert!(due <= self.now);
        let there =
            self.control.as_ref().filter(|control| control.made.numbering == offer.numbering);
        let event = match there {
            Some(control) if offer.revision == self.store.root.revision => {
                let mut made = control.made.clone();
                made.revision = offer.revision;
                let mut bytes = Vec::new();
                made.write(&self.store.root, "0.1.0", &mut bytes).unwrap();
                match publish(&mut proxy.receiver, &bytes, &proxy.enforced.0) {
                    Ok(()) => {
                        self.disk.snapshot = Some((bytes, offer.numbering));
                        self.disk.tail.clear();
                        self.disk.synced = 0;
                        let held = proxy.receiver.held().unwrap();
                        Event::Fetched(Ok((held, Taken { to_sync: true, keys: 0, withheld: None })))
                    }
                    Err(unfit) => Event::Fetched(Err(unfit.to_string())),
                }
            }
            _ => Event::Fetched(Err("it is gone".to_owned())),
        };
        let fetched = matches!(event, Event::Fetched(Ok(_)));
        self.step(event);
        if fetched {
            let held = self.proxy.as_ref().unwrap().receiver.held().unwrap();
            self.step(Event::Synced(held.revision));
        }
    }

    pub(super) fn step(&mut self, event: Event) {
        let now = self.moment();
        let Some(proxy) = &mut self.proxy else { return };
        let acts = proxy.subscriber.step(event, now);
        self.perform(acts);
    }

    pub(super) fn perform(&mut self, acts: Vec<Act>) {
        for act in acts {
            let Some(proxy) = &mut self.proxy else { return };
            match act {
                Act::Connect => {
                    if self.control.is_some() {
                        self.connections += 1;
                        proxy.connection = Some(self.connections);
                        self.step(Event::Opened);
                    } else {
                        self.step(Event::Closed("nobody is there".to_owned()));
                    }
                }
                Act::Close => {
                    proxy.connection = None;
                    self.network.clear();
                }
                Act::Send(said) => {
                    if let Some(connection) = proxy.connection {
                        self.send(connection, Said::Control(said));
                    }
                }
                Act::Publish(batch) => self.publish(*batch),
                Act::Fetch(offer) => {
                    let due = self.now + self.draw.below(20) * 10;
                    proxy.fetch = Some((offer, due));
                }
                Act::Lease(ends) => proxy.lease = ends,
                Act::Contact(contact) => {
                    self.disk.synced = self.disk.tail.len();
                    self.disk.contact = Some(contact);
                }
                Act::Tell(_) => {}
            }
        }
    }

    pub(super) fn publish(&mut self, batch: SentBatch) {
        let Some(proxy) = &mut self.proxy else { return };
        let revision = batch.revision;
        let numbering = proxy.subscriber.held().unwrap().numbering;
        let enforced = proxy.enforced.0.clone();
        let to_sync = batch.keys.iter().any(|change| match change {
            Change::Put(key) => key.status != Status::Active,
            Change::Remove(_) => true,
        });
        let published = proxy.receiver.batch(numbering, batch.clone(), move || {
            let _ = enforced.send(revision);
        });
        let taken =
            published.map(|root| Taken { to_sync, keys: root.keys.len() as u64, withheld: None });
        let is_published = taken.is_ok();
        if is_published {
            self.disk.tail.push(batch);
            if to_sync {
                self.disk.synced = self.disk.tail.len();
            }
        }
        self.step(Event::Published(revision, taken));
        if is_published && to_sync {
            self.step(Event::Synced(revision));
        }
    }
}

fn publish(receiver: &mut Receiver, bytes: &[u8], to: &Sender<Revision>) -> Result<(), Unfit> {
    let mut file = SnapshotFile::open(Cursor::new(bytes)).unwrap();
    let revision = file.header().revision;
    let mut staging = receiver.stage(file.header().clone())?;
    while let Some(piece) = file.next_piece().unwrap() {
        staging.add(piece)?;
    }
    let to = to.clone();
    staging.finish(move || {
        let _ = to.send(revision);
    })?;
    Ok(())
}
