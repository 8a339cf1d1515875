//! Terraform, read by an HCL parser.

use std::collections::BTreeSet;

use hcl::{Block, Body};
use serde_json::{Value, json};

use crate::{files, run_if_there, text, yaml};

fn parsed(path: &str) -> Body {
    hcl::parse(&text(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

fn blocks(kind: &str) -> Vec<Block> {
    let bodies = files("infrastructure/terraform", ".tf")
        .into_iter()
        .map(|path| parsed(&path));
    bodies
        .flat_map(|body| {
            body.into_blocks()
                .filter(|block| block.identifier() == kind)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn label(block: &Block, place: usize) -> String {
    block.labels()[place].as_str().to_owned()
}

fn attribute(block: &Block, name: &str) -> String {
    let found = block
        .body()
        .attributes()
        .find(|attribute| attribute.key() == name);
    found
        .map(|attribute| attribute.expr().to_string())
        .unwrap_or_default()
}

#[test]
fn every_module_is_pinned_to_one_version() {
    let modules = blocks("module");
    assert!(modules.len() >= 4);
    for module in modules {
        let version = attribute(&module, "version");
        let exact = version
            .trim_matches('"')
            .split('.')
            .filter(|part| part.parse::<u32>().is_ok())
            .count()
            == 3;
        assert!(exact, "module {} has version {version}", label(&module, 0));
    }
}

#[test]
fn what_the_guide_asks_for_is_there() {
    let modules: BTreeSet<String> = blocks("module").iter().map(|module| label(module, 0)).collect();
    let resources: BTreeSet<String> = blocks("resource")
        .iter()
        .map(|resource| label(resource, 0))
        .collect();
    for module in ["vpc", "eks", "db", "db_replica"] {
        assert!(modules.contains(module), "no module {module}: {modules:?}");
    }
    for resource in ["aws_docdb_cluster", "aws_elasticache_replication_group"] {
        assert!(resources.contains(resource), "no {resource}: {resources:?}");
    }
    let db = blocks("module")
        .into_iter()
        .find(|module| label(module, 0) == "db")
        .unwrap();
    assert_eq!(attribute(&db, "backup_window"), "\"03:00-04:00\"");
    assert_eq!(attribute(&db, "maintenance_window"), "\"sun:04:00-sun:05:00\"");
    assert_eq!(attribute(&db, "engine"), "\"postgres\"");
    assert!(attribute(&db, "engine_version").starts_with("\"15."));
}

/// The guide's sizes are those of production.
#[test]
fn production_is_as_large_as_the_guide_has_it() {
    let production: Value =
        hcl::from_str(&text("infrastructure/terraform/environments/production.tfvars")).unwrap();
    assert_eq!(
        production["nodes"],
        json!({"instance_types": ["m5.large"], "min": 3, "max": 10, "desired": 6})
    );
    let postgresql = &production["postgresql"];
    for (name, value) in [
        ("instance_class", json!("db.r5.xlarge")),
        ("multi_az", json!(true)),
        ("read_replicas", json!(1)),
        ("backup_days", json!(30)),
    ] {
        assert_eq!(postgresql[name], value, "{name}");
    }
    let replica = blocks("module")
        .into_iter()
        .find(|module| label(module, 0) == "db_replica")
        .unwrap();
    assert_eq!(
        attribute(&replica, "replicate_source_db"),
        "module.db.db_instance_identifier"
    );
}

/// Addons that act on the cloud have rights of their own; the nodes' are out of reach for pods.
#[test]
fn the_driver_of_volumes_may_make_them() {
    let association = blocks("resource")
        .into_iter()
        .find(|block| label(block, 0) == "aws_eks_pod_identity_association")
        .unwrap();
    assert_eq!(
        attribute(&association, "service_account"),
        "\"ebs-csi-controller-sa\""
    );
    assert_eq!(attribute(&association, "role_arn"), "aws_iam_role.ebs_csi.arn");
    let cluster = text("infrastructure/terraform/cluster.tf");
    for part in [
        "aws-ebs-csi-driver",
        "eks-pod-identity-agent",
        "http_put_response_hop_limit = 1",
    ] {
        assert!(cluster.contains(part), "{part}");
    }
}

#[test]
fn no_store_is_public_or_readable_on_its_disk() {
    for module in blocks("module") {
        if label(&module, 0).starts_with("db") {
            assert_eq!(attribute(&module, "publicly_accessible"), "false");
            assert_eq!(attribute(&module, "storage_encrypted"), "true");
        }
    }
    for resource in blocks("resource") {
        let needs: &[&str] = match label(&resource, 0).as_str() {
            "aws_docdb_cluster" => &["storage_encrypted"],
            "aws_elasticache_replication_group" => {
                &["at_rest_encryption_enabled", "transit_encryption_enabled"]
            }
            _ => &[],
        };
        for name in needs {
            assert_eq!(attribute(&resource, name), "true", "{name}");
        }
    }
}

#[test]
fn each_environment_sets_what_is_declared_and_nothing_else() {
    let variables = blocks("variable");
    let declared: BTreeSet<String> = variables.iter().map(|variable| label(variable, 0)).collect();
    let needed: BTreeSet<String> = variables
        .iter()
        .filter(|variable| attribute(variable, "default").is_empty())
        .map(|variable| label(variable, 0))
        .collect();
    for path in files("infrastructure/terraform/environments", ".tfvars") {
        let set: BTreeSet<String> = parsed(&path)
            .into_attributes()
            .map(|attribute| attribute.key().to_owned())
            .collect();
        assert!(
            set.is_subset(&declared),
            "{path} sets {:?}",
            set.difference(&declared)
        );
        assert!(
            needed.is_subset(&set),
            "{path} lacks {:?}",
            needed.difference(&set)
        );
    }
    let used: String = files("infrastructure/terraform", ".tf")
        .iter()
        .map(|path| text(path))
        .collect();
    for variable in declared {
        assert!(
            used.contains(&format!("var.{variable}")),
            "variable {variable} is used nowhere"
        );
    }
}

#[test]
fn secrets_are_where_the_chart_looks_for_them() {
    let values = yaml("charts/ecommerce-platform/values.yaml").remove(0);
    let prefix = values["secrets"]["externalStore"]["prefix"].as_str().unwrap();
    let secrets = text("infrastructure/terraform/secrets.tf");
    assert!(
        secrets.contains(&format!("\"{prefix}/${{var.environment}}/")),
        "{prefix}"
    );
    for key in ["JWT_SECRET", "PSP_SECRET", "CSRF_SECRET"] {
        assert!(secrets.contains(&format!("\"{key}\"")), "{key} is made nowhere");
    }
}

/// Terraform or OpenTofu: neither is in Debian, so nobody has to have one.
fn tool() -> Option<&'static str> {
    ["terraform", "tofu"]
        .into_iter()
        .find(|tool| run_if_there(tool, &["version"]).is_some())
}

#[test]
fn its_own_tool_finds_it_well_formatted() {
    let Some(tool) = tool() else { return };
    let (fine, said) =
        run_if_there(tool, &["fmt", "-check", "-recursive", "infrastructure/terraform"]).unwrap();
    assert!(fine, "{said}");
}

/// Needs the modules and the providers' schemas, so it is left out where their registry cannot be reached.
#[test]
fn its_own_tool_finds_it_valid() {
    let Some(tool) = tool() else { return };
    let folder = tempfile::tempdir().unwrap();
    for path in files("infrastructure/terraform", ".tf") {
        let name = path.rsplit('/').next().unwrap();
        std::fs::write(folder.path().join(name), text(&path)).unwrap();
    }
    let at = format!("-chdir={}", folder.path().display());
    let begin = [&at, "init", "-backend=false", "-input=false", "-no-color"];
    let (begun, said) = run_if_there(tool, &begin).unwrap();
    if !begun {
        // Anything else that is wrong is found here already.
        assert!(said.contains("registry"), "{said}");
        eprintln!("left out: {tool} validate (its registry cannot be reached)");
        return;
    }
    let (fine, said) = run_if_there(tool, &[&at, "validate", "-no-color"]).unwrap();
    assert!(fine, "{said}");
}
