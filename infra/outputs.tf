# Names and addresses only: nothing here, nor in the state, is secret.
output "region" {
  description = "Everything that was made in the region, by name."
  value       = module.region
}
