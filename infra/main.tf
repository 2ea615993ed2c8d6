# One root, applied once per (stage, region) with its own state: a plan for one region can neither read nor touch
# another. Run it as: terraform apply -var stage=prod -var region=eu
# The state holds no secret. Where it lies is the deployer's choice: a backend block in a file `backend.tf` beside this.

locals {
  # What each region of AWS can do, as far as this bundle depends on it. The validation of `region` reads this table,
  # so that a region that lacks something fails the plan and not the deployment.
  # Source: AWS documentation, "Lambda function URLs", list of unsupported regions (read November 2026).
  regions = {
    eu = { name = "eu-central-1", function_urls = true }
    us = { name = "us-east-1", function_urls = true }
    il = { name = "il-central-1", function_urls = false }
  }

  region_name = local.regions[var.region].name
}

module "region" {
  source = "./modules/region"

  stage       = var.stage
  region      = var.region
  region_name = local.region_name

  packages_dir = var.packages_dir
  architecture = var.architecture

  trusted_principals       = var.trusted_principals
  staff_principals         = var.staff_principals
  function_role_principals = var.function_role_principals
  role_session_seconds     = var.role_session_seconds

  retention_days        = var.retention_days
  test_stage_governance = var.test_stage_governance
  log_retention_days    = var.log_retention_days
  deletion_protection   = var.deletion_protection
  drop_conditions       = var.drop_conditions
  alarm_topic_arns      = var.alarm_topic_arns

  trail            = var.trail
  checkpoint_sinks = var.checkpoint_sinks

  admin              = var.admin
  gateway            = var.gateway
  dlp                = var.dlp
  scim               = var.scim
  health             = var.health
  actions            = var.actions
  approvals          = var.approvals
  live_versions      = var.live_versions
  audit_writer       = var.audit_writer
  lifecycle_function = var.lifecycle_function
  audit_queue        = var.audit_queue
}
