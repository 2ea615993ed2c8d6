# The audit question in SQL: a Glue table over the derived rows, and an Athena workgroup that cannot be told to put
# its results elsewhere.

locals {
  # The columns of the audit record (`domain`, record.rs), in its order. Structures are JSON text. `tenant_id` is not
  # among them: it is a partition key, and so is the day.
  timeline_columns = concat(
    [for name in ["v"] : { name = name, type = "int" }],
    [for name in ["event_id"] : { name = name, type = "string" }],
    [for name in ["created_at"] : { name = name, type = "timestamp" }],
    [for name in [
      "region", "org_id", "event_type", "phase", "actor_type", "actor_id", "action", "decision", "reason",
      "description", "metadata", "agent_id", "action_id", "request_id", "trace_id", "conversation_id", "session_id",
      "auth_method",
    ] : { name = name, type = "string" }],
    [for name in ["mfa"] : { name = name, type = "boolean" }],
    [for name in ["resource", "authority", "on_behalf_of", "on_behalf_of_ref"] : { name = name, type = "string" }],
    [for name in ["identity_verified"] : { name = name, type = "boolean" }],
    [for name in [
      "subject_refs", "purpose", "lawful_basis", "consent_ref", "data_classes", "retention_class", "approval_id",
      "source_ip", "model", "provider", "provider_region",
    ] : { name = name, type = "string" }],
    [for name in ["input_tokens", "output_tokens", "cost_usd_micros"] : { name = name, type = "bigint" }],
    [for name in ["dlp", "request_commitment", "response_commitment"] : { name = name, type = "string" }],
    # The ledger's own (`ledger`, row.rs): a record's place, and who sent it.
    [for name in ["seq", "agent_seq"] : { name = name, type = "bigint" }],
    [for name in ["agent_prev"] : { name = name, type = "string" }],
    [for name in ["logged_at"] : { name = name, type = "timestamp" }],
    [for name in ["producer"] : { name = name, type = "string" }],
    [for name in ["n"] : { name = name, type = "bigint" }],
    [for name in ["prev", "code_sha256", "producer_sig", "producer_cert"] : { name = name, type = "string" }],
  )

  timeline_location = "s3://${aws_s3_bucket.derived.id}/task_timeline"
}

resource "aws_glue_catalog_database" "agents" {
  name = "ds_agents_${var.region}"
}

# Partitions are projected, so that a row can be asked for as soon as it is written and no crawler lists tenants.
# `tenant_id` is injected: Athena refuses a query that does not name one, so no query scans every tenant.
resource "aws_glue_catalog_table" "task_timeline" {
  name          = "task_timeline"
  database_name = aws_glue_catalog_database.agents.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    "EXTERNAL"                  = "TRUE"
    "classification"            = "json"
    "projection.enabled"        = "true"
    "projection.tenant_id.type" = "injected"
    "projection.dt.type"        = "date"
    "projection.dt.format"      = "yyyy-MM-dd"
    "projection.dt.range"       = "2026-01-01,NOW+1DAYS"
    "storage.location.template" = "${local.timeline_location}/tenant_id=$${tenant_id}/dt=$${dt}/"
  }

  partition_keys {
    name = "tenant_id"
    type = "string"
  }

  partition_keys {
    name = "dt"
    type = "string"
  }

  storage_descriptor {
    location      = "${local.timeline_location}/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
    }

    dynamic "columns" {
      for_each = local.timeline_columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }
  }
}

resource "aws_athena_workgroup" "audit" {
  name          = "${local.prefix}-audit"
  force_destroy = var.stage == "local"

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    # 100 GiB, about half a dollar: one question of one member does not spend more.
    bytes_scanned_cutoff_per_query = 107374182400

    result_configuration {
      output_location = "s3://${aws_s3_bucket.derived.id}/athena/"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}
