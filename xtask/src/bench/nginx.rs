//! nginx as the peer, where it is installed: one worker, kept connections to the target, no log.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running nginx; killed when dropped.
pub(super) struct Nginx {
    pub(super) address: SocketAddr,
    process: Child,
    folder: tempfile::TempDir,
}

impl Nginx {
    /// None if it is not installed.
    pub(super) fn start(target: SocketAddr) -> Result<Option<Self>, String> {
        let installed = Command::new("nginx").arg("-v").stderr(Stdio::null()).status();
        if !installed.is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        // A free port, which nobody else takes between here and there on a machine that only measures.
        let address = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?;
        configure(folder.path(), address, target)?;
        let process = Command::new("nginx")
            .args(["-g", "daemon off;", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("starting nginx: {error}"))?;
        let nginx = Self {
            address,
            process,
            folder,
        };
        for _ in 0..500 {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(Some(nginx));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("nginx does not listen".to_owned())
    }

    /// Switches to another target as nginx is switched: a new configuration and `nginx -s reload`.
    pub(super) fn reload(&self, target: SocketAddr) -> Result<(), String> {
        configure(self.folder.path(), self.address, target)?;
        let status = Command::new("nginx")
            .args(["-s", "reload", "-p"])
            .arg(self.folder.path())
            .arg("-c")
            .arg(self.folder.path().join("nginx.conf"))
            .stderr(Stdio::null())
            .status()
            .map_err(|error| error.to_string())?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("nginx -s reload: {status}"))
        }
    }

    /// Processor time of its workers so far, in seconds.
    pub(super) fn cpu_seconds(&self) -> f64 {
        let path = format!("/proc/{0}/task/{0}/children", self.process.id());
        let children = std::fs::read_to_string(path).unwrap_or_default();
        children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .map(super::place::cpu_seconds)
            .sum()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM);
        let _ = self.process.wait();
    }
}

fn configure(folder: &Path, address: SocketAddr, target: SocketAddr) -> Result<(), String> {
    let folder_name = folder.display();
    let text = format!(
        "worker_processes 1;
pid {folder_name}/nginx.pid;
error_log {folder_name}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder_name}/body;
  proxy_temp_path {folder_name}/proxy;
  fastcgi_temp_path {folder_name}/fastcgi;
  uwsgi_temp_path {folder_name}/uwsgi;
  scgi_temp_path {folder_name}/scgi;
  keepalive_requests 100000000;
  upstream shop {{ server {target}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Request-Id $request_id;
    }}
  }}
}}
"
    );
    std::fs::write(folder.join("nginx.conf"), text).map_err(|error| error.to_string())
}
