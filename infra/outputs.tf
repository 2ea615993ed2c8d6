# Names and addresses only: nothing here, nor in the state, is secret.
output "addresses" {
  description = "Where each function answers, without a slash at the end; bootstrap_url is null without admin.bootstrap."
  value       = { for name, value in module.region : name => value if endswith(name, "_url") }
}

output "operator_environment" {
  description = "What `countersign ops` and `countersign export` read, for a shell: eval \"$(terraform output -raw operator_environment)\"."
  value       = join("\n", [for name, value in merge(module.region.ops_environment, { AWS_REGION = local.region_name }) : "export ${name}='${value}'"])
}

output "region" {
  description = "Everything that was made in the region, by name."
  value       = module.region
}
