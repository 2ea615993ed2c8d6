# What the plan must refuse, and what it must not weaken. Needs no AWS: the provider is a mock of its own schema.
# Run by tests/local/infra_test.py, which supplies `packages_dir`.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  stage              = "prod"
  region             = "eu"
  trusted_principals = ["arn:aws:iam::123456789012:role/administrator"]
}

run "a_deployment_is_planned" {
  command = plan

  assert {
    condition     = output.region.functions.gateway == "cs-prod-eu-gateway"
    error_message = "names are cs-<stage>-<region>-<what>"
  }

  assert {
    condition     = join(" ", keys(output.addresses)) == "actions_url admin_url approvals_url bootstrap_url dlp_url gateway_url scim_url status_url"
    error_message = "every door is told by its name"
  }
}

run "the_ledger_is_locked_for_a_year" {
  command = plan

  module {
    source = "./modules/region"
  }

  variables {
    region_name              = "eu-central-1"
    architecture             = "arm64"
    function_role_principals = []
    role_session_seconds     = 3600
    retention_days           = 365
    test_stage_governance    = false
    log_retention_days       = 365
    deletion_protection      = true
    drop_conditions          = false
    alarm_topic_arns         = []
    gateway                  = { timeout_seconds = 120, memory_mb = 512, reserved_concurrency = -1, provider_timeout_ms = 60000 }
    admin                    = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1, origin = "", handoff_to = [], bootstrap = true }
    dlp                      = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1 }
    scim                     = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1, directory_origin = "" }
    health                   = { timeout_seconds = 120, memory_mb = 256, reserved_concurrency = -1, minutes = 5, url_base = "" }
    actions                  = { timeout_seconds = 90, memory_mb = 512, reserved_concurrency = -1 }
    approvals                = { timeout_seconds = 120, memory_mb = 512, reserved_concurrency = -1, origin = "", mail_from = "approvals@acme.example" }
    live_versions            = {}
    audit_writer             = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1 }
    lifecycle_function       = { timeout_seconds = 300, memory_mb = 256, reserved_concurrency = -1 }
    audit_queue              = { max_receive_count = 5, batch_size = 500, batching_window_seconds = 1, max_concurrency = 4, visibility_factor = 6 }
    checkpoint_sinks         = ["witness-of-a-tenant"]
    trail                    = true
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.locked.rule).default_retention).mode == "COMPLIANCE"
    error_message = "the locked bucket must be in COMPLIANCE mode"
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.locked.rule).default_retention).days == 365
    error_message = "the locked bucket must keep for 365 days"
  }

  # The only lifecycle rules are the derived bucket's, and nobody may set others.
  assert {
    condition = aws_s3_bucket_lifecycle_configuration.derived.bucket == "cs-prod-eu-123456789012-derived" && 1 == sum([
      for file in fileset("modules", "**/*.tf") : length(regexall("\"aws_s3_bucket_lifecycle_configuration\"|lifecycle_rule", file("modules/${file}")))
    ])
    error_message = "no bucket but the derived one may have lifecycle rules: they put delete markers on what is locked"
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.locked.statement :
      statement.effect == "Deny" && contains(statement.actions, "s3:PutLifecycleConfiguration") && length(statement.condition) == 0
    ])
    error_message = "the locked bucket must refuse lifecycle rules"
  }

  assert {
    condition     = alltrue([for table in concat(values(aws_dynamodb_table.this), [aws_dynamodb_table.apart["ledger"], aws_dynamodb_table.apart["tokens"], aws_dynamodb_table.apart["status"], aws_dynamodb_table.apart["votes"], aws_dynamodb_table.apart["approvals"]]) : table.deletion_protection_enabled])
    error_message = "every table must have deletion protection"
  }

  assert {
    condition     = one(aws_dynamodb_table.apart["ledger"].point_in_time_recovery).enabled && one(aws_dynamodb_table.apart["ledger"].ttl).attribute_name == "expires"
    error_message = "the ledger's table must be recoverable, and forget by the attribute `expires`"
  }

  assert {
    condition     = one(aws_dynamodb_table.apart["tokens"].point_in_time_recovery).enabled && one(aws_dynamodb_table.apart["tokens"].ttl).enabled && one(aws_dynamodb_table.apart["tokens"].ttl).attribute_name == "ttl"
    error_message = "the tokens' table must be recoverable, and forget by the attribute `ttl`"
  }

  assert {
    condition     = one(aws_dynamodb_table.apart["votes"].point_in_time_recovery).enabled && one(aws_dynamodb_table.apart["votes"].ttl).attribute_name == "expires"
    error_message = "the table of requests must be recoverable, and forget by the attribute `expires`"
  }

  assert {
    condition     = one(aws_dynamodb_table.apart["approvals"].point_in_time_recovery).enabled && length(aws_dynamodb_table.apart["approvals"].ttl) == 0
    error_message = "the table of permits that were taken must be recoverable, and forget nothing"
  }

  assert {
    condition     = length(setintersection(keys(aws_dynamodb_table.this), ["ledger", "tokens", "status", "votes", "approvals"])) == 0
    error_message = "the gateway and the operator reach every table of that map: the ledger's, the tokens' and those of approvals must not be among them"
  }

  assert {
    condition     = aws_sqs_queue.audit.visibility_timeout_seconds >= 6 * 60
    error_message = "the queue must hide a batch for six times the writer's timeout"
  }

  assert {
    condition = alltrue([for name, key in jsondecode(aws_cloudformation_stack.signing.template_body).Resources :
      key.Properties.KeySpec == (name == "Permit" ? "ECC_NIST_P256" : "ECC_NIST_EDWARDS25519") && key.Properties.KeyUsage == "SIGN_VERIFY" && key.DeletionPolicy == "Retain" && key.UpdateReplacePolicy == "Retain"
    ]) && length(jsondecode(aws_cloudformation_stack.signing.template_body).Resources) == 12
    error_message = "twelve keys sign, and outlive their stack"
  }

  assert {
    condition = alltrue([for key, role in { checkpoint = "audit-writer", actions = "actions", permit = "actions", admin = "admin", approvals = "approvals", gateway = "gateway", dlp = "dlp", health = "health", lifecycle = "lifecycle", operator = "operator", scim = "scim" } : anytrue([
      for statement in data.aws_iam_policy_document.signing_key[key].statement :
      statement.effect == "Deny" && contains(statement.actions, "kms:Sign") && [for condition in statement.condition : condition.values] == [tolist(["arn:aws:iam::123456789012:role/cs-prod-eu-${role}"])]
    ])])
    error_message = "each signing key must refuse every role but its own"
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.lifecycle.statement :
      statement.actions == toset(["s3:PutObject"]) && statement.resources == toset(["arn:aws:s3:::witness-of-a-tenant/countersign/*"])
    ])
    error_message = "lifecycle must be able to put checkpoints into a sink, and nothing else"
  }

  # What may be restored is counted beside the budgets, which whoever counts must not reach.
  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.dlp.statement :
      length(setintersection(statement.actions, ["dynamodb:UpdateItem"])) == 0 || [for condition in statement.condition : [condition.test, condition.variable]] == [["ForAllValues:StringLike", "dynamodb:LeadingKeys"]]
    ])
    error_message = "DLP over HTTP may update rate windows and keys of people, and nothing beside them"
  }

  # Whoever asks writes no word of a person's, and whoever decides takes no permit.
  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.actions.statement :
      length(setintersection(statement.actions, ["dynamodb:UpdateItem", "dynamodb:DeleteItem"])) == 0 || [for condition in statement.condition : [condition.test, condition.variable]] == [["ForAllValues:StringLike", "dynamodb:LeadingKeys"]]
      ]) && alltrue([
      for statement in data.aws_iam_policy_document.actions.statement :
      !contains(statement.actions, "dynamodb:DeleteItem") || [for condition in statement.condition : tolist(condition.values)] == [tolist(["DUE#*"])]
    ]) && !contains(flatten([for statement in data.aws_iam_policy_document.actions.statement : statement.actions]), "dynamodb:PutItem")
    error_message = "actions may update rate windows, requests and permits that were taken, and take outcomes from the list of those that are awaited, and nothing else from anywhere"
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.approvals.statement :
      statement.actions if statement.sid == "SeeWhatWasTaken" || statement.sid == "KnowPeople" || statement.sid == "SendMail"
    ])) == toset(["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem", "ses:SendEmail"])
    error_message = "approvals may read people and what was taken, and send mail"
  }

  assert {
    condition = toset(flatten([for statement in data.aws_iam_policy_document.approvals.statement : statement.resources if statement.sid == "SendMail"])) == toset([
      "arn:aws:ses:eu-central-1:123456789012:identity/approvals@acme.example", "arn:aws:ses:eu-central-1:123456789012:identity/acme.example",
    ])
    error_message = "mail may be sent by the identity of its address alone, or its domain's"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this["sweep-approvals"].input == "{\"sweep\":true}" && aws_cloudwatch_event_rule.this["sweep-approvals"].schedule_expression == "rate(1 minute)"
    error_message = "requests that are late must be looked for every minute"
  }

  # People ask the log through the management API: rows are read and results kept, and no other object is touched.
  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.admin.statement :
      [for action in statement.actions : "${statement.sid} ${action}" if can(regex("^(s3|athena|glue):", action))]
      ])) == toset([
      "AskTheLog athena:GetQueryExecution", "AskTheLog athena:GetQueryResults", "AskTheLog athena:StartQueryExecution",
      "ReadCatalogue glue:GetDatabase", "ReadCatalogue glue:GetPartitions",
      "ReadCatalogue glue:GetTable", "FindRows s3:GetBucketLocation", "ListRows s3:ListBucket", "ReadRows s3:GetObject",
      "KeepResults s3:AbortMultipartUpload", "KeepResults s3:GetObject", "KeepResults s3:ListMultipartUploadParts",
      "KeepResults s3:PutObject",
    ])
    error_message = "the management API may ask Athena, read rows and keep results, and nothing beside that"
  }

  assert {
    condition     = one(aws_dynamodb_table.this["gates"].ttl).attribute_name == "expires"
    error_message = "rate windows must be forgotten by the attribute `expires`"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.this["checkpoint"].schedule_expression == "rate(1 minute)" && aws_cloudwatch_event_target.this["checkpoint"].input == "{\"checkpoint\":{}}"
    error_message = "a checkpoint must be asked for every minute"
  }
}

