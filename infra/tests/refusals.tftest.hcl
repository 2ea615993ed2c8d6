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
    audit_writer             = { timeout_seconds = 30, memory_mb = 256, reserved_concurrency = -1 }
    audit_queue              = { max_receive_count = 5, batch_size = 10, batching_window_seconds = 0, max_concurrency = 20, visibility_factor = 6 }
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.locked.rule).default_retention).mode == "COMPLIANCE"
    error_message = "the locked bucket must be in COMPLIANCE mode"
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.locked.rule).default_retention).days == 365
    error_message = "the locked bucket must keep for 365 days"
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled])
    error_message = "every table must have deletion protection"
  }

  assert {
    condition     = aws_sqs_queue.audit.visibility_timeout_seconds >= 6 * 30
    error_message = "the queue must hide a batch for six times the writer's timeout"
  }
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

run "a_batch_delivered_twice" {
  command = plan

  variables {
    audit_queue = { visibility_factor = 5 }
  }

  expect_failures = [var.audit_queue]
}
