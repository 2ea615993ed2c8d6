variable "stage" {
  description = "Name of the deployment; part of every resource's name. `local` is the emulator."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.stage))
    error_message = "stage must be 2 to 12 lower-case letters and digits, starting with a letter: it becomes part of bucket names."
  }
}

variable "region" {
  description = "Short name of the region: eu, us or il."
  type        = string

  validation {
    condition     = contains(["eu", "us", "il"], var.region)
    error_message = "region must be one of eu (eu-central-1), us (us-east-1), il (il-central-1)."
  }

  validation {
    condition     = try(local.regions[var.region].function_urls, true)
    error_message = "Region ${var.region} has no Lambda function URLs, which the ingress needs; its form with API Gateway is not built yet. Choose eu or us."
  }
}

variable "packages_dir" {
  description = "Directory that holds actions.zip, admin.zip, approvals.zip, gateway.zip, dlp.zip, scim.zip, audit-writer.zip, lifecycle.zip and health.zip, each with the file `bootstrap`."
  type        = string

  validation {
    condition     = alltrue([for f in ["actions", "admin", "approvals", "gateway", "dlp", "scim", "audit-writer", "lifecycle", "health"] : fileexists("${var.packages_dir}/${f}.zip")])
    error_message = "packages_dir must hold actions.zip, admin.zip, approvals.zip, gateway.zip, dlp.zip, scim.zip, audit-writer.zip, lifecycle.zip and health.zip. Build them first."
  }
}

variable "architecture" {
  description = "Instruction set of the packages."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "trusted_principals" {
  description = "ARNs that may assume the roles operator, auditor and deployer."
  type        = list(string)

  validation {
    condition     = length(var.trusted_principals) > 0 && alltrue([for p in var.trusted_principals : startswith(p, "arn:")])
    error_message = "trusted_principals must name at least one principal, each by its ARN; a wildcard is not accepted."
  }
}

variable "staff_principals" {
  description = "ARNs per role (operator, auditor, deployer), so that duties are separate; a role that is not named is assumed by trusted_principals."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for role, arns in var.staff_principals : contains(["operator", "auditor", "deployer"], role) && length(arns) > 0 && alltrue([for arn in arns : startswith(arn, "arn:")])])
    error_message = "staff_principals names the roles operator, auditor and deployer, each with at least one principal by its ARN."
  }
}

variable "function_role_principals" {
  description = "ARNs that may assume the functions' own roles, so that tests can act as a function. Local stage only."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.function_role_principals) == 0 || var.stage == "local"
    error_message = "function_role_principals is for stage local only: elsewhere nobody but Lambda takes a function's role."
  }
}

variable "role_session_seconds" {
  description = "Longest session of the roles operator, auditor and deployer, in seconds."
  type        = number
  default     = 3600

  validation {
    condition     = var.role_session_seconds >= 3600 && var.role_session_seconds <= 43200
    error_message = "role_session_seconds must lie between 3600 (1 hour) and 43200 (12 hours), the limits of IAM."
  }
}

variable "retention_days" {
  description = "Days for which nobody, the account's root included, can delete an audit object."
  type        = number
  default     = 365

  validation {
    condition     = var.test_stage_governance || (var.retention_days >= 365 && floor(var.retention_days) == var.retention_days)
    error_message = "retention_days must be a whole number of at least 365: audit evidence is kept under Object Lock in COMPLIANCE mode for a year or more. Only test_stage_governance = true goes below, in GOVERNANCE mode."
  }
}