run "the_trail_watches_the_ledger" {
  command = plan

  module {
    source = "./modules/region"
  }

  variables {
    region_name              = "eu-central-1"
    architecture             = "arm64"
    function_role_principals = []
    role_session_seconds     = 3600
    retention_days           = 365
    test_stage_governance    = false
    log_retention_days       = 365
    deletion_protection      = true
    drop_conditions          = false
    alarm_topic_arns         = []
    gateway                  = { timeout_seconds = 120, memory_mb = 512, reserved_concurrency = -1, provider_timeout_ms = 60000 }
    admin                    = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1, origin = "", handoff_to = [], bootstrap = true }
    dlp                      = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1 }
    scim                     = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1, directory_origin = "" }
    health                   = { timeout_seconds = 120, memory_mb = 256, reserved_concurrency = -1, minutes = 5, url_base = "" }
    actions                  = { timeout_seconds = 90, memory_mb = 512, reserved_concurrency = -1 }
    approvals                = { timeout_seconds = 120, memory_mb = 512, reserved_concurrency = -1, origin = "", mail_from = "approvals@acme.example" }
    live_versions            = {}
    audit_writer             = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1 }
    lifecycle_function       = { timeout_seconds = 300, memory_mb = 256, reserved_concurrency = -1 }
    audit_queue              = { max_receive_count = 5, batch_size = 500, batching_window_seconds = 1, max_concurrency = 4, visibility_factor = 6 }
    checkpoint_sinks         = []
    trail                    = true
  }

  assert {
    condition = toset(flatten([
      for selector in aws_cloudtrail.ledger[0].advanced_event_selector : [
        for field in selector.field_selector : concat(coalesce(field.equals, []), coalesce(field.starts_with, [])) if field.field == "resources.ARN"
      ]
      ])) == toset([
      "arn:aws:s3:::cs-prod-eu-123456789012-locked/",
      "arn:aws:s3:::cs-prod-eu-123456789012-derived/",
      "arn:aws:dynamodb:eu-central-1:123456789012:table/cs-prod-eu-ledger",
      "arn:aws:sqs:eu-central-1:123456789012:cs-prod-eu-audit",
      "arn:aws:sqs:eu-central-1:123456789012:cs-prod-eu-audit-dlq",
    ])
    error_message = "the trail must record what happens to both buckets' objects, the ledger's rows and both queues' messages"
  }

  assert {
    condition = anytrue([
      for selector in aws_cloudtrail.ledger[0].advanced_event_selector :
      [for field in selector.field_selector : field.equals] == [tolist(["Management"])]
    ])
    error_message = "the trail must record every management event"
  }

  assert {
    condition = alltrue(flatten([
      for selector in aws_cloudtrail.ledger[0].advanced_event_selector : [
        for field in selector.field_selector : contains(["eventCategory", "resources.type", "resources.ARN"], field.field)
      ]
    ]))
    error_message = "nothing may be taken out of the trail: neither reads nor any event by its name"
  }

  assert {
    condition     = aws_cloudtrail.ledger[0].enable_log_file_validation && aws_cloudtrail.ledger[0].enable_logging
    error_message = "the trail must run, and its files must be verifiable"
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.trail[0].rule).default_retention).mode == "COMPLIANCE" && one(one(aws_s3_bucket_object_lock_configuration.trail[0].rule).default_retention).days == 365
    error_message = "the trail must be locked for a year"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.unexpected[0].threshold == 0 && aws_cloudwatch_metric_alarm.unexpected[0].comparison_operator == "GreaterThanThreshold"
    error_message = "the first unexpected event must raise the alarm"
  }

  assert {
    condition = alltrue([
      for filter in aws_cloudwatch_log_metric_filter.unexpected :
      one(filter.metric_transformation).name == aws_cloudwatch_metric_alarm.unexpected[0].metric_name && one(filter.metric_transformation).namespace == aws_cloudwatch_metric_alarm.unexpected[0].namespace
    ])
    error_message = "every filter must count into the alarm's metric"
  }

  assert {
    condition = toset(keys(aws_cloudwatch_log_metric_filter.unexpected)) == toset([
      "ledger-objects", "ledger-deletes", "ledger-rows", "queue-messages", "queue-strangers", "derived-objects",
      "bucket-settings", "queue-settings", "table-settings", "keys", "trail",
    ])
    error_message = "a filter is missing"
  }

  # Those who write are named, and nobody else.
  assert {
    condition = alltrue([for what, roles in {
      ledger-objects  = ["audit-writer"]
      ledger-rows     = ["audit-writer"]
      queue-messages  = ["actions", "admin", "approvals", "audit-writer", "dlp", "gateway", "health", "lifecycle", "operator", "scim"]
      derived-objects = ["audit-writer", "lifecycle", "operator"]
    } : flatten(regexall("userName != \"cs-prod-eu-([a-z-]+)\"", aws_cloudwatch_log_metric_filter.unexpected[what].pattern)) == flatten([roles])])
    error_message = "the filters must know those who write, and nobody else"
  }
}

