//! Nothing but tests: what the shop is deployed with (images, Compose, Terraform, policies, alerts, workflows) is held in step
//! with the shop and its chart.
