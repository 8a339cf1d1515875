//! The same money and stock on PostgreSQL, which each test starts for itself; left out where it is not installed.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

use journeys::{Databases, OrdersRun, Shop, wait_ready};
use serde_json::Value;

use crate::money::storm;
use crate::{GOOD, available, status};

/// A server with its data in a folder that goes away with it.
struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

impl Postgres {
    /// `None` where PostgreSQL is not installed; `./check` says so.
    fn start() -> Option<Self> {
        static PORTS: AtomicU16 = AtomicU16::new(0);
        let programs = std::fs::read_dir("/usr/lib/postgresql")
            .ok()?
            .flatten()
            .map(|entry| entry.path().join("bin"));
        let programs = programs.filter(|path| path.join("postgres").is_file()).max()?;
        let folder = tempfile::tempdir().unwrap();
        let port = 20_000
            + u16::try_from(std::process::id() % 20_000).unwrap()
            + PORTS.fetch_add(1, Ordering::Relaxed);
        let mut server = Self {
            programs,
            folder,
            port,
            process: None,
        };
        if let Some(nobody) = server.user() {
            chown(server.folder.path(), Some(nobody), None).unwrap();
        }
        let data = server.data();
        let made = server
            .program("initdb")
            .args([
                "--username=shop",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.run();
        for database in ["users", "orders"] {
            let call = |server: &Self| server.client("createdb").arg(database).output().unwrap();
            let made = call(&server);
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        Some(server)
    }

    /// The server refuses to run as root.
    fn user(&self) -> Option<u32> {
        let root = std::fs::metadata(self.folder.path()).unwrap().uid() == 0;
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let line = users
            .lines()
            .find(|line| line.starts_with("postgres:"))
            .filter(|_| root)?;
        line.split(':').nth(2)?.parse().ok()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let owner = std::fs::metadata(self.folder.path()).unwrap().uid();
        let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        match self.user() {
            Some(user) => command.uid(user),
            None if root && owner != 0 => command.uid(owner),
            None => &mut command,
        };
        command
    }

    fn client(&self, name: &str) -> Command {
        let mut command = self.program(name);
        command.args([
            "--host=127.0.0.1",
            "--username=shop",
            &format!("--port={}", self.port),
        ]);
        command
    }

    /// Starts it on its data and waits until it answers.
    fn run(&mut self) {
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.path().display()),
            "max_connections=100".to_owned(),
            // A killed process loses nothing that the system has; only a power cut would.
            "fsync=off".to_owned(),
        ];
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).stderr(Stdio::null());
        for setting in settings {
            command.args(["-c", &setting]);
        }
        self.process = Some(command.spawn().unwrap());
        let began = Instant::now();
        while !self.client("pg_isready").status().unwrap().success() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "PostgreSQL does not start"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As a crash: nothing is written any more.
    fn kill(&mut self) {
        // The server's helpers end when they see that it is gone; without them nobody holds the data.
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        let lock = self.data().join("postmaster.pid");
        let began = Instant::now();
        while self.client("pg_isready").status().unwrap().success()
            && began.elapsed() < Duration::from_secs(5)
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(300));
        let _ = std::fs::remove_file(lock);
    }

    fn databases(&self) -> Databases {
        let url = |name: &str| Some(format!("postgres://shop@127.0.0.1:{}/{name}", self.port));
        Databases {
            users: url("users"),
            orders: url("orders"),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Whether a path exists that says that the server still has its data.
fn gone(path: &Path) -> bool {
    !path.exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_of_500_units_exactly_500_are_sold_in_either_order() {
    let Some(server) = Postgres::start() else { return };
    let shop = Arc::new(
        Shop::start_on(&server.databases(), &[], OrdersRun::Inside)
            .await
            .unwrap(),
    );
    assert!(
        gone(&shop.database("order-service")),
        "it must not use a file beside the server"
    );
    shop.stock("KIT-001", 500).await.unwrap();
    let counts = storm(&shop, 1500, 64, |_| vec![("KIT-001", 1)]).await;
    assert_eq!(counts, BTreeMap::from([(201, 500), (409, 1000)]));
    assert_eq!(available(&shop, "KIT-001").await, 0);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_carts_in_either_order_do_not_block_each_other() {
    let Some(server) = Postgres::start() else { return };
    let shop = Arc::new(
        Shop::start_on(&server.databases(), &[], OrdersRun::Inside)
            .await
            .unwrap(),
    );
    shop.stock("KIT-001", 100).await.unwrap();
    shop.stock("KIT-002", 100).await.unwrap();
    let counts = storm(&shop, 300, 32, |number| match number % 2 {
        0 => vec![("KIT-001", 1), ("KIT-002", 1)],
        _ => vec![("KIT-002", 1), ("KIT-001", 1)],
    })
    .await;
    assert_eq!(counts, BTreeMap::from([(201, 100), (409, 200)]));
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    let token = crate::sign_up(&shop, "ada@example.org").await;
    let me = shop
        .get("/users/me")
        .header("authorization", &format!("Bearer {token}"));
    assert_eq!(status(me).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_under_load_loses_no_order_that_was_acknowledged() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let shop = Arc::new(
        Shop::start_on(&server.databases(), &[], OrdersRun::Inside)
            .await
            .unwrap(),
    );
    shop.stock("KIT-001", 100_000).await.unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (shop, ends) = (Arc::clone(&shop), Arc::clone(&ends));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    if ends.load(Ordering::Relaxed) {
                        break;
                    }
                    let key = format!("key-{worker:04}-{number:06}");
                    let lines: &[(&str, i64)] = &[("KIT-001", 1)];
                    let reply = shop
                        .checkout("guest-0123456789abcdef", &key, GOOD, Some(lines))
                        .send()
                        .await
                        .unwrap();
                    if reply.status.as_u16() == 201 {
                        let order: Value = reply.json().unwrap();
                        acknowledged.push(order["id"].as_str().unwrap().to_owned());
                    }
                }
                acknowledged
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    server.kill();
    let orders = shop.at(&shop.orders_admin_url());
    let began = Instant::now();
    wait_ready(&orders, 503).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(orders.get("/health").send().await.unwrap().status.as_u16(), 200);
    server.run();
    wait_ready(&orders, 200).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    ends.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for worker in workers {
        acknowledged.extend(worker.await.unwrap());
    }
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
    for id in &acknowledged {
        let order = shop
            .get(&format!("/orders/{id}"))
            .header("x-cart-id", "guest-0123456789abcdef");
        assert_eq!(crate::document(order).await["status"], "paid", "{id}");
    }
}