# CloudWatch takes 1,024 characters.
run "filters_of_the_longest_stage_are_short_enough" {
  command = plan

  override_resource {
    target          = aws_kms_key.root
    override_during = plan
    values          = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }

  override_resource {
    target          = aws_cloudformation_stack.signing
    override_during = plan
    values = { outputs = { for key in ["Actions", "Admin", "Approvals", "Checkpoint", "Dlp", "Gateway", "Health", "Lifecycle", "Operator", "Permit", "Scim", "Session"] :
      "${key}Arn" => "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    } }
  }

  module {
    source = "./modules/region"
  }

  variables {
    stage                    = "production12"
    region_name              = "eu-central-1"
    architecture             = "arm64"
    function_role_principals = []
    role_session_seconds     = 3600
    retention_days           = 365
    test_stage_governance    = false
    log_retention_days       = 365
    deletion_protection      = true
    drop_conditions          = false
    alarm_topic_arns         = []
    gateway                  = { timeout_seconds = 120, memory_mb = 512, reserved_concurrency = -1, provider_timeout_ms = 60000 }
    admin                    = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1, origin = "", handoff_to = [], bootstrap = true }
    dlp                      = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1 }
    scim                     = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1, directory_origin = "" }
    health                   = { timeout_seconds = 120, memory_mb = 256, reserved_concurrency = -1, minutes = 5, url_base = "" }
    actions                  = { timeout_seconds = 90, memory_mb = 512, reserved_concurrency = -1 }
    approvals                = { timeout_seconds = 120, memory_mb = 512, reserved_concurrency = -1, origin = "", mail_from = "" }
    live_versions            = {}
    audit_writer             = { timeout_seconds = 60, memory_mb = 512, reserved_concurrency = -1 }
    lifecycle_function       = { timeout_seconds = 300, memory_mb = 256, reserved_concurrency = -1 }
    audit_queue              = { max_receive_count = 5, batch_size = 500, batching_window_seconds = 1, max_concurrency = 4, visibility_factor = 6 }
    checkpoint_sinks         = []
    trail                    = true
  }

  assert {
    condition     = alltrue([for filter in aws_cloudwatch_log_metric_filter.unexpected : length(filter.pattern) <= 1024])
    error_message = "a filter is longer than CloudWatch takes: ${jsonencode({ for name, filter in aws_cloudwatch_log_metric_filter.unexpected : name => length(filter.pattern) })}"
  }
}

