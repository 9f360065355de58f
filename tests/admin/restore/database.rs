//! Restoring what pg_dump has dumped, with the tools of Debian's package.

use std::path::{Path, PathBuf};
use std::process::Command;

use postgres::{Client, NoTls};
use serde_json::json;

use super::{call, epoch, id, run};
use crate::admin::House;
use crate::admin::package_keys::Shop;
use crate::admin::peers::url;
use crate::admin::server::{PROGRAMS, Server};
use crate::support::{Admin, Config, Finished, Origin, Tollgate, done, finish, wait_for};

/// A database of the server that all tests share.
struct Database {
    /// How it is reached, without its name.
    server: String,
    name: String,
}

impl Database {
    fn new() -> Self {
        let address = Server::shared().database();
        let (server, name) = address.split_once(" dbname=").unwrap();
        Self { server: server.to_owned(), name: name.to_owned() }
    }

    /// Another one on the same server, which need not be there.
    fn beside(&self, suffix: &str) -> Self {
        Self { server: self.server.clone(), name: format!("{}{suffix}", self.name) }
    }

    fn address(&self) -> String {
        format!("{} dbname={}", self.server, self.name)
    }

    fn url(&self) -> String {
        url(&self.address())
    }

    /// Runs statements in it.
    fn script(&self, statements: &str) {
        Client::connect(&self.address(), NoTls).unwrap().batch_execute(statements).unwrap();
    }

    /// Runs statements beside it, each by itself.
    fn aside(&self, statements: &[&str]) {
        let mut client =
            Client::connect(&format!("{} dbname=postgres", self.server), NoTls).unwrap();
        for statement in statements {
            client.batch_execute(&statement.replace("THIS", &self.name)).unwrap();
        }
    }

    fn tool(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(Path::new(PROGRAMS).join(program));
        let finished = finish(command.arg("-d").arg(self.address()).args(arguments), "");
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }

    fn dump(&self, gate: &Tollgate) -> PathBuf {
        let to = gate.folder().join("dump");
        self.tool("pg_dump", &["-Fc", "-f", to.to_str().unwrap()]);
        to
    }

    fn fill(&self, dump: &Path, more: &[&str]) {
        self.tool("pg_restore", &[&["--exit-on-error", dump.to_str().unwrap()], more].concat());
    }

    /// Fills a new one beside it.
    fn filled(&self, dump: &Path, suffix: &str) -> Self {
        let filled = self.beside(suffix);
        filled.aside(&["CREATE DATABASE THIS"]);
        filled.fill(dump, &[]);
        filled
    }

    /// Gives it another name, whoever is connected to it.
    fn rename(&self, suffix: &str) -> Self {
        let renamed = self.beside(suffix);
        self.aside(&[
            "ALTER DATABASE THIS WITH ALLOW_CONNECTIONS false",
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'THIS'",
            &format!("ALTER DATABASE THIS RENAME TO {}", renamed.name),
        ]);
        renamed.aside(&["ALTER DATABASE THIS WITH ALLOW_CONNECTIONS true"]);
        renamed
    }
}

/// A shop with its store there.
fn shop_in(database: &Database) -> Shop {
    let origin = Origin::start();
    let control = format!("address = \"127.0.0.1:0\"\nstore = \"{}\"", database.url());
    let config = Config::new(&origin)
        .section("control", &control)
        .section("access_log", "path = \"access.log\"");
    let gate = Tollgate::start(&config);
    let admin = Admin::first(&gate);
    Shop::sells(Shop::in_house(House { gate, admin, origin }, &json!({ "name": "gold" })))
}

/// Has a configuration name another database.
fn move_to(config: &Path, from: &Database, to: &Database) {
    let text = std::fs::read_to_string(config).unwrap();
    let moved = text.replace(&format!("{}\"", from.url()), &format!("{}\"", to.url()));
    assert_ne!(text, moved);
    std::fs::write(config, moved).unwrap();
}

fn restore(config: &Path, arguments: &[&str], input: &str) -> Finished {
    run(&[&["restore"], arguments].concat(), config, input)
}

const COPIED: &str = "the store was copied into this database";

/// Nobody serves from what was copied and not reconciled.
fn refuses_to_start(config: &Path) {
    let mut command = Command::new("timeout");
    command.args(["60", env!("CARGO_BIN_EXE_tollgate"), "run", "--config"]).arg(config);
    let refused = finish(&mut command, "");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("`tollgate restore --config FILE --present URL`"),
        "{refused:?}"
    );
}

