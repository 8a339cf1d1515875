//! Dockerfiles: several stages, no root, a health check that works in the image, bases that are pinned.

use crate::{files, text};

#[test]
fn images_are_built_in_stages_run_as_nobody_and_check_themselves() {
    for path in files("shop/docker", ".Dockerfile") {
        let lines: Vec<String> = text(&path).lines().map(str::trim).map(str::to_owned).collect();
        let last = lines.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
        let runtime = &lines[last..];
        assert!(runtime[0].ends_with("AS runtime"), "{path}: {}", runtime[0]);
        assert!(
            runtime.iter().any(|line| line == "USER 10001:10001"),
            "{path} runs as root"
        );
        assert!(
            runtime.iter().any(|line| line.starts_with("HEALTHCHECK ")),
            "{path} has no health check"
        );
        for from in lines.iter().filter(|line| line.starts_with("FROM ")) {
            let base = from.split_whitespace().nth(1).unwrap();
            assert!(
                base == "scratch" || base.contains(':') && !base.ends_with(":latest"),
                "{path}: {base}"
            );
        }
    }
    let service = text("shop/docker/service.Dockerfile");
    assert!(
        service.contains("FROM scratch AS runtime"),
        "the base of a service is empty"
    );
    assert!(
        service.contains("HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD [\"/service\", \"healthcheck\"]"),
        "the guide's times, and the service's own program"
    );
    // An empty image has no shell: all commands must be lists.
    for word in ["HEALTHCHECK", "ENTRYPOINT", "CMD"] {
        let line = service
            .lines()
            .find(|line| line.contains(&format!("{word} ")))
            .unwrap();
        assert!(line.contains('['), "{line}");
    }
}