run "a_sink_that_is_no_bucket" {
  command = plan

  variables {
    checkpoint_sinks = ["arn:aws:s3:::witness"]
  }

  expect_failures = [var.checkpoint_sinks]
}

run "a_sink_within_the_account" {
  command = plan

  variables {
    checkpoint_sinks = ["cs-prod-eu-123456789012-derived"]
  }

  expect_failures = [var.checkpoint_sinks]
}

run "production_without_a_trail" {
  command = plan

  variables {
    trail = false
  }

  expect_failures = [var.trail]
}

run "il_has_no_function_urls" {
  command = plan

  variables {
    region = "il"
  }

  expect_failures = [var.region]
}

run "an_unknown_region" {
  command = plan

  variables {
    region = "mars"
  }

  expect_failures = [var.region]
}

run "retention_below_a_year" {
  command = plan

  variables {
    retention_days = 364
  }

  expect_failures = [var.retention_days]
}

run "governance_in_production" {
  command = plan

  variables {
    test_stage_governance = true
  }

  expect_failures = [var.test_stage_governance]
}

run "dropped_conditions_on_aws" {
  command = plan

  variables {
    drop_conditions = true
  }

  expect_failures = [var.drop_conditions]
}

run "function_roles_for_people" {
  command = plan

  variables {
    function_role_principals = ["arn:aws:iam::123456789012:root"]
  }

  expect_failures = [var.function_role_principals]
}