variable "test_stage_governance" {
  description = "Object Lock in GOVERNANCE mode for one day, so that a test stage can be torn down. Never evidence."
  type        = bool
  default     = false

  validation {
    condition     = !(var.test_stage_governance && var.stage == "prod")
    error_message = "test_stage_governance is refused on stage prod: its audit objects would not be evidence."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the functions' logs."
  type        = number
  default     = 365
}

variable "deletion_protection" {
  description = "Deletion protection of the tables."
  type        = bool
  default     = true
}

variable "drop_conditions" {
  description = "Leave out the policy conditions that the local emulator does not read, and widen what it cannot resolve. Local stage only."
  type        = bool
  default     = false

  validation {
    condition     = !var.drop_conditions || var.stage == "local"
    error_message = "drop_conditions is for stage local only: on AWS it would widen the functions' permissions."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics that alarms notify."
  type        = list(string)
  default     = []
}

variable "gateway" {
  description = "Sizes of the gateway: timeout and memory; reserved concurrency (kept for it alone, and its bound; -1: neither)."
  type = object({
    timeout_seconds      = optional(number, 120)
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, 400)
    provider_timeout_ms  = optional(number, 60000)
  })
  default = {}

  validation {
    condition     = var.gateway.provider_timeout_ms > 0 && var.gateway.provider_timeout_ms + 10000 <= var.gateway.timeout_seconds * 1000
    error_message = "gateway.provider_timeout_ms must leave 10 seconds of gateway.timeout_seconds: the gateway records and settles after the provider gave up."
  }
}

variable "admin" {
  description = "The management API: timeout and memory; reserved concurrency (kept for it alone, and its bound; -1: neither); `origin`, its address if it has one of its own (such as https://admin.example.com); `handoff_to`, pages of other addresses of yours, to the letter, that a signed-in browser may carry a session to, as to that of approvals; `bootstrap`, whether the role `bootstrap` may make the first organization: set it to false once single sign-on is set up."
  type = object({
    timeout_seconds      = optional(number, 60)
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, 100)
    origin               = optional(string, "")
    handoff_to           = optional(list(string), [])
    bootstrap            = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.admin.timeout_seconds >= 30
    error_message = "admin.timeout_seconds must be at least 30: an identity provider and the writes may take that long."
  }

  validation {
    condition     = alltrue([for page in var.admin.handoff_to : can(regex("^https://[^?#,]+$", page))])
    error_message = "admin.handoff_to must be addresses with https and without a query, such as https://approvals.example.com/signed-in."
  }

  validation {
    condition     = var.admin.origin == "" || can(regex("^https?://[^/]+$", var.admin.origin))
    error_message = "admin.origin must be an address without a path, such as https://admin.example.com."
  }
}

variable "dlp" {
  description = "Sizes of DLP over HTTP: timeout and memory; reserved concurrency (kept for it alone, and its bound; -1: neither)."
  type = object({
    timeout_seconds      = optional(number, 60)
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, 100)
  })
  default = {}

  validation {
    condition     = var.dlp.timeout_seconds >= 30
    error_message = "dlp.timeout_seconds must be at least 30: the writes before and after a call may take 9 seconds each."
  }
}

variable "scim" {
  description = "Where directories push people, and are asked for them: timeout (a request ends long before; what asks all directories needs it) and memory; reserved concurrency (kept for it alone, and its bound; -1: neither); what stands in for Google, on the local stage alone."
  type = object({
    timeout_seconds      = optional(number, 600)
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, 50)
    directory_origin     = optional(string, "")
  })
  default = {}

  validation {
    condition     = var.scim.timeout_seconds >= 30
    error_message = "scim.timeout_seconds must be at least 30: a group of many members is changed in parts."
  }
}

variable "actions" {
  description = "Where agents ask for actions: timeout (they wait for people up to 55 seconds in one request) and memory; reserved concurrency (kept for it alone, and its bound; -1: neither)."
  type = object({
    timeout_seconds      = optional(number, 90)
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, 50)
  })
  default = {}

  validation {
    condition     = var.actions.timeout_seconds >= 70
    error_message = "actions.timeout_seconds must be at least 70: an agent may wait for 55 seconds, and the writes around a call may take 9 seconds each."
  }
}

variable "approvals" {
  description = "Where people decide what agents may do: timeout and memory; reserved concurrency (kept for it alone, and its bound; -1: neither); `origin`, its address if it has one of its own (such as https://approvals.example.com); `mail_from`, the address that SES sends its mail from (empty: no mail)."
  type = object({
    timeout_seconds      = optional(number, 120)
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, 20)
    origin               = optional(string, "")
    mail_from            = optional(string, "")
  })
  default = {}

  validation {
    condition     = var.approvals.timeout_seconds >= 60
    error_message = "approvals.timeout_seconds must be at least 60: each address that is told may take 10 seconds, and a pass of the clock leaves 10 seconds for what it has begun."
  }

  validation {
    condition     = var.approvals.reserved_concurrency == -1 || var.approvals.reserved_concurrency >= 4
    error_message = "approvals.reserved_concurrency must be at least 4: its queue takes two places and its clock one, and people need the others."
  }

  validation {
    condition     = var.approvals.origin == "" || can(regex("^https://[^/?#,]+$", var.approvals.origin)) || (var.stage == "local" && can(regex("^http://[^/?#,]+$", var.approvals.origin)))
    error_message = "approvals.origin must be an address with https and without a path, such as https://approvals.example.com."
  }

  validation {
    condition     = var.approvals.mail_from == "" || can(regex("^[^@<>\\s,]+@[^@<>\\s,]+$", var.approvals.mail_from))
    error_message = "approvals.mail_from must be one address without a name, such as approvals@example.com, that SES may send from."
  }
}

variable "health" {
  description = "The function that looks at everything: timeout and memory; reserved concurrency (kept for it alone, and its bound; -1: neither); every how many minutes it looks; where function URLs are served below their ids, on the local stage alone."
  type = object({
    timeout_seconds      = optional(number, 120)
    memory_mb            = optional(number, 256)
    reserved_concurrency = optional(number, 10)
    minutes              = optional(number, 5)
    url_base             = optional(string, "")
  })
  default = {}

  validation {
    condition     = var.health.timeout_seconds >= 90 && var.health.timeout_seconds <= 240
    error_message = "health.timeout_seconds must lie between 90 and 240: a run waits for providers and for a record, and ends before the next one begins."
  }

  validation {
    condition     = contains([1, 2, 3, 4, 5], var.health.minutes)
    error_message = "health.minutes must be a whole number from 1 to 5: health is looked at every five minutes at least."
  }

  validation {
    condition     = var.health.url_base == "" || var.stage == "local"
    error_message = "health.url_base is for stage local only: elsewhere the canary calls the gateway's own URL."
  }
}

