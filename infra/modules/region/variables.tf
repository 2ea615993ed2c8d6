variable "stage" {
  type        = string
  description = "Name of the deployment."
}

variable "region" {
  type        = string
  description = "Short name of the region: eu, us or il."
}

variable "region_name" {
  type        = string
  description = "AWS name of the region."
}

variable "packages_dir" {
  type        = string
  description = "Directory of the functions' zips."
}

variable "architecture" {
  type        = string
  description = "Instruction set of the packages."
}

variable "trusted_principals" {
  type        = list(string)
  description = "ARNs that may assume operator, auditor and deployer, unless staff_principals says otherwise."
}

variable "staff_principals" {
  type        = map(list(string))
  description = "ARNs per role, instead of trusted_principals."
  default     = {}
}

variable "function_role_principals" {
  type        = list(string)
  description = "ARNs that may assume the functions' roles; empty but on the local stage."
}

variable "role_session_seconds" {
  type        = number
  description = "Longest session of a role, in seconds."
}

variable "retention_days" {
  type        = number
  description = "Days of Object Lock in COMPLIANCE mode."
}

variable "test_stage_governance" {
  type        = bool
  description = "One day of GOVERNANCE instead."
}

variable "log_retention_days" {
  type        = number
  description = "Days for which logs are kept."
}

variable "deletion_protection" {
  type        = bool
  description = "Deletion protection of the tables."
}

variable "drop_conditions" {
  type        = bool
  description = "Leave out the conditions that the emulator does not read."
}

variable "alarm_topic_arns" {
  type        = list(string)
  description = "SNS topics that alarms notify."
}

variable "gateway" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
    provider_timeout_ms  = number
  })
  description = "Sizes of the gateway."
}

variable "admin" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
    origin               = string
    handoff_to           = list(string)
    bootstrap            = bool
  })
  description = "Sizes of the management API, its address, pages that sessions may be handed to, and whether the first organization can be made."
}

variable "dlp" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
  })
  description = "Sizes of DLP over HTTP."
}

variable "scim" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
    directory_origin     = string
  })
  description = "Sizes of the function that directories push to."
}

variable "actions" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
  })
  description = "Sizes of the function that agents ask for actions."
}

variable "approvals" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
    origin               = string
    mail_from            = string
  })
  description = "Sizes of the function on whose pages people decide, its address, and from whom its mail comes."
}

variable "health" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
    minutes              = number
    url_base             = string
  })
  description = "Sizes of the function that looks at everything, and how often it does."
}

variable "live_versions" {
  type        = map(string)
  description = "Versions that are served, by function, instead of those that this deployment makes."
}

variable "audit_writer" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
  })
  description = "Sizes of the audit writer."
}

variable "lifecycle_function" {
  type = object({
    timeout_seconds      = number
    memory_mb            = number
    reserved_concurrency = number
  })
  description = "Sizes of the lifecycle function."
}

variable "checkpoint_sinks" {
  type        = list(string)
  description = "Buckets of other accounts that checkpoints are sent to."
}

variable "trail" {
  type        = bool
  description = "Whether CloudTrail watches the ledger."
}

variable "audit_queue" {
  type = object({
    max_receive_count       = number
    batch_size              = number
    batching_window_seconds = number
    max_concurrency         = number
    visibility_factor       = number
  })
  description = "Delivery from the audit queue."
}
