//! Push and pull against Debian's `docker-registry`, where it is installed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use windlass_oci::{Component, Credentials, ImageName, Layout, OciError, Registry, SBOM_TYPE, cyclonedx};

use crate::assemble::spec;

/// `ada` with the password `hush`.
const HTPASSWD: &str = "ada:$2y$05$abcdefghijklmnopqrstuulzd.YqjLDl8lvpSmVj3De/fioSBHnUa\n";

struct Server {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a registry on a free port; `None` where there is none to start.
fn server(guarded: bool) -> Option<Server> {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yml");
    let htpasswd = folder.path().join("htpasswd");
    fs::write(&htpasswd, HTPASSWD).unwrap();
    let auth = if guarded {
        format!(
            "auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            htpasswd.display()
        )
    } else {
        String::new()
    };
    let text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n{auth}",
        folder.path().join("data").display()
    );
    fs::write(&config, text).unwrap();
    let started = Command::new("docker-registry")
        .arg("serve")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        println!("left out: docker-registry is not installed");
        return None;
    };
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.ok()?;
        let (_, rest) = line.split_once("listening on ")?;
        Some(rest.split(['"', ' ']).next()?.to_owned())
    });
    // Keeps reading, so that the registry never waits for its log.
    std::thread::spawn(move || lines.for_each(drop));
    let address = address.expect("the registry says where it listens");
    Some(Server {
        child,
        address,
        _folder: folder,
    })
}

fn layout(folder: &Path) -> Layout {
    Layout::open(&folder.join("layout")).unwrap()
}

#[test]
fn an_image_and_its_bill_go_to_a_registry_and_come_back() {
    let Some(server) = server(false) else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (from, to) = (layout(here.path()), layout(there.path()));
    let digest = from.assemble(&spec(here.path(), b"one")).unwrap();
    let component = Component {
        name: "serde".to_owned(),
        version: "1.0.0".to_owned(),
        license: None,
        checksum: None,
    };
    from.attach(digest, SBOM_TYPE, &cyclonedx("cart", "1", &[component]))
        .unwrap();

    let name: ImageName = format!("{}/company/cart:v1", server.address).parse().unwrap();
    let registry = Registry::with(&name, Credentials::Anonymous);
    let pushed = registry
        .push(&from, digest, &name, &["latest".to_owned()])
        .unwrap();
    assert!(pushed.sent > 0 && pushed.artifacts == 1, "{pushed:?}");
    assert_eq!(pushed.name, format!("{}/company/cart@{digest}", server.address));
    assert_eq!(
        registry.push(&from, digest, &name, &[]).unwrap().sent,
        0,
        "nothing is sent twice"
    );

    assert_eq!(registry.resolve(&name).unwrap(), digest);
    let latest = ImageName {
        tag: None,
        ..name.clone()
    };
    assert_eq!(registry.pull(&to, &latest).unwrap(), digest);
    assert_eq!(registry.pull(&to, &name).unwrap(), digest);
    assert_eq!(to.resolve("cart:v1").unwrap(), digest);
    assert_eq!(
        to.inspect(digest).unwrap().image,
        from.inspect(digest).unwrap().image
    );

    // This registry keeps no referrers: they are listed under a tag.
    let listed: ImageName = format!("{}/company/cart:sha256-{}", server.address, digest.hex())
        .parse()
        .unwrap();
    assert!(registry.resolve(&listed).is_ok());
    let missing: ImageName = format!("{}/company/cart:v2", server.address).parse().unwrap();
    assert!(matches!(
        registry.pull(&to, &missing),
        Err(OciError::Registry { .. })
    ));
}

#[test]
fn a_guarded_registry_wants_the_right_password() {
    let Some(server) = server(true) else { return };
    let here = tempfile::tempdir().unwrap();
    let layout = layout(here.path());
    let digest = layout.assemble(&spec(here.path(), b"one")).unwrap();
    let name: ImageName = format!("{}/company/cart:v1", server.address).parse().unwrap();
    let with = |password: &str| Credentials::Basic {
        user: "ada".to_owned(),
        password: password.to_owned(),
    };
    for wrong in [Credentials::Anonymous, with("wrong")] {
        let refused = Registry::with(&name, wrong)
            .push(&layout, digest, &name, &[])
            .unwrap_err();
        assert!(matches!(refused, OciError::Login { .. }), "{refused}");
        assert!(!refused.to_string().contains("wrong"), "{refused}");
    }
    let registry = Registry::with(&name, with("hush"));
    registry.push(&layout, digest, &name, &[]).unwrap();
    assert_eq!(registry.resolve(&name).unwrap(), digest);
}