#[test]
fn what_was_revoked_since_a_dump_stays_so_and_the_proxy_goes_on_meanwhile() {
    let database = Database::new();
    let shop = shop_in(&database);
    let gate = &shop.house.gate;
    let [stays, deleted, disabled] = [(); 3].map(|()| shop.make(&json!({ "status": "active" })));
    let dump = database.dump(gate);
    let before = epoch(gate, &stays);
    done(&shop.house.admin.delete(&shop.key(&deleted)));
    shop.change(&disabled, &json!({ "status": "disabled" }));
    let later = shop.make(&json!({ "status": "active" }));
    let answers = || [&stays, &deleted, &disabled, &later].map(|key| call(gate, key));
    assert_eq!(answers(), [200, 401, 401, 200]);

    let old = database.rename("_old");
    database.filled(&dump, "");
    gate.wait_for_log(COPIED);
    let admin = &shop.house.admin;
    assert_eq!(admin.get("/members").status, 503, "nobody sees the copy");
    assert_eq!(answers(), [200, 401, 401, 200], "it goes on as it was");
    assert_eq!(epoch(gate, &stays), before);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().join("tollgate.toml");
    std::fs::copy(gate.config(), &other).unwrap();
    refuses_to_start(&other);

    let present = ["--present", &old.url()];
    let unconfirmed = restore(gate.config(), &present, "no\n");
    assert_eq!(unconfirmed.code, Some(1), "{unconfirmed:?}");
    refuses_to_start(&other);
    let restored = restore(gate.config(), &present, "restore\n");
    assert_eq!(restored.code, Some(0), "{restored:?}");
    for (what, key) in [("revoked again", &deleted), ("suspended again", &disabled)] {
        assert!(restored.stdout.contains(&format!("{what}: {}\n", id(key))), "{restored:?}");
    }
    wait_for("the new epoch", || (epoch(gate, &stays) > before).then_some(()));
    assert_eq!(answers(), [200, 401, 401, 401], "what was made since is gone");
    // The first one finds that the server has ended its connection.
    let disable = || shop.house.admin.put(&shop.key(&stays), &json!({ "status": "disabled" }));
    wait_for("a change", || (disable().status == 200).then_some(()));
    assert_eq!(call(gate, &stays), 401, "changes are enforced");
    let whole = run(&["audit", "verify"], gate.config(), "");
    assert_eq!(whole.code, Some(0), "{whole:?}");
}

#[test]
fn what_is_named_lives_again_out_of_a_dump_and_the_present_store_is_not_mistaken() {
    let database = Database::new();
    let shop = shop_in(&database);
    let [one, other] = [(); 2].map(|()| shop.make(&json!({ "status": "active" })));
    let dump = database.dump(&shop.house.gate);
    for key in [&one, &other] {
        done(&shop.house.admin.delete(&shop.key(key)));
    }
    let beside = database.filled(&dump, "_restored");
    let file = shop.house.gate.folder().join("restored.toml");
    std::fs::copy(shop.house.gate.config(), &file).unwrap();
    move_to(&file, &database, &beside);
    let refuses = |config: &Path, arguments: &[&str], code: i32, says: &str| {
        let refused = restore(config, &[arguments, &["--yes"]].concat(), "");
        assert_eq!(refused.code, Some(code), "{refused:?}");
        assert!(refused.stderr.contains(says), "{refused:?}");
    };
    let (here, present) = (beside.url(), database.url());
    refuses(&file, &["--present", &present], 1, "another process has the store that --present");
    let gate = shop.house.gate.restart_after(|config| {
        refuses_to_start(&file);
        refuses(config, &["--present", &here], 1, "of another store, or of a past");
        refuses(&file, &["--present", &here], 2, "--present names the database that control.store");
        refuses(&file, &[], 2, "expected --present URL");
        refuses(&file, &["dump"], 2, "pg_restore fills");
        let named = ["--present", &present, "--leave-revived"];
        refuses(&file, &[&named[..], &["nobody"]].concat(), 2, "nobody");
        let restored = restore(&file, &[&named[..], &[id(&one), "--yes"]].concat(), "");
        assert_eq!(restored.code, Some(0), "{restored:?}");
        assert!(restored.stdout.contains(&format!("LIVES AGAIN, as you wish: {}", id(&one))));
        std::fs::copy(&file, config).unwrap();
    });
    assert_eq!((call(&gate, &one), call(&gate, &other)), (200, 401));
}

#[test]
fn a_database_is_told_from_its_copies_and_stays_itself_when_it_is_tidied() {
    let database = Database::new();
    let shop = shop_in(&database);
    let key = shop.make(&json!({ "status": "active" }));
    let target = shop.key(&key);
    let dump = database.dump(&shop.house.gate);
    done(&shop.house.admin.delete(&target));
    let gate = shop.house.gate.restart_after(|_| {
        for tidy in ["VACUUM FREEZE", "VACUUM FULL FREEZE", "CLUSTER keys USING keys_pkey"] {
            database.script(tidy);
        }
        let elsewhere = database.rename("_elsewhere");
        elsewhere.aside(&[&format!("ALTER DATABASE THIS RENAME TO {}", database.name)]);
    });
    assert_eq!(call(&gate, &key), 401);
    let gate = gate.restart_after(|config| {
        let copy = database.beside("_copy");
        copy.aside(&[&format!("CREATE DATABASE THIS TEMPLATE {}", database.name)]);
        move_to(config, &database, &copy);
        refuses_to_start(config);
        move_to(config, &copy, &database);
        // As a restore of data alone does.
        database.script(
            "CREATE TEMPORARY TABLE was AS SELECT * FROM home; TRUNCATE home; \
             INSERT INTO home SELECT * FROM was",
        );
        refuses_to_start(config);
        database.script("TRUNCATE home");
        refuses_to_start(config);
        database.fill(&dump, &["--clean", "--if-exists"]);
        refuses_to_start(config);
        let restored = restore(config, &["--forget-present", "--yes"], "");
        assert_eq!(restored.code, Some(0), "{restored:?}");
        assert!(restored.stdout.contains("lives again"), "{restored:?}");
    });
    assert_eq!(call(&gate, &key), 200);
    // Under a process that holds its connections.
    let mut admin = shop.house.admin;
    admin.move_to(gate.admin());
    done(&admin.delete(&target));
    database.fill(&dump, &["--clean", "--if-exists"]);
    gate.wait_for_log(COPIED);
    let change = json!({ "username": "lee", "email": "" });
    assert_eq!(admin.post("/members", &change).status, 503, "nobody changes the copy");
    assert_eq!(call(&gate, &key), 401, "it goes on as it was");
}