variable "live_versions" {
  description = "Versions that are served, by function (such as { gateway = \"41\" }), instead of those that this deployment makes: how a rollback stays one."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, version in var.live_versions : contains(["actions", "admin", "approvals", "gateway", "dlp", "scim", "audit-writer", "lifecycle", "health"], name) && can(regex("^[1-9][0-9]*$", version))])
    error_message = "live_versions names functions (actions, admin, approvals, gateway, dlp, scim, audit-writer, lifecycle, health), each with the number of a version."
  }
}

variable "audit_writer" {
  description = "Sizes of the audit writer: timeout and memory; reserved concurrency (kept for it alone, and its bound; -1: neither)."
  type = object({
    timeout_seconds      = optional(number, 60)
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, 10)
  })
  default = {}

  validation {
    condition     = var.audit_writer.reserved_concurrency == -1 || var.audit_writer.reserved_concurrency > var.audit_queue.max_concurrency
    error_message = "audit_writer.reserved_concurrency must be above audit_queue.max_concurrency: batches that are throttled come nearer to the dead letters each time, and the minute's checkpoint needs a place too."
  }
}

variable "lifecycle_function" {
  description = "Sizes of the lifecycle function: timeout and memory; reserved concurrency (kept for it alone, and its bound; -1: neither)."
  type = object({
    timeout_seconds      = optional(number, 300)
    memory_mb            = optional(number, 256)
    reserved_concurrency = optional(number, 10)
  })
  default = {}

  validation {
    condition     = var.lifecycle_function.reserved_concurrency == -1 || var.lifecycle_function.reserved_concurrency >= 6
    error_message = "lifecycle_function.reserved_concurrency must be at least 6: its queue takes two places and each of its clocks one."
  }
}

variable "checkpoint_sinks" {
  description = "Names of buckets outside the account that get every hour's checkpoint, under countersign/."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for sink in var.checkpoint_sinks : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", sink)) && !strcontains(sink, "..")])
    error_message = "checkpoint_sinks must be names of buckets, 3 to 63 lower-case letters, digits, dots and hyphens; no ARN, no URL, no path."
  }

  validation {
    condition     = alltrue([for sink in var.checkpoint_sinks : !startswith(sink, "cs-${var.stage}-${var.region}-")])
    error_message = "checkpoint_sinks must lie outside the account: whoever controls this one could take a checkpoint back."
  }
}

variable "trail" {
  description = "CloudTrail over the ledger, with an alarm for whatever writes it but the audit writer."
  type        = bool
  default     = true

  validation {
    condition     = var.trail || var.stage != "prod"
    error_message = "trail is required on stage prod: without it nobody would see that the ledger was written around."
  }
}

variable "audit_queue" {
  description = "Delivery from the audit queue: deliveries before a message is set aside, batch, concurrency, and visibility timeout as a multiple of the writer's timeout."
  type = object({
    max_receive_count       = optional(number, 200)
    batch_size              = optional(number, 2500) # what six megabytes, Lambda's limit, hold of records
    batching_window_seconds = optional(number, 3)    # fewer, larger bundles; ten seconds to the ledger are promised
    max_concurrency         = optional(number, 4)    # races for one tenant's head stay rare
    visibility_factor       = optional(number, 6)
  })
  default = {}

  validation {
    condition     = var.audit_queue.visibility_factor >= 6 || (var.stage == "local" && var.audit_queue.visibility_factor >= 1)
    error_message = "audit_queue.visibility_factor must be at least 6, as AWS advises for Lambda: a batch that waits for a free function must not be delivered twice. Only stage local may go down to 1."
  }

  validation {
    condition     = var.audit_queue.batch_size >= 1 && var.audit_queue.batch_size <= 10000 && (var.audit_queue.batch_size <= 10 || var.audit_queue.batching_window_seconds >= 1)
    error_message = "audit_queue.batch_size must lie between 1 and 10000, and above 10 it needs a batching_window_seconds of at least 1."
  }

  validation {
    condition     = var.audit_queue.max_concurrency >= 2 && var.audit_queue.max_concurrency <= 1000
    error_message = "audit_queue.max_concurrency must lie between 2 and 1000, the limits of Lambda."
  }

  validation {
    condition     = var.audit_queue.max_receive_count >= 2
    error_message = "audit_queue.max_receive_count must be at least 2: one slow answer of S3 must not set a record aside."
  }
}