run "roles_for_everybody" {
  command = plan

  variables {
    trusted_principals = ["*"]
  }

  expect_failures = [var.trusted_principals]
}

run "a_provider_slower_than_the_function" {
  command = plan

  variables {
    gateway = { timeout_seconds = 60 }
  }

  expect_failures = [var.gateway]
}

run "dlp_shorter_than_its_writes" {
  command = plan

  variables {
    dlp = { timeout_seconds = 29 }
  }

  expect_failures = [var.dlp]
}

run "scim_too_short_for_a_large_group" {
  command = plan

  variables {
    scim = { timeout_seconds = 29 }
  }

  expect_failures = [var.scim]
}

run "a_batch_delivered_twice" {
  command = plan

  variables {
    audit_queue = { visibility_factor = 5 }
  }

  expect_failures = [var.audit_queue]
}

run "health_too_seldom" {
  command = plan

  variables {
    health = { minutes = 10 }
  }

  expect_failures = [var.health]
}

run "health_of_another_address" {
  command = plan

  variables {
    health = { url_base = "http://127.0.0.1:4566/" }
  }

  expect_failures = [var.health]
}

run "a_version_that_is_none" {
  command = plan

  variables {
    live_versions = { gateway = "$LATEST" }
  }

  expect_failures = [var.live_versions]
}

run "a_writer_that_its_queue_would_fill" {
  command = plan

  variables {
    audit_writer = { reserved_concurrency = 4 }
  }

  expect_failures = [var.audit_writer]
}

run "a_lifecycle_without_room_for_its_clocks" {
  command = plan

  variables {
    lifecycle_function = { reserved_concurrency = 2 }
  }

  expect_failures = [var.lifecycle_function]
}

run "actions_shorter_than_a_wait" {
  command = plan

  variables {
    actions = { timeout_seconds = 60 }
  }

  expect_failures = [var.actions]
}

run "approvals_without_room_for_people" {
  command = plan

  variables {
    approvals = { reserved_concurrency = 3 }
  }

  expect_failures = [var.approvals]
}

run "approvals_at_no_address" {
  command = plan

  variables {
    approvals = { origin = "http://approvals.example.com" }
  }

  expect_failures = [var.approvals]
}

run "mail_from_nobody" {
  command = plan

  variables {
    approvals = { mail_from = "Approvals <approvals@example.com>" }
  }

  expect_failures = [var.approvals]
}
